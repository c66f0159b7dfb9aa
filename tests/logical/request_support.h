/* What the tests of requests share. */
#ifndef REQUEST_SUPPORT_H
#define REQUEST_SUPPORT_H

#include "kvtest.h"

#include <kvlogical/schedule.h>

#define BLOCK_TOKENS 4

/* A pool of blocks of four tokens. */
kvlogical_manager *make_pool(size_t blocks, uint32_t eviction, uint32_t duplicates);
/* Tokens first, first + 1, …; the array is the test's, static inside. */
const uint32_t *count_up(uint32_t first, size_t count);
/* A request whose input is count_up(first, count). */
kvlogical_request *make_request(kvlogical_manager *pool, uint32_t first, size_t count, size_t max_output);
/* Schedule and apply a prefill of everything that is left; the token goes with it while the budget lasts. */
void prefill_all(kvlogical_request *request, uint32_t token);
/* One decode step. Returns the outcome. */
uint32_t decode(kvlogical_request *request, uint32_t token);
/* Assigned, unassigned, computed and tail, as the tables of the specification list them. */
void expect_counts(const kvlogical_request *request, size_t assigned, size_t unassigned, size_t computed, size_t tail);
size_t available(const kvlogical_manager *pool);
/* Nothing is held and every invariant holds; destroys the pool. */
void end_pool(kvlogical_manager *pool);

#endif

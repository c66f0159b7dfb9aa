/* The same work twice, to count its instructions in C and in C++. */
#ifndef CPP_COST_H
#define CPP_COST_H

#include <kvlogical/schedule.h>

#define COST_BLOCKS 32

#ifdef __cplusplus
extern "C" {
#endif
/* Match, allocate, stage, register, release. Returns the hits. */
size_t cost_blocks_c(kvlogical_manager *pool, const kvhash_plh *names, size_t count);
/* One decode step. */
int cost_decode_c(kvlogical_request *request, uint32_t token);
#ifdef __cplusplus
}
#endif

#endif

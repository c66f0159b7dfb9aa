/* What the tests of libkvlogical share: managers, chains of names, and the steps that most tests begin with. */
#ifndef LOGICAL_SUPPORT_H
#define LOGICAL_SUPPORT_H

#include "kvtest.h"

#include <kvlogical/manager.h>
#include <kvlogical/metrics.h>
#include <kvlogical/registry.h>

#define BATCH_MOST 512

/* LRU, 4 tokens a block, a private registry that counts: what a test does not say is so. */
kvlogical_config config_of(size_t blocks);
kvlogical_manager *make_manager(const kvlogical_config *config);
kvlogical_manager *make_lru(size_t blocks);
kvlogical_registry *make_registry(size_t frequency_capacity);
/* Checks every invariant, then destroys; nothing may be out. */
void destroy_manager(kvlogical_manager *manager);

/* A chain of names from position 0, a different one for each id; chains of one id begin alike. */
void name_chain(uint64_t id, kvhash_plh *names, size_t count);
/* Single names, no two alike. */
void name_roots(uint64_t id, kvhash_plh *names, size_t count);

/* Allocate and stage. */
void stage_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_complete *staged);
/* Allocate, stage and register: held for the caller. */
void hold_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_immutable *held);
/* The same, released again in order: found by name, held by nobody. */
void cache_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count);
/* How many leading names match, released again in order. */
size_t match_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count);
/* Take one victim after the other (nothing may be free) and give the index of each in names. */
void expect_victims(kvlogical_manager *manager, const kvhash_plh *names, size_t name_count, const size_t *expected,
                    size_t count);

void assert_sound(const kvlogical_manager *manager);
void assert_same_name(kvhash_plh actual, kvhash_plh expected);
/* Gauges: guards in flight, then pools. */
void assert_gauges(const kvlogical_manager *manager, int64_t mutable_blocks, int64_t immutable_guards, int64_t inactive,
                   int64_t free_blocks);
bool is_present(const kvlogical_registry *registry, kvhash_plh name, uint64_t tier);
size_t available(const kvlogical_manager *manager);

/* A tracker that counts its calls and answers each count with `frequency`. */
typedef struct metered_tracker {
    unsigned touches, counts, frequency;
    kvhash_plh touched[BATCH_MOST]; /* in order */
} metered_tracker;
kvlogical_tracker tracker_of(metered_tracker *meter);
kvlogical_registry *make_metered_registry(metered_tracker *meter);

#endif

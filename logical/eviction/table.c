/* The table of policies: the one place that knows them all. */
#include <kvlogical/policy.h>

#include "eviction/eviction.h"
#include <kvcore/config.h>

/* In the order of their numbers. */
#define ROWS(ROW)     \
    ROW(lru)          \
    ROW(multi_lru)    \
    ROW(fifo)         \
    ROW(lineage_tick) \
    ROW(lineage_fifo) \
    ROW(sieve)        \
    ROW(s3_fifo)      \
    ROW(survival)

#define DECLARE(row) extern const eviction kvlogical__##row;
#define ADDRESS(row) &kvlogical__##row,

ROWS(DECLARE)

static const eviction *const policies[] = {ROWS(ADDRESS)};

#define POLICIES (sizeof policies / sizeof *policies)

const eviction *kvlogical__eviction(uint32_t policy) {
    if (policy == KVLOGICAL_EVICT_DEFAULT) policy = KVLOGICAL_EVICT_LINEAGE_TICK;
    for (size_t i = 0; i < POLICIES; i++)
        if (policies[i]->policy == policy) return policies[i];
    return NULL;
}

size_t kvlogical_policy_count(void) { return POLICIES; }

kvcore_status kvlogical_policy_at(size_t index, kvlogical_policy *policy) {
    if (policy == NULL || index >= POLICIES) return KVCORE_EINVAL;
    const eviction *row = policies[index];
    kvlogical_policy full = {sizeof full, row->policy, row->name, row->alias, row->label, row->help};
    return kvcore_result_write(policy, &full, sizeof full, NULL);
}

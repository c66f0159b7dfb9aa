/* Which entries of a metadata index to evict, and which to fetch ahead: the first k of an order over all of them. */
#include <math.h>
#include <string.h>

#include <kvcore/sort.h>

#include "metadata/metadata.h"

#define TARGET_SHARE 0.9
#define HALF_LIFE_NS 6e11
#define ROOT_BONUS 0.3
#define ACTIVE_MODEL_BONUS 0.2
#define LN_2 0.693147180559945309417232121458

/* ---- the first k of many: a heap in the caller's array, the last of them on top ---- */

#define ITEM_BYTES_MAX 64

typedef int order(const void *a, const void *b);

typedef struct selection {
    char *items;
    size_t item_bytes, capacity, count;
    order *before; /* < 0: a comes first; never 0 for two items */
} selection;

static void *item(const selection *s, size_t i) { return s->items + i * s->item_bytes; }

/* Move the hole at i up, or down, to where `offered` belongs, and fill it. */
static void settle_up(selection *s, size_t i, const void *offered) {
    for (; i > 0 && s->before(item(s, (i - 1) / 2), offered) < 0; i = (i - 1) / 2)
        memcpy(item(s, i), item(s, (i - 1) / 2), s->item_bytes);
    memcpy(item(s, i), offered, s->item_bytes);
}

static void settle_down(selection *s, size_t i, const void *offered) {
    for (size_t child = 2 * i + 1; child < s->count; i = child, child = 2 * i + 1) {
        if (child + 1 < s->count && s->before(item(s, child), item(s, child + 1)) < 0) child++;
        if (s->before(item(s, child), offered) < 0) break;
        memcpy(item(s, i), item(s, child), s->item_bytes);
    }
    memcpy(item(s, i), offered, s->item_bytes);
}

static void offer(selection *s, const void *offered) {
    if (s->count < s->capacity)
        settle_up(s, s->count++, offered);
    else if (s->capacity > 0 && s->before(offered, item(s, 0)) < 0)
        settle_down(s, 0, offered);
}

static bool item_before(void *ctx, size_t a, size_t b) {
    const selection *s = ctx;
    return s->before(item(s, a), item(s, b)) < 0;
}

static void item_swap(void *ctx, size_t a, size_t b) {
    const selection *s = ctx;
    char held[ITEM_BYTES_MAX];
    memcpy(held, item(s, a), s->item_bytes);
    memcpy(item(s, a), item(s, b), s->item_bytes);
    memcpy(item(s, b), held, s->item_bytes);
}

static void finish(selection *s) { kvcore_sort(&(kvcore_sorting){s, item_before, item_swap}, s->count); }

_Static_assert(sizeof(kvradix_eviction_candidate) <= ITEM_BYTES_MAX, "an item must fit where two are swapped");
_Static_assert(sizeof(kvradix_prefetch_candidate) <= ITEM_BYTES_MAX, "an item must fit where two are swapped");

/* ---- eviction ---- */

uint64_t kvradix_eviction_target_bytes(uint64_t budget_bytes) {
    return (uint64_t)((double)budget_bytes * TARGET_SHARE);
}

static int least_recent_first(const void *left, const void *right) {
    const kvradix_eviction_candidate *a = left, *b = right;
    if (a->last_access_ns != b->last_access_ns) return a->last_access_ns < b->last_access_ns ? -1 : 1;
    return kvcore_hash256_compare(&a->hash, &b->hash);
}

kvcore_status kvradix_metadata_eviction_candidates(const kvradix_metadata *index, uint64_t budget_bytes,
                                                   kvradix_eviction_candidate *candidates, size_t capacity,
                                                   size_t *count, kvradix_eviction_plan *plan) {
    if (index == NULL || count == NULL || plan == NULL || (candidates == NULL && capacity > 0)) return KVCORE_EINVAL;
    const table *t = &index->table;
    selection chosen = {(char *)candidates, sizeof *candidates, capacity, 0, least_recent_first};
    uint64_t total = 0;
    size_t cursor = 0;
    pthread_mutex_t *writers = metadata_lock(index);
    for (uint32_t slot; (slot = kvradix__table_next(t, &cursor)) != TABLE_NONE;) {
        const metadata_record *record = table_slot(t, slot);
        if (__builtin_add_overflow(total, record->payload_bytes, &total)) total = UINT64_MAX;
        offer(&chosen, &(kvradix_eviction_candidate){record->hash, kvradix__metadata_of(record).last_access_ns,
                                                     record->payload_bytes});
    }
    pthread_mutex_unlock(writers);
    uint64_t target = kvradix_eviction_target_bytes(budget_bytes);
    *plan = (kvradix_eviction_plan){total, target, budget_bytes == 0 || total <= budget_bytes ? 0 : total - target};
    finish(&chosen);
    *count = plan->need_bytes == 0 ? 0 : chosen.count;
    return KVCORE_OK;
}

/* ---- fetching ahead ---- */

double kvradix_prefetch_score(const kvcore_block_meta *meta, uint64_t now_ns, const kvcore_model_digest *active) {
    if (meta == NULL || active == NULL) return 0.0;
    double age_ns = meta->last_access_ns < now_ns ? (double)(now_ns - meta->last_access_ns) : 0.0;
    return exp(-(LN_2 / HALF_LIFE_NS) * age_ns) + (meta->block_seq == 0 ? ROOT_BONUS : 0.0) +
           (kvcore_model_digest_equal(&meta->model_digest, active) ? ACTIVE_MODEL_BONUS : 0.0);
}

static int best_first(const void *left, const void *right) {
    const kvradix_prefetch_candidate *a = left, *b = right;
    if (a->score > b->score) return -1;
    if (a->score < b->score) return 1;
    return kvcore_hash256_compare(&a->hash, &b->hash);
}

kvcore_status kvradix_metadata_prefetch_candidates(const kvradix_metadata *index, uint64_t now_ns,
                                                   const kvcore_model_digest *active,
                                                   kvradix_prefetch_candidate *candidates, size_t capacity,
                                                   size_t *count) {
    if (index == NULL || active == NULL || count == NULL || (candidates == NULL && capacity > 0)) return KVCORE_EINVAL;
    const table *t = &index->table;
    selection chosen = {(char *)candidates, sizeof *candidates, capacity, 0, best_first};
    size_t cursor = 0;
    pthread_mutex_t *writers = metadata_lock(index);
    for (uint32_t slot; (slot = kvradix__table_next(t, &cursor)) != TABLE_NONE;) {
        const metadata_record *record = table_slot(t, slot);
        kvcore_block_meta meta = kvradix__metadata_of(record);
        offer(&chosen, &(kvradix_prefetch_candidate){record->hash, kvradix_prefetch_score(&meta, now_ns, active)});
    }
    pthread_mutex_unlock(writers);
    finish(&chosen);
    *count = chosen.count;
    return KVCORE_OK;
}

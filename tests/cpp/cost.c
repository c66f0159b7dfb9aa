#include "cost.h"

size_t cost_blocks_c(kvlogical_manager *pool, const kvhash_plh *names, size_t count) {
    static kvlogical_immutable held[COST_BLOCKS];
    static kvlogical_mutable fresh[COST_BLOCKS];
    static kvlogical_complete done[COST_BLOCKS];
    size_t hits;
    if (kvlogical_match_prefix(pool, names, count, held, &hits) != KVCORE_OK) return 0;
    if (kvlogical_allocate(pool, count - hits, fresh, NULL) != KVCORE_OK) return 0;
    if (kvlogical_stage(pool, fresh, names + hits, count - hits, done) != KVCORE_OK) return 0;
    if (kvlogical_register(pool, done, count - hits, held + hits) != KVCORE_OK) return 0;
    (void)kvlogical_release_tail_first(pool, held, count);
    return hits;
}

int cost_decode_c(kvlogical_request *request, uint32_t token) {
    if (kvlogical_request_schedule_decode(request, NULL) != KVCORE_OK) return -1;
    return kvlogical_request_apply_decode(request, token, NULL, NULL);
}

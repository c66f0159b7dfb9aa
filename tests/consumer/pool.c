/* A stranger's program over logical, as C and (pool.cpp) as C++: two requests that share two blocks. */
#include <stdint.h>
#include <stdio.h>

#include <kvlogical/manager.h>

enum { BLOCKS = 4 };

/* Names for BLOCKS blocks: the first `shared` are the same for every request. */
static int make_names(uint64_t request, int shared, kvhash_plh *names) {
    names[0] = kvhash_plh_root(7);
    for (int i = 1; i < BLOCKS; i++)
        if (kvhash_plh_extend(names[i - 1], i < shared ? 7 : request, &names[i]) != KVCORE_OK) return 0;
    return 1;
}

/* Match, allocate, name, share, let go. How many blocks were there already, or -1. */
static int serve(kvlogical_manager *pool, uint64_t request) {
    kvhash_plh names[BLOCKS];
    kvlogical_immutable held[BLOCKS];
    kvlogical_mutable fresh[BLOCKS];
    kvlogical_complete staged[BLOCKS];
    size_t hits = 0;
    if (!make_names(request, 2, names)) return -1;
    if (kvlogical_match_prefix(pool, names, BLOCKS, held, &hits) != KVCORE_OK) return -1;
    if (kvlogical_allocate(pool, BLOCKS - hits, fresh, NULL) != KVCORE_OK) return -1;
    if (kvlogical_stage(pool, fresh, names + hits, BLOCKS - hits, staged) != KVCORE_OK) return -1;
    if (kvlogical_register(pool, staged, BLOCKS - hits, held + hits) != KVCORE_OK) return -1;
    if (kvlogical_release_tail_first(pool, held, BLOCKS) != KVCORE_OK) return -1;
    return (int)hits;
}

int main(void) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 8;
    config.eviction = KVLOGICAL_EVICT_LRU;
    kvlogical_manager *pool = NULL;
    kvcore_error error;
    if (kvlogical_manager_create(&config, &pool, &error) != KVCORE_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int first = serve(pool, 1), second = serve(pool, 2), again = serve(pool, 1);
    printf("hits: %d, %d, %d\n", first, second, again);
    if (first != 0 || second != 2 || again != 4) return 1;
    config.block_count = 0;
    if (kvlogical_manager_create(&config, &pool, &error) != KVCORE_ECONFIG) return 1;
    return kvlogical_manager_destroy(pool) == KVCORE_OK ? 0 : 1;
}

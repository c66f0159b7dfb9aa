/* One request through a block pool: what is cached, room for the rest, compute, share, let go. */
#include <stdio.h>

#include <kvhash/request.h>
#include <kvlogical/manager.h>

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        kvcore_status status_ = (call);                                                                      \
        if (status_ != KVCORE_OK) return fprintf(stderr, "%s: %s\n", #call, kvcore_status_text(status_)), 1; \
    } while (0)

static void engine_compute_kv(uint32_t block) { printf("compute block %u\n", (unsigned)block); }

static int serve(kvlogical_manager *pool, const kvhash_plh *names, size_t count) {
    /* what is cached already? */
    kvlogical_immutable held[512];
    size_t hits;
    TRY(kvlogical_match_prefix(pool, names, count, held, &hits));

    /* room for the rest: all or nothing */
    kvlogical_mutable fresh[512];
    size_t need = count - hits;
    if (kvlogical_allocate(pool, need, fresh, NULL) == KVCORE_ENOSPACE) { /* back-pressure, not a fault */
        kvlogical_release_tail_first(pool, held, hits);
        return puts("try later"), 0;
    }
    for (size_t i = 0; i < need; i++) engine_compute_kv(fresh[i].block); /* index into the engine's own memory */

    /* give them their names and share them */
    kvlogical_complete done[512];
    TRY(kvlogical_stage(pool, fresh, names + hits, need, done));
    TRY(kvlogical_register(pool, done, need, held + hits));
    printf("%zu of %zu blocks were cached\n", hits, count);

    /* later: the tail goes first, so that the shared front stays longest */
    TRY(kvlogical_release_tail_first(pool, held, count));
    return 0;
}

int main(void) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT; /* all zeros mean the default: private registry, lineage */
    config.block_count = 64;
    config.block_tokens = 16;
    config.eviction = KVLOGICAL_EVICT_LRU;
    kvlogical_manager *pool;
    TRY(kvlogical_manager_create(&config, &pool, NULL));

    uint32_t prompt[64];
    for (uint32_t i = 0; i < 64; i++) prompt[i] = i;
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = prompt;
    request.block_tokens = 16;
    kvhash_plh names[512];
    size_t count;
    for (request.token_count = 32; request.token_count <= 64; request.token_count += 16) { /* a conversation grows */
        TRY(kvhash_request_names(&request, names, 512, &count, NULL));
        if (serve(pool, names, count) != 0) return 1;
    }
    TRY(kvlogical_manager_destroy(pool));
    return 0;
}

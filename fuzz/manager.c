/* Two managers of one registry, driven by arbitrary bytes: every call that takes guards, with guards that were given out, by
 * either manager, of any kind, stale, copied, guessed; names that meet; weak guards, handles and attachments; a listener, a
 * subscription that resyncs. Whatever a call answers, both managers are sound after it. */
#include <stdlib.h>
#include <string.h>

#include <kvlogical/events.h>
#include <kvlogical/inspect.h>
#include <kvlogical/manager.h>

#include "fuzz.h"

#define BLOCKS 10
#define KEPT 48
#define BATCH 4
#define NAMES 12

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static unsigned take(input *in) {
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

typedef struct any_guard {
    KVLOGICAL_GUARD_FIELDS
} any_guard;

typedef struct world {
    kvlogical_registry *registry;
    kvlogical_manager *managers[2];
    kvlogical_subscription *subscription;
    any_guard guards[KEPT];
    kvlogical_weak weak[KEPT];
    kvlogical_handle handles[KEPT];
    unsigned guard_count, weak_count, handle_count; /* ever; the places are taken in turn */
    uint64_t heard;
} world;

static void expect(bool holds) {
    if (!holds) abort();
}

static kvhash_plh name_of(unsigned n) {
    kvhash_plh name = kvhash_plh_root(1 + n / 3 % 4), longer;
    for (unsigned i = 0; i < n % 3; i++) {
        expect(kvhash_plh_extend(name, n + i, &longer) == KVCORE_OK);
        name = longer;
    }
    return name;
}

static void keep(world *w, const void *guards, size_t count) {
    for (size_t i = 0; i < count; i++) {
        any_guard g;
        memcpy(&g, (const char *)guards + i * sizeof g, sizeof g);
        if (g.manager != 0) w->guards[w->guard_count++ % KEPT] = g;
    }
}

/* One that was given out, perhaps changed a little. */
static any_guard draw(const world *w, input *in) {
    any_guard g = w->guards[take(in) % KEPT];
    unsigned change = take(in);
    if (change < 16) g.generation += change - 8;
    if (change == 16) g.block = take(in) % (BLOCKS + 2);
    if (change == 17) g.manager = kvlogical_manager_id(w->managers[take(in) % 2]);
    if (change == 18) memset(&g, 0, sizeof g);
    return g;
}

static void on_event(void *ctx, const kvhash_event *event) { *(uint64_t *)ctx += event->kind; }

static void touched(void *ctx, kvhash_plh name) { *(uint64_t *)ctx += name.low & 1; }

/* ---- the calls ---- */

static void step_of_blocks(world *w, kvlogical_manager *m, input *in, unsigned op) {
    any_guard g[BATCH];
    kvhash_plh names[BATCH], victims[BATCH];
    kvlogical_evicted evicted = {victims, 0};
    size_t count = take(in) % (BATCH + 1), found = 0, indices[BATCH];
    for (size_t i = 0; i < count; i++) {
        g[i] = draw(w, in);
        names[i] = name_of(take(in) % NAMES);
    }
    void *at = g;
    kvcore_status status = KVCORE_EINVAL;
    switch (op) {
    case 0: status = kvlogical_allocate(m, count, at, &evicted); break;
    case 1: status = kvlogical_stage(m, at, names, count, at); break;
    case 2: status = kvlogical_unstage(m, at, count, at); break;
    case 3: status = kvlogical_register(m, at, count, at); break;
    case 4: status = kvlogical_match_scattered(m, names, count, at, &found); break;
    case 5: status = kvlogical_scan(m, names, count, true, at, indices, &found), count = found; break;
    case 6: status = kvlogical_clone(m, at, count, at); break;
    case 7: status = kvlogical_pin_blocks(m, at, count, at); break;
    case 8: status = kvlogical_release(m, at, count), count = 0; break;
    case 9: status = kvlogical_release_tail_first(m, at, count), count = 0; break;
    case 10: status = kvlogical_release_pins(m, at, count), count = 0; break;
    case 11: status = kvlogical_release_mutable(m, at, count), count = 0; break;
    case 12: status = kvlogical_release_complete(m, at, count), count = 0; break;
    case 13: status = kvlogical_withdraw(m, names, count, &found), count = 0; break;
    case 14: status = kvlogical_set_reset_on_release(m, at, take(in) % 2), count = 0; break;
    default: status = kvlogical_match_prefix(m, names, count, at, &found), count = found; break;
    }
    if (status == KVCORE_OK) keep(w, g, count);
}

static void step_of_names(world *w, kvlogical_manager *m, input *in, unsigned op) {
    any_guard g = draw(w, in);
    kvhash_plh name = name_of(take(in) % NAMES);
    unsigned place = take(in) % KEPT;
    kvlogical_weak *weak = &w->weak[w->weak_count % KEPT];
    kvlogical_handle *handle = &w->handles[w->handle_count % KEPT], copy = w->handles[place];
    kvhash_event events[8];
    size_t count;
    void *at = &g;
    switch (op) {
    case 0: w->weak_count += weak->manager == 0 && kvlogical_downgrade(m, at, 1, weak) == KVCORE_OK; break;
    case 1: (void)kvlogical_release_weak(m, &w->weak[place], 1); break;
    case 2:
        if (kvlogical_upgrade(m, &w->weak[place], at) == KVCORE_OK) keep(w, at, 1);
        break;
    case 3:
        w->handle_count +=
            handle->registry == 0 && kvlogical_registry_register(w->registry, &name, 1, handle) == KVCORE_OK;
        break;
    case 4: w->handle_count += handle->registry == 0 && kvlogical_registration(m, at, handle) == KVCORE_OK; break;
    case 5: (void)kvlogical_handle_release(w->registry, &w->handles[place], 1); break;
    case 6:
        (void)!kvlogical_handle_attach(w->registry, &copy, take(in) % 3, w, NULL, NULL);
        (void)!kvlogical_handle_attach_unique(w->registry, &copy, take(in) % 5, w, NULL, NULL);
        break;
    case 7: (void)!kvlogical_handle_on_touch(w->registry, &copy, touched, &w->heard); break;
    case 8: (void)!kvlogical_handle_touch(w->registry, &copy); break;
    case 9: (void)!kvlogical_subscription_poll(w->subscription, events, 1 + place % 8, &count); break;
    case 10: (void)!kvlogical_subscription_resync(w->subscription); break;
    default: (void)!kvlogical_reset_inactive(m, NULL); break;
    }
}

/* ---- making and unmaking ---- */

static void make(world *w, input *in) {
    static const uint32_t policies[] = {
        KVLOGICAL_EVICT_LRU,   KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_EVICT_LINEAGE_FIFO, KVLOGICAL_EVICT_S3_FIFO,
        KVLOGICAL_EVICT_SIEVE, KVLOGICAL_EVICT_SURVIVAL,     KVLOGICAL_EVICT_FIFO,         KVLOGICAL_EVICT_MULTI_LRU};
    kvlogical_registry_config shared = KVLOGICAL_REGISTRY_CONFIG_INIT;
    shared.frequency_capacity = 64;
    shared.event_capacity = 16;
    expect(kvlogical_registry_create(&shared, &w->registry, NULL) == KVCORE_OK);
    for (int i = 0; i < 2; i++) {
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        config.block_count = BLOCKS;
        config.registry = w->registry;
        config.tier = take(in) % 2;
        config.eviction = policies[take(in) % (sizeof policies / sizeof *policies)];
        config.duplicates = take(in) % 2;
        expect(kvlogical_manager_create(&config, &w->managers[i], NULL) == KVCORE_OK);
    }
    if (take(in) % 2) expect(kvlogical_registry_on_event(w->registry, on_event, &w->heard) == KVCORE_OK);
    expect(kvlogical_subscription_create(w->registry, &w->subscription) == KVCORE_OK);
}

/* Let go of whatever is held, by guessing: generations count stays, and each step begins one a block at most. */
static void unmake(world *w, unsigned steps) {
    kvlogical_subscription_destroy(w->subscription);
    for (unsigned i = 0; i < 2; i++) {
        kvlogical_manager *m = w->managers[i];
        for (uint32_t block = 0; block < BLOCKS; block++)
            for (uint32_t stay = 0; stay <= 4 * steps; stay++)
                for (unsigned kind = 0; kind < 3; kind++) {
                    any_guard g;
                    void *at = &g;
                    kvcore_status status;
                    do {
                        g = (any_guard){kvlogical_manager_id(m), block, stay};
                        status = kind == 0   ? kvlogical_release_mutable(m, at, 1)
                                 : kind == 1 ? kvlogical_release_complete(m, at, 1)
                                             : kvlogical_release(m, at, 1);
                    } while (status == KVCORE_OK);
                }
        for (unsigned k = 0; k < KEPT; k++) (void)kvlogical_release_weak(m, &w->weak[k], 1);
    }
    (void)kvlogical_handle_release(w->registry, w->handles, KEPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    world w = {.heard = 0};
    input in = {data, size < 1500 ? size : 1500};
    unsigned steps = 0;
    make(&w, &in);
    while (in.left > 0) {
        unsigned op = take(&in);
        kvlogical_manager *m = w.managers[op & 1];
        if (op & 2)
            step_of_names(&w, m, &in, op / 4 % 12);
        else
            step_of_blocks(&w, m, &in, op / 4 % 16);
        expect(kvlogical_manager_validate(w.managers[0], NULL) == KVCORE_OK);
        expect(kvlogical_manager_validate(w.managers[1], NULL) == KVCORE_OK);
        steps++;
    }
    unmake(&w, steps);
    for (int i = 0; i < 2; i++) expect(kvlogical_manager_destroy(w.managers[i]) == KVCORE_OK);
    expect(kvlogical_registry_destroy(w.registry) == KVCORE_OK);
    return 0;
}

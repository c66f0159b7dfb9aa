#include "support.h"

#include <ftw.h>
#include <unistd.h>

#include <kvstore/name.h>

char *store_new_folder(void) {
    char *path = strdup("store-test-XXXXXX");
    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *at) {
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

void store_remove_folder(char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

kvstore_space_config store_whose(void) {
    kvstore_space_config config = KVSTORE_SPACE_CONFIG_INIT;
    config.tenant = kvcore_text("acme");
    memset(config.model.bytes, 0x3f, sizeof config.model.bytes);
    kvtest_assert_ok(kvcore_layout_tag_make(kvcore_text("test-v1"), &config.layout));
    config.block_tokens = 16;
    config.block_bytes = STORE_BLOCK;
    return config;
}

kvstore_space *store_space(kvstore *store) {
    kvstore_space_config config = store_whose();
    kvstore_space *space = NULL;
    kvtest_assert_ok(kvstore_space_open(store, &config, &space, NULL));
    return space;
}

kvstore *store_open(const char *root, const kvstore_options *options) {
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore *store = NULL;
    config.root = root;
    config.options = options;
    config.min_free_bytes = 1;
    config.max_bytes = UINT64_C(1) << 30;
    kvcore_error error;
    kvcore_status status = kvstore_open_directory(&config, &store, &error);
    if (status != KVCORE_OK) fail_msg("%s", error.text);
    return store;
}

void store_names(uint64_t seed, kvhash_plh *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (i == 0)
            names[0] = kvhash_plh_root(seed * UINT64_C(0x9E3779B97F4A7C15));
        else
            kvtest_assert_ok(kvhash_plh_extend(names[i - 1], seed + i, &names[i]));
}

void store_fill(kvhash_plh name, uint8_t *bytes, size_t size_bytes) {
    kvtest_random random = {name.high ^ name.low};
    for (size_t i = 0; i < size_bytes; i++) bytes[i] = (uint8_t)(i % 8 == 0 ? kvtest_next(&random) : i);
}

static void spans_of(uint8_t *memory, size_t count, kvstore_span *spans) {
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = memory + i * STORE_BLOCK;
        spans[3 * i] = (kvstore_span){at, 1000};
        spans[3 * i + 1] = (kvstore_span){at + 1000, 0};
        spans[3 * i + 2] = (kvstore_span){at + 1000, STORE_BLOCK - 1000};
    }
}

static kvstore_batch batch_of(const kvhash_plh *names, size_t count, const kvstore_span *spans,
                              kvstore_result *results) {
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = names;
    batch.count = count;
    batch.spans = spans;
    batch.spans_per_block = 3;
    batch.results = results;
    batch.deadline_ms = 60000;
    return batch;
}

size_t store_put_blocks(kvstore_space *space, const kvhash_plh *names, size_t count, kvstore_result *results) {
    uint8_t *memory = malloc(count * STORE_BLOCK);
    kvstore_span *spans = calloc(3 * count, sizeof *spans);
    size_t good = 0;
    spans_of(memory, count, spans);
    for (size_t i = 0; i < count; i++) store_fill(names[i], memory + i * STORE_BLOCK, STORE_BLOCK);
    kvstore_batch batch = batch_of(names, count, spans, results);
    kvtest_assert_ok(kvstore_put(space, &batch, &good, NULL));
    free(spans);
    free(memory);
    return good;
}

size_t store_get_blocks(kvstore_space *space, const kvhash_plh *names, size_t count, kvstore_result *results) {
    uint8_t *memory = malloc(count * STORE_BLOCK), expected[STORE_BLOCK];
    kvstore_span *spans = calloc(3 * count, sizeof *spans);
    size_t hits = 0;
    memset(memory, 0xEE, count * STORE_BLOCK);
    spans_of(memory, count, spans);
    kvstore_batch batch = batch_of(names, count, spans, results);
    kvtest_assert_ok(kvstore_get(space, &batch, &hits, NULL));
    for (size_t i = 0; i < hits; i++) {
        store_fill(names[i], expected, STORE_BLOCK);
        assert_memory_equal(memory + i * STORE_BLOCK, expected, STORE_BLOCK);
        assert_int_equal(results[i].outcome, KVSTORE_HIT);
    }
    if (hits < count) assert_int_not_equal(results[hits].outcome, KVSTORE_HIT);
    free(spans);
    free(memory);
    return hits;
}

void store_path(const char *root, kvhash_plh name, char *path, size_t capacity) {
    kvstore_space_config config = store_whose();
    kvstore_identity identity = {config.tenant, config.model, config.layout, config.block_tokens, 0, 1, 0};
    char key[KVSTORE_KEY_BYTES];
    size_t length;
    kvtest_assert_ok(kvstore_block_key((kvcore_bytes){NULL, 0}, &identity, name, key, sizeof key, &length));
    snprintf(path, capacity, "%s/%s", root, key);
}

kvstore_stats store_stats(const kvstore *store) {
    kvstore_stats stats = KVSTORE_STATS_INIT;
    kvtest_assert_ok(kvstore_stats_read(store, &stats));
    return stats;
}

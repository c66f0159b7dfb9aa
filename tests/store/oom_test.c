/* Every allocation of a store fails once. */
#include "support.h"

static kvcore_status put_and_get(kvcore_allocator allocator) {
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore_space_config whose = store_whose();
    kvstore *store = NULL;
    kvstore_space *space = NULL;
    options.allocator = &allocator;
    options.event_capacity = 10;
    options.max_parallel = 2;
    kvcore_status status = kvstore_open_memory(&options, 0, &store, NULL);
    if (status != KVCORE_OK) return status;
    status = kvstore_space_open(store, &whose, &space, NULL);
    static uint8_t bytes[STORE_BLOCK], back[STORE_BLOCK];
    kvstore_span span = {bytes, sizeof bytes};
    kvhash_plh name = kvhash_plh_root(3);
    kvstore_result result;
    size_t good = 0;
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = &name;
    batch.count = 1;
    batch.spans = &span;
    batch.spans_per_block = 1;
    batch.results = &result;
    if (status == KVCORE_OK) status = kvstore_put(space, &batch, &good, NULL);
    if (status == KVCORE_OK && good == 0) status = KVCORE_ENOMEM; /* the backend had none */
    span.bytes = back;
    if (status == KVCORE_OK) status = kvstore_get(space, &batch, &good, NULL);
    if (status == KVCORE_OK) assert_int_equal(good, 1);
    if (status == KVCORE_OK) status = kvstore_pin(space, &name, 1, 10);
    if (status == KVCORE_OK) status = kvstore_learn(space, &name, 1);
    /* A catalog that had no memory knows less; no more than that. */
    if (status == KVCORE_OK && kvstore_lookup_prefix(space, &name, 1, NULL) == 0) status = KVCORE_ENOMEM;
    kvtest_assert_ok(kvstore_close(store));
    return status;
}

static void a_store_in_memory_gives_everything_back(void **state) {
    (void)state;
    kvtest_fail_each_allocation(put_and_get, 8);
}

static char *root;

static kvcore_status open_and_scan(kvcore_allocator allocator) {
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore *store = NULL;
    options.allocator = &allocator;
    options.compression_level = 1;
    config.root = root;
    config.options = &options;
    kvcore_status status = kvstore_open_directory(&config, &store, NULL);
    if (status != KVCORE_OK) return status;
    status = kvstore_scan(store, NULL);
    if (status == KVCORE_EIO) status = KVCORE_ENOMEM; /* what is there could not be held */
    if (status == KVCORE_OK && store_stats(store).catalog_entries != 5) status = KVCORE_ENOMEM;
    kvtest_assert_ok(kvstore_close(store));
    return status;
}

static void a_directory_gives_everything_back(void **state) {
    (void)state;
    kvhash_plh names[5];
    kvstore_result results[5];
    root = store_new_folder();
    kvstore *store = store_open(root, NULL);
    store_names(1, names, 5);
    assert_int_equal(store_put_blocks(store_space(store), names, 5, results), 5);
    kvtest_assert_ok(kvstore_close(store));
    kvtest_fail_each_allocation(open_and_scan, 8);
    store_remove_folder(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_in_memory_gives_everything_back),
        cmocka_unit_test(a_directory_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

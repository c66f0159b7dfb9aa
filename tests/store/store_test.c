/* What every store promises, in memory and in a directory. */
#include "support.h"

#include <kvwombat/envelope.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCKS = 12 };

typedef struct place {
    kvstore *store;
    kvstore_space *space;
    char *folder;
    kvhash_plh names[BLOCKS];
    kvstore_result results[BLOCKS];
} place;

static kvstore_options events_too(void) {
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    options.event_capacity = 1000;
    return options;
}

static place in_memory(void) {
    place at = {.folder = NULL};
    kvstore_options options = events_too();
    kvtest_assert_ok(kvstore_open_memory(&options, 0, &at.store, NULL));
    at.space = store_space(at.store);
    store_names(1, at.names, BLOCKS);
    return at;
}

static place in_directory(void) {
    place at = {.folder = store_new_folder()};
    kvstore_options options = events_too();
    at.store = store_open(at.folder, &options);
    at.space = store_space(at.store);
    store_names(1, at.names, BLOCKS);
    return at;
}

static void leave(place *at) {
    kvtest_assert_ok(kvstore_close(at->store));
    if (at->folder != NULL) store_remove_folder(at->folder);
}

static void put_then_get(place at) {
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_MISS);
    assert_int_equal(at.results[1].outcome, KVSTORE_SKIPPED);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) assert_int_equal(at.results[i].outcome, KVSTORE_STORED);
    bool complete;
    assert_int_equal(kvstore_lookup_prefix(at.space, at.names, BLOCKS, &complete), BLOCKS);
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) assert_int_equal(at.results[i].outcome, KVSTORE_EXISTS);
    leave(&at);
}

static void what_is_put_is_got_back(void **state) {
    (void)state;
    put_then_get(in_memory());
    put_then_get(in_directory());
}

static void a_hole_ends_the_prefix(void **state) {
    (void)state;
    place at = in_directory();
    size_t removed = 0;
    store_put_blocks(at.space, at.names, BLOCKS, at.results);
    kvtest_assert_ok(kvstore_remove(at.space, at.names + 5, 1, &removed, NULL));
    assert_int_equal(removed, 1);
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), 5);
    assert_int_equal(at.results[5].outcome, KVSTORE_MISS);
    for (size_t i = 6; i < BLOCKS; i++) assert_int_equal(at.results[i].outcome, KVSTORE_SKIPPED);
    leave(&at);
}

static void a_directory_is_found_again_by_another_store(void **state) {
    (void)state;
    place at = in_directory();
    store_put_blocks(at.space, at.names, BLOCKS, at.results);
    kvstore *other = store_open(at.folder, NULL);
    assert_int_equal(store_get_blocks(store_space(other), at.names, BLOCKS, at.results), BLOCKS);
    kvtest_assert_ok(kvstore_scan(other, NULL));
    assert_int_equal(store_stats(other).catalog_entries, BLOCKS);
    assert_int_equal(store_stats(other).ignored_entries, 0);
    assert_int_equal(store_stats(other).disk_bytes, store_stats(at.store).disk_bytes);
    kvtest_assert_ok(kvstore_close(other));
    leave(&at);
}

/* Every byte of a file, one after the other: never a hit, and the next put repairs it. */
static void one_changed_byte_is_never_a_hit_and_is_repaired(void **state) {
    (void)state;
    place at = in_directory();
    char path[1000];
    size_t repaired = 0;
    store_put_blocks(at.space, at.names, 1, at.results);
    store_path(at.folder, at.names[0], path, sizeof path);
    for (off_t offset = 0; offset < STORE_BLOCK + KVSTORE_TRAILER_BYTES;
         offset += offset < STORE_BLOCK - 5 ? 499 : 1, repaired++) {
        int file = open(path, O_RDWR);
        uint8_t byte;
        assert_int_equal(pread(file, &byte, 1, offset), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, offset), 1);
        close(file);
        assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
        assert_int_equal(at.results[0].outcome, KVSTORE_DAMAGED);
        assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
        assert_int_equal(at.results[0].outcome, KVSTORE_STORED);
        assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 1);
    }
    assert_int_equal(store_stats(at.store).repaired_blocks, repaired);
    leave(&at);
}

static void a_file_that_was_cut_or_grew_is_damaged(void **state) {
    (void)state;
    static const off_t sizes[] = {0, 1, 127, 128, STORE_BLOCK, STORE_BLOCK + 127, STORE_BLOCK + 129};
    place at = in_directory();
    char path[1000];
    store_path(at.folder, at.names[0], path, sizeof path);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
        assert_int_equal(truncate(path, sizes[i]), 0);
        assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
        assert_int_equal(at.results[0].outcome, KVSTORE_DAMAGED);
    }
    leave(&at);
}

/* A block of another identity under this one's name: one field changed at a time. */
static void a_foreign_block_is_told_from_a_damaged_one(void **state) {
    (void)state;
    place at = in_directory();
    char path[1000], from[1000], order[2200];
    for (int field = 0; field < 8; field++) {
        kvstore_space_config config = store_whose();
        kvhash_plh name = at.names[0];
        kvstore_identity identity;
        if (field == 0) config.tenant = kvcore_text("other");
        if (field == 1) config.model.bytes[23] ^= 1;
        if (field == 2) config.layout.bytes[0] = 'x';
        if (field == 3) config.block_tokens++;
        if (field == 4) config.ranks = 2, config.rank = 1;
        if (field == 5) config.ranks = 2;
        if (field == 6) config.group = 1;
        if (field == 7) name = at.names[1];
        kvstore_space *other;
        kvtest_assert_ok(kvstore_space_open(at.store, &config, &other, NULL));
        assert_int_equal(store_put_blocks(other, &name, 1, at.results), 1);
        identity = (kvstore_identity){config.tenant,       config.model, config.layout,
                                      config.block_tokens, config.rank,  config.ranks == 0 ? 1 : config.ranks,
                                      config.group};
        char key[KVSTORE_KEY_BYTES];
        size_t length;
        kvtest_assert_ok(kvstore_block_key((kvcore_bytes){NULL, 0}, &identity, name, key, sizeof key, &length));
        snprintf(from, sizeof from, "%s/%s", at.folder, key);
        store_path(at.folder, at.names[0], path, sizeof path);
        assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
        snprintf(order, sizeof order, "cp %s %s", from, path);
        /* NOLINTNEXTLINE(cert-env33-c): the words are the test's own */
        assert_int_equal(system(order), 0);
        assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
        assert_int_equal(at.results[0].outcome, KVSTORE_FOREIGN);
        kvstore_result result;
        assert_int_equal(store_get_blocks(other, &name, 1, &result), 1);
    }
    leave(&at);
}

static void a_symlink_is_never_followed(void **state) {
    (void)state;
    place at = in_directory();
    char path[1000], moved[1100];
    store_put_blocks(at.space, at.names, 1, at.results);
    store_path(at.folder, at.names[0], path, sizeof path);
    snprintf(moved, sizeof moved, "%s-elsewhere", path);
    assert_int_equal(rename(path, moved), 0);
    const char *name = strrchr(moved, '/') + 1;
    assert_int_equal(symlink(name, path), 0); /* the file itself */
    assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(moved, path), 0);
    char *slash = strrchr(path, '/');
    *slash = '\0'; /* the folder it lies in */
    snprintf(moved, sizeof moved, "%s-elsewhere", path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink(strrchr(moved, '/') + 1, path), 0);
    assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
    kvstore *other = store_open(at.folder, NULL);
    assert_int_equal(store_put_blocks(store_space(other), at.names, 1, at.results), 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_FAILED);
    kvtest_assert_ok(kvstore_close(other));
    leave(&at);
}

static void a_pipe_or_folder_in_place_of_a_block_is_damaged(void **state) {
    (void)state;
    place at = in_directory();
    char path[1000];
    store_put_blocks(at.space, at.names, 1, at.results);
    store_path(at.folder, at.names[0], path, sizeof path);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_DAMAGED);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
    leave(&at);
}

static void proofs_that_differ_are_a_foreign_block(void **state) {
    (void)state;
    place at = in_memory();
    uint8_t bytes[STORE_BLOCK] = {1}, back[STORE_BLOCK], proofs[1][16] = {{7}}, none[1][16] = {{0}};
    kvstore_span span = {bytes, sizeof bytes};
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    size_t good;
    batch.names = at.names;
    batch.count = 1;
    batch.spans = &span;
    batch.spans_per_block = 1;
    batch.results = at.results;
    batch.proofs = (const uint8_t(*)[16])proofs;
    kvtest_assert_ok(kvstore_put(at.space, &batch, &good, NULL));
    span.bytes = back;
    kvtest_assert_ok(kvstore_get(at.space, &batch, &good, NULL));
    assert_int_equal(good, 1);
    proofs[0][0] = 8;
    kvtest_assert_ok(kvstore_get(at.space, &batch, &good, NULL));
    assert_int_equal(good, 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_FOREIGN);
    batch.proofs = (const uint8_t(*)[16])none;
    kvtest_assert_ok(kvstore_get(at.space, &batch, &good, NULL));
    assert_int_equal(good, 1);
    leave(&at);
}

static void a_compressed_block_comes_back_plain(void **state) {
    (void)state;
    char *folder = store_new_folder();
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    options.compression_level = 3;
    kvstore *store = store_open(folder, &options);
    kvstore_space *space = store_space(store);
    kvhash_plh names[3];
    kvstore_result results[3];
    store_names(3, names, 3);
    assert_int_equal(store_put_blocks(space, names, 3, results), 3);
    assert_int_equal(results[0].bytes, STORE_BLOCK);
    assert_int_equal(store_get_blocks(space, names, 3, results), 3);
    assert_int_equal(results[0].bytes, STORE_BLOCK);
    char path[1000];
    struct stat about;
    store_path(folder, names[0], path, sizeof path);
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_size < STORE_BLOCK * 15 / 16 + 128);
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(folder);
}

static void a_batch_past_the_limits_is_refused_whole(void **state) {
    (void)state;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore *store;
    options.max_inflight_bytes = 3 * STORE_BLOCK;
    options.max_inflight_blocks = 3;
    kvtest_assert_ok(kvstore_open_memory(&options, 0, &store, NULL));
    kvstore_space *space = store_space(store);
    kvhash_plh names[4];
    kvstore_result results[4], others[2];
    store_names(1, names, 4);
    static uint8_t memory[4 * STORE_BLOCK];
    kvstore_span spans[4];
    for (size_t i = 0; i < 4; i++) spans[i] = (kvstore_span){memory + i * STORE_BLOCK, STORE_BLOCK};
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = names;
    batch.count = 4;
    batch.spans = spans;
    batch.spans_per_block = 1;
    batch.results = results;
    kvstore_ticket ticket, second;
    kvtest_assert_status(kvstore_submit_put(space, &batch, &ticket), KVCORE_ENOSPACE);
    batch.count = 2;
    kvtest_assert_ok(kvstore_submit_put(space, &batch, &ticket));
    kvtest_assert_status(kvstore_close(store), KVCORE_EBUSY);
    batch.results = others;
    kvtest_assert_status(kvstore_submit_put(space, &batch, &second), KVCORE_ENOSPACE);
    kvstore_completion done[2];
    assert_int_equal(kvstore_poll(store, done, 2, -1), 1);
    assert_int_equal(done[0].ticket, ticket);
    assert_int_equal(done[0].good, 2);
    assert_true(done[0].put);
    /* The blocking calls do in parts what does not fit at once. */
    batch.count = 4;
    batch.results = results;
    size_t good;
    kvtest_assert_ok(kvstore_put(space, &batch, &good, NULL));
    assert_int_equal(good, 4);
    kvtest_assert_ok(kvstore_close(store));
}

static void wrong_arguments_are_refused_and_change_nothing(void **state) {
    (void)state;
    place at = in_memory();
    uint8_t bytes[STORE_BLOCK];
    kvstore_span span = {bytes, sizeof bytes};
    kvstore_ticket ticket;
    for (int fault = 0; fault < 8; fault++) {
        kvstore_batch batch = KVSTORE_BATCH_INIT;
        kvhash_plh name = at.names[0];
        batch.names = &name;
        batch.count = 1;
        batch.spans = &span;
        batch.spans_per_block = 1;
        batch.results = at.results;
        span = (kvstore_span){bytes, sizeof bytes};
        if (fault == 0) batch.names = NULL;
        if (fault == 1) batch.count = 0;
        if (fault == 2) batch.results = NULL;
        if (fault == 3) batch.spans = NULL;
        if (fault == 4) span.bytes = NULL;
        if (fault == 5) span.size_bytes--;
        if (fault == 6) name.high |= UINT64_C(3) << 62;
        if (fault == 7) batch.struct_size = 0;
        kvtest_assert_status(kvstore_submit_put(at.space, &batch, &ticket), KVCORE_EINVAL);
        kvtest_assert_status(kvstore_submit_get(at.space, &batch, &ticket), KVCORE_EINVAL);
    }
    kvtest_assert_status(kvstore_submit_get(NULL, NULL, &ticket), KVCORE_EINVAL);
    assert_int_equal(kvstore_poll(NULL, NULL, 0, 0), 0);
    assert_int_equal(kvstore_descriptor(NULL), -1);
    kvtest_assert_ok(kvstore_close(NULL));
    leave(&at);
}

static void a_space_says_whose_it_is(void **state) {
    (void)state;
    place at = in_memory();
    kvstore_space *space = NULL;
    kvcore_error error;
    for (int field = 0; field < 4; field++) {
        kvstore_space_config config = store_whose();
        if (field == 0) config.tenant = (kvcore_bytes){NULL, 0};
        if (field == 1) memset(&config.model, 0, sizeof config.model);
        if (field == 2) memset(&config.layout, 0, sizeof config.layout);
        if (field == 3) config.block_tokens = 0;
        kvtest_assert_status(kvstore_space_open(at.store, &config, &space, &error), KVCORE_ECONFIG);
        config.unidentified = true;
        kvtest_assert_ok(kvstore_space_open(at.store, &config, &space, &error));
    }
    kvstore_space_config same = store_whose();
    kvtest_assert_ok(kvstore_space_open(at.store, &same, &space, NULL));
    assert_ptr_equal(space, at.space);
    leave(&at);
}

static void events_tell_what_came_and_went_and_what_was_lost(void **state) {
    (void)state;
    place at = in_memory();
    kvstore_event events[40];
    store_put_blocks(at.space, at.names, 3, at.results);
    kvtest_assert_ok(kvstore_remove(at.space, at.names, 1, NULL, NULL));
    assert_int_equal(kvstore_take_events(at.store, events, 40), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(events[i].kind, KVSTORE_EVENT_BLOCK);
        assert_int_equal(events[i].block.kind, i < 3 ? KVHASH_EVENT_CREATE : KVHASH_EVENT_REMOVE);
        assert_int_equal(events[i].block.sequence, i + 1);
        assert_ptr_equal(events[i].space, at.space);
    }
    leave(&at);
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    options.event_capacity = 4;
    kvtest_assert_ok(kvstore_open_memory(&options, 0, &at.store, NULL));
    at.space = store_space(at.store);
    store_put_blocks(at.space, at.names, BLOCKS, at.results);
    size_t count = kvstore_take_events(at.store, events, 40);
    assert_int_equal(events[count - 1].block.kind, KVHASH_EVENT_GAP);
    assert_int_equal(events[count - 1].block.lost, BLOCKS - (count - 1));
    assert_int_equal(events[count - 1].block.sequence, BLOCKS + 1);
    leave(&at);
}

static void two_puts_of_one_name_write_it_once(void **state) {
    (void)state;
    place at = in_directory();
    kvhash_plh twice[2] = {at.names[0], at.names[0]};
    assert_int_equal(store_put_blocks(at.space, twice, 2, at.results), 2);
    assert_int_equal(at.results[0].outcome, KVSTORE_STORED);
    assert_int_equal(at.results[1].outcome, KVSTORE_EXISTS);
    leave(&at);
}

static void a_probe_finds_the_edge(void **state) {
    (void)state;
    place at = in_directory();
    for (size_t there = 0; there <= BLOCKS; there++) {
        size_t present = 99;
        if (there > 0) store_put_blocks(at.space, at.names + there - 1, 1, at.results);
        kvtest_assert_ok(kvstore_probe(at.space, at.names, BLOCKS, &present, NULL));
        assert_int_equal(present, there);
    }
    leave(&at);
}

static bool count_verdict(void *ctx, const kvstore_verdict *verdict) {
    size_t *counts = ctx;
    counts[verdict->status == KVCORE_OK ? 0 : verdict->status == KVSTORE_EFOREIGN ? 1 : 2]++;
    return true;
}

static void a_walk_tells_sound_foreign_and_damaged_apart(void **state) {
    (void)state;
    place at = in_directory();
    char a[1000], b[1000], order[2200];
    size_t counts[3] = {0};
    store_put_blocks(at.space, at.names, BLOCKS, at.results);
    store_path(at.folder, at.names[1], a, sizeof a);
    store_path(at.folder, at.names[2], b, sizeof b);
    snprintf(order, sizeof order, "cp %s %s", a, b);
    /* NOLINTNEXTLINE(cert-env33-c): the words are the test's own */
    assert_int_equal(system(order), 0);
    store_path(at.folder, at.names[3], a, sizeof a);
    assert_int_equal(truncate(a, 100), 0);
    kvtest_assert_ok(kvstore_verify(at.store, NULL, 0, count_verdict, counts, NULL));
    assert_int_equal(counts[0], BLOCKS - 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 1);
    uint64_t removed;
    kvtest_assert_ok(kvstore_remove_space(at.space, &removed, NULL));
    assert_int_equal(removed, BLOCKS);
    leave(&at);
}

static void the_wombat_scheme_wraps_and_unwraps(void **state) {
    (void)state;
    static const kvstore_wrapping wbz1 = {kvwombat_wbz1_bound, kvwombat_wbz1_encode, kvwombat_wbz1_decode_strict,
                                          KVWOMBAT_WBZ1_ZSTD};
    for (int level = 0; level < 2; level++) {
        kvstore_options options = KVSTORE_OPTIONS_INIT;
        kvstore *store;
        options.scheme = KVSTORE_SCHEME_WOMBAT;
        kvtest_assert_status(kvstore_open_memory(&options, 0, &store, NULL), KVCORE_ECONFIG);
        options.accept_unverified = true;
        options.compression_level = 3 * level;
        options.wrapping = &wbz1;
        kvtest_assert_ok(kvstore_open_memory(&options, 0, &store, NULL));
        kvstore_space *space = store_space(store);
        kvcore_hash256 hash = {{1, 2, 3}};
        uint8_t bytes[STORE_BLOCK] = {5}, back[STORE_BLOCK] = {0};
        kvstore_span span = {bytes, sizeof bytes};
        kvstore_result result;
        kvstore_batch batch = KVSTORE_BATCH_INIT;
        batch.hashes = &hash;
        batch.count = 1;
        batch.spans = &span;
        batch.spans_per_block = 1;
        batch.results = &result;
        size_t good;
        kvtest_assert_ok(kvstore_put(space, &batch, &good, NULL));
        span.bytes = back;
        kvtest_assert_ok(kvstore_get(space, &batch, &good, NULL));
        assert_int_equal(result.outcome, KVSTORE_UNVERIFIED);
        assert_memory_equal(bytes, back, sizeof bytes);
        kvtest_assert_ok(kvstore_close(store));
    }
}

static void stats_are_text_for_prometheus(void **state) {
    (void)state;
    place at = in_memory();
    char text[16000];
    size_t length;
    store_put_blocks(at.space, at.names, 3, at.results);
    kvstore_stats stats = store_stats(at.store);
    kvtest_assert_ok(kvstore_stats_format(&stats, "memory", "acme", text, sizeof text, &length));
    assert_non_null(
        strstr(text, "kvstrata_store_blocks_total{backend=\"memory\",space=\"acme\",outcome=\"stored\"} 3\n"));
    kvtest_assert_status(kvstore_stats_format(&stats, "a\"b", NULL, text, sizeof text, &length), KVCORE_EINVAL);
    kvtest_assert_status(kvstore_stats_format(&stats, NULL, NULL, text, 100, &length), KVCORE_EBUFFER);
    leave(&at);
}

static void a_cancelled_batch_still_completes(void **state) {
    (void)state;
    place at = in_memory();
    static uint8_t memory[STORE_BLOCK];
    kvstore_span span = {memory, STORE_BLOCK};
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    kvstore_ticket ticket;
    kvstore_completion done;
    batch.names = at.names;
    batch.count = 1;
    batch.spans = &span;
    batch.spans_per_block = 1;
    batch.results = at.results;
    kvtest_assert_ok(kvstore_submit_put(at.space, &batch, &ticket));
    kvstore_cancel(at.store, ticket);
    assert_int_equal(kvstore_poll(at.store, &done, 1, -1), 1);
    assert_int_equal(done.good, 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_CANCELLED);
    leave(&at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got_back),
        cmocka_unit_test(a_hole_ends_the_prefix),
        cmocka_unit_test(a_directory_is_found_again_by_another_store),
        cmocka_unit_test(one_changed_byte_is_never_a_hit_and_is_repaired),
        cmocka_unit_test(a_file_that_was_cut_or_grew_is_damaged),
        cmocka_unit_test(a_foreign_block_is_told_from_a_damaged_one),
        cmocka_unit_test(a_symlink_is_never_followed),
        cmocka_unit_test(a_pipe_or_folder_in_place_of_a_block_is_damaged),
        cmocka_unit_test(proofs_that_differ_are_a_foreign_block),
        cmocka_unit_test(a_compressed_block_comes_back_plain),
        cmocka_unit_test(a_batch_past_the_limits_is_refused_whole),
        cmocka_unit_test(wrong_arguments_are_refused_and_change_nothing),
        cmocka_unit_test(a_space_says_whose_it_is),
        cmocka_unit_test(events_tell_what_came_and_went_and_what_was_lost),
        cmocka_unit_test(two_puts_of_one_name_write_it_once),
        cmocka_unit_test(a_probe_finds_the_edge),
        cmocka_unit_test(a_walk_tells_sound_foreign_and_damaged_apart),
        cmocka_unit_test(the_wombat_scheme_wraps_and_unwraps),
        cmocka_unit_test(stats_are_text_for_prometheus),
        cmocka_unit_test(a_cancelled_batch_still_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

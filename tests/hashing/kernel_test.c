/* Each build of the naming loops that this CPU can run gives what the plain functions give, block by block. */
#include "kvtest.h"

#include <kvhash/multimodal.h>

#include "naming.h"

static size_t runnable(const naming_kernels *kernels[3]) {
    size_t count = 0;
    kernels[count++] = &kvhash__naming_baseline;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) kernels[count++] = &kvhash__naming_avx2;
    const naming_kernels *chosen = kvhash__naming_kernels_for_this_cpu();
    if (chosen == &kvhash__naming_avx512) kernels[count++] = chosen;
#endif
    printf("%zu builds of the naming loops\n", count);
    return count;
}

/* Block i the slow way. */
static kvhash_block by_hand(const uint32_t *tokens, size_t size, size_t i, const kvhash_mm_run *runs, size_t run_count,
                            uint64_t salt_hash, const kvhash_block *parent) {
    kvhash_slots slots = {tokens + i * size, size, i * size, runs, run_count};
    size_t size_bytes = 0;
    uint8_t *bytes = malloc(13 * size);
    assert_non_null(bytes);
    kvtest_assert_ok(kvhash_block_bytes(&slots, bytes, 13 * size, &size_bytes));
    kvhash_block block = {.block_hash = kvhash_xxh3((kvcore_bytes){bytes, size_bytes}, salt_hash)};
    free(bytes);
    block.sequence_hash =
        i == 0 ? block.block_hash : kvhash_next_sequence_hash(parent->sequence_hash, block.block_hash);
    kvtest_assert_ok(kvhash_plh_make(block.sequence_hash, i == 0 ? 0 : parent->sequence_hash, i, &block.plh));
    kvtest_assert_ok(kvhash_psh_make(block.sequence_hash, i, block.block_hash, &block.psh));
    return block;
}

/* The job named in two pieces, so that a later piece goes on where an earlier one ended. */
static void name_in_pieces(const naming_kernels *kernels, naming_job job, size_t split, size_t item_bytes,
                           const uint64_t *sequence_hashes, const kvhash_mm_run *runs, size_t run_count) {
    run_walk walk;
    run_walk_start_in_order(&walk, runs, run_count);
    job.runs = run_count == 0 ? NULL : &walk;
    size_t all = job.block_count;
    job.block_count = split;
    kernels->name(&job);
    job.first_block = split;
    job.parent = split == 0 ? 0 : sequence_hashes[split - 1];
    job.tokens += split * job.block_tokens;
    job.block_count = all - split;
    job.out = (char *)job.out + split * item_bytes;
    if (job.block_hashes != NULL) job.block_hashes += split;
    kernels->name(&job);
}

#define BLOCKS 300 /* past the first mode */

static void check_kernel(const naming_kernels *kernels, size_t size, const kvhash_mm_run *runs, size_t run_count,
                         kvtest_random *random) {
    uint32_t *tokens = malloc(BLOCKS * size * sizeof *tokens);
    assert_non_null(tokens);
    for (size_t i = 0; i < BLOCKS * size; i++) tokens[i] = (uint32_t)kvtest_next(random);
    static kvhash_block expected[BLOCKS], blocks[BLOCKS];
    static uint64_t sequence_hashes[BLOCKS], hashes[BLOCKS], block_hashes[BLOCKS];
    static kvhash_plh names[BLOCKS];
    uint64_t salt_hash = kvtest_next(random);
    for (size_t i = 0; i < BLOCKS; i++) {
        expected[i] = by_hand(tokens, size, i, runs, run_count, salt_hash, i == 0 ? NULL : &expected[i - 1]);
        sequence_hashes[i] = expected[i].sequence_hash;
    }
    uint8_t secret[KVHASH_SECRET_BYTES];
    kvhash_secret(salt_hash, secret);
    naming_job job = {.tokens = tokens, .block_tokens = size, .block_count = BLOCKS, .salt_hash = salt_hash};
    job.secret = kvtest_below(random, 2) ? secret : NULL;
    size_t split = (size_t)kvtest_below(random, BLOCKS + 1);

    job.output = NAMING_BLOCKS, job.out = blocks;
    name_in_pieces(kernels, job, split, sizeof *blocks, sequence_hashes, runs, run_count);
    assert_memory_equal(blocks, expected, sizeof blocks);
    job.output = NAMING_BLOCK_HASHES, job.out = hashes;
    name_in_pieces(kernels, job, split, sizeof *hashes, sequence_hashes, runs, run_count);
    for (size_t i = 0; i < BLOCKS; i++) assert_true(hashes[i] == expected[i].block_hash);
    job.output = NAMING_SEQUENCE_HASHES, job.out = hashes;
    name_in_pieces(kernels, job, split, sizeof *hashes, sequence_hashes, runs, run_count);
    assert_memory_equal(hashes, sequence_hashes, sizeof hashes);
    job.output = NAMING_NAMES, job.out = names;
    name_in_pieces(kernels, job, split, sizeof *names, sequence_hashes, runs, run_count);
    for (size_t i = 0; i < BLOCKS; i++) assert_true(kvhash_plh_equal(names[i], expected[i].plh));
    memset(names, 0, sizeof names);
    job.output = NAMING_NAMES_AND_BLOCK_HASHES, job.out = names, job.block_hashes = block_hashes;
    name_in_pieces(kernels, job, split, sizeof *names, sequence_hashes, runs, run_count);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_true(kvhash_plh_equal(names[i], expected[i].plh) && block_hashes[i] == expected[i].block_hash);
    free(tokens);
}

static void every_build_of_the_loops_gives_the_same(void **state) {
    (void)state;
    /* each path of XXH3, the sizes with a loop of their own, and one whose frames do not fit in one piece */
    static const size_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 32, 33, 60, 61, 64, 100, 128, 256, 512, 700};
    kvtest_random random = kvtest_seed(1);
    const naming_kernels *kernels[3];
    size_t count = runnable(kernels);
    for (size_t k = 0; k < count; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t size = sizes[s];
            /* inside one block, over a border, touching, over several blocks, up to the end */
            const kvhash_mm_run runs[] = {{1, 0, 1},
                                          {2, 3 * size, size},
                                          {3, 4 * size, 2 * size + 1},
                                          {UINT64_MAX, 50 * size + size / 2, 7 * size},
                                          {4, BLOCKS * size - 1, 1}};
            check_kernel(kernels[k], size, NULL, 0, &random);
            check_kernel(kernels[k], size, runs, 5, &random);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_build_of_the_loops_gives_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

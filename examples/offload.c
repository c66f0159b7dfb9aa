/* An engine whose cache outlives it: blocks that memory evicts go to a store, and come back from it.
 *
 *     example_offload                        a folder of its own; the engine is killed half way and started again
 *     example_offload ENDPOINT BUCKET        the same on an S3 server; the key comes from the environment
 *
 * The KV of a token is here a number, so that the engine can check that every prompt reads its own. */
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvhash/hash.h>
#include <kvstore_offload/offload.h>
#include <kvstore_s3/s3.h>

enum { BLOCKS = 24, BLOCK_TOKENS = 16, PROMPTS = 12, PROMPT_BLOCKS = 8, TOKENS = PROMPT_BLOCKS * BLOCK_TOKENS };

#define TRY(call) (void)((call) == KVCORE_OK || fail(#call, __LINE__))
static bool fail(const char *what, int line) {
    fprintf(stderr, "line %d: %s\n", line, what);
    exit(1);
}

static uint64_t kv[BLOCKS][BLOCK_TOKENS]; /* the engine's memory */

static void memory_of(void *ctx, uint32_t block, kvstore_span *spans) {
    (void)ctx;
    spans[0] = (kvstore_span){kv[block], sizeof kv[block]};
}

static uint64_t right_kv(uint32_t prompt, size_t token) { return prompt * UINT64_C(1000003) + token; }

/* The names of a prompt's blocks. */
static void name_prompt(uint32_t prompt, kvhash_plh *names) {
    uint32_t tokens[TOKENS];
    for (uint32_t i = 0; i < TOKENS; i++) tokens[i] = prompt * 1000 + i;
    for (size_t i = 0; i < PROMPT_BLOCKS; i++) {
        uint64_t hash = kvhash_block_hash(tokens + i * BLOCK_TOKENS, BLOCK_TOKENS, KVHASH_CHAIN_SEED);
        if (i == 0)
            names[0] = kvhash_plh_root(hash);
        else
            TRY(kvhash_plh_extend(names[i - 1], hash, &names[i]));
    }
}

static struct { size_t cached, loaded, computed; } served;

/* Serve one prompt: what memory or the store has is read and checked, the rest computed. */
static void serve(kvlogical_manager *pool, kvstore_offload *offload, uint32_t prompt) {
    kvhash_plh names[PROMPT_BLOCKS];
    kvlogical_immutable held[PROMPT_BLOCKS];
    kvlogical_mutable fresh[PROMPT_BLOCKS];
    size_t hits, loaded;
    name_prompt(prompt, names);
    TRY(kvstore_offload_match(offload, names, PROMPT_BLOCKS, held, &hits, &loaded));
    TRY(kvstore_offload_allocate(offload, PROMPT_BLOCKS - hits, fresh));
    for (size_t i = 0; i < PROMPT_BLOCKS; i++)
        for (size_t k = 0; k < BLOCK_TOKENS; k++) {
            uint64_t right = right_kv(prompt, i * BLOCK_TOKENS + k);
            if (i >= hits)
                kv[fresh[i - hits].block][k] = right;
            else if (kv[held[i].block][k] != right)
                fail("a prompt reads KV that is not its own", __LINE__);
        }
    kvlogical_complete staged[PROMPT_BLOCKS];
    TRY(kvlogical_stage(pool, fresh, names + hits, PROMPT_BLOCKS - hits, staged));
    TRY(kvlogical_register(pool, staged, PROMPT_BLOCKS - hits, held + hits));
    kvlogical_release_tail_first(pool, held, PROMPT_BLOCKS);
    served.cached += hits - loaded;
    served.loaded += loaded;
    served.computed += PROMPT_BLOCKS - hits;
}

static kvstore *open_store(char **where) {
    kvstore *store = NULL;
    kvcore_error error;
    kvcore_status status;
    if (where[1] != NULL) {
        kvstore_s3_config config = KVSTORE_S3_CONFIG_INIT;
        config.endpoint = where[0];
        config.bucket = where[1];
        config.prefix = "example";
        config.provider = KVSTORE_S3_CREDENTIALS_ENVIRONMENT;
        status = kvstore_s3_open(&config, &store, NULL, &error);
    } else {
        kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
        config.root = where[0];
        config.min_free_bytes = 1;
        status = kvstore_open_directory(&config, &store, &error);
    }
    if (status != KVCORE_OK) fail(error.text, __LINE__);
    return store;
}

/* One life of the engine. It ends by SIGKILL after so many prompts, or well (0). */
static void live(char **where, uint32_t prompts, bool killed) {
    kvlogical_config pool_config = KVLOGICAL_CONFIG_INIT;
    kvstore_space_config whose = KVSTORE_SPACE_CONFIG_INIT;
    kvstore_offload_config config = KVSTORE_OFFLOAD_CONFIG_INIT;
    kvlogical_manager *pool;
    pool_config.block_count = BLOCKS;
    pool_config.block_tokens = BLOCK_TOKENS;
    TRY(kvlogical_manager_create(&pool_config, &pool, NULL));
    kvstore *store = open_store(where);
    whose.tenant = kvcore_text("example");
    whose.block_tokens = BLOCK_TOKENS;
    whose.block_bytes = sizeof kv[0];
    TRY(kvcore_layout_tag_make(kvcore_text("numbers-v1"), &whose.layout));
    TRY(kvcore_model_digest_of_bytes(kvcore_text("the numbers of this example"), &whose.model));
    TRY(kvstore_space_open(store, &whose, &config.space, NULL));
    config.manager = pool;
    config.memory = memory_of;
    kvstore_offload *offload;
    TRY(kvstore_offload_create(&config, &offload, NULL));
    for (uint32_t i = 0; i < prompts; i++) serve(pool, offload, i);
    kvstore_offload_counts counts = kvstore_offload_count(offload);
    printf("%u prompts: %zu blocks from memory, %zu from the store, %zu computed; %llu evicted to the store\n", prompts,
           served.cached, served.loaded, served.computed, (unsigned long long)counts.stored);
    fflush(stdout);
    if (killed) kill(getpid(), SIGKILL);
    kvstore_offload_destroy(offload);
    TRY(kvstore_close(store));
    TRY(kvlogical_manager_destroy(pool));
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place) {
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

int main(int argc, char **argv) {
    char folder[] = "example-store-XXXXXX", *own[] = {folder, NULL}, **where = argc == 3 ? argv + 1 : own;
    if (where == own && mkdtemp(folder) == NULL) fail("no folder", __LINE__);
    pid_t engine = fork();
    if (engine == 0) live(where, PROMPTS, true);
    int status;
    waitpid(engine, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail("the engine was not killed", __LINE__);
    live(where, PROMPTS, false);
    if (where == own) {
        if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) fail("the folder stays", __LINE__);
    }
    return served.loaded > 0 ? 0 : 1;
}

/* A request that grows: cached prefix, prefill, decode. Scope macros give everything back on any way out. */
#include <stdio.h>

#include <kvlogical/scope.h>

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        kvcore_status status_ = (call);                                                                      \
        if (status_ != KVCORE_OK) return fprintf(stderr, "%s: %s\n", #call, kvcore_status_text(status_)), 1; \
    } while (0)

/* Stands for the model: computes the KV of all tokens behind the cached ones and samples the next. */
static uint32_t engine_run(const kvlogical_request *request) {
    return (uint32_t)kvlogical_request_count(request).total_tokens;
}

static int serve(kvlogical_manager *pool, const kvlogical_request_config *config) {
    KVLOGICAL_SCOPED_REQUEST(request); /* every block goes back at the end */
    TRY(kvlogical_request_create(pool, config, &request, NULL));
    size_t hits, computed = config->token_count;
    TRY(kvlogical_request_match_prefix(request, &hits));
    TRY(kvlogical_request_allocate(request, kvlogical_request_blocks_missing(request)));
    uint32_t token = engine_run(request);                              /* prefill */
    TRY(kvlogical_request_register_computed(request, computed, NULL)); /* only blocks whose KV exists */
    TRY(kvlogical_request_append(request, token, NULL));
    while (!kvlogical_request_is_complete(request)) {
        TRY(kvlogical_request_allocate(request, kvlogical_request_blocks_missing(request)));
        token = engine_run(request); /* decode: the KV of the last token, and the next */
        TRY(kvlogical_request_register_computed(request, ++computed, NULL));
        TRY(kvlogical_request_append(request, token, NULL));
    }
    kvlogical_request_counts counts = kvlogical_request_count(request);
    printf("%zu tokens in %zu blocks, %zu of them cached\n", counts.total_tokens, counts.complete_blocks, hits);
    return 0;
}

int main(void) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 64;
    config.block_tokens = 16;
    KVLOGICAL_SCOPED_MANAGER(pool);
    TRY(kvlogical_manager_create(&config, &pool, NULL));

    uint32_t prompt[70];
    for (uint32_t i = 0; i < 70; i++) prompt[i] = i;
    kvlogical_request_config request = KVLOGICAL_REQUEST_CONFIG_INIT;
    request.tokens = prompt;
    request.token_count = 70;
    request.max_output_tokens = 40;
    for (int turn = 0; turn < 2; turn++)
        if (serve(pool, &request) != 0) return 1;
    return kvlogical_manager_counts(pool).available == 64 ? 0 : 1; /* no block is held any more */
}

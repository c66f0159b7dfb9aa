#include <kvhash/scheme.h>

#include <kvcore/config.h>

#include "text.h"
#include "walk.h"

const scheme_traits *kvhash__scheme_traits(kvhash_scheme_kind kind) {
    static const scheme_traits traits[KVHASH_SCHEME_COUNT] = {
        [KVHASH_SCHEME_VLLM_SHA256] = {"vllm-sha256", FAMILY_VLLM, SCHEME_SHA256, true, 32},
        [KVHASH_SCHEME_VLLM_SHA256_CBOR] = {"vllm-sha256-cbor", FAMILY_VLLM, SCHEME_SHA256, false, 32},
        [KVHASH_SCHEME_VLLM_XXHASH] = {"vllm-xxhash", FAMILY_VLLM, SCHEME_XXH128, true, 16},
        [KVHASH_SCHEME_VLLM_XXHASH_CBOR] = {"vllm-xxhash-cbor", FAMILY_VLLM, SCHEME_XXH128, false, 16},
        [KVHASH_SCHEME_SGLANG] = {"sglang", FAMILY_SGLANG, SCHEME_SHA256, false, 32},
        [KVHASH_SCHEME_LLMD] = {"llmd", FAMILY_LLMD, SCHEME_FNV, false, 8},
        [KVHASH_SCHEME_LMCACHE_BUILTIN] = {"lmcache-builtin", FAMILY_LMCACHE_BUILTIN, SCHEME_SHA256, false, 8},
        [KVHASH_SCHEME_LMCACHE_SHA256_CBOR] = {"lmcache-sha256-cbor", FAMILY_LMCACHE, SCHEME_SHA256, false, 8},
        [KVHASH_SCHEME_LMCACHE_SHA256] = {"lmcache-sha256", FAMILY_LMCACHE, SCHEME_SHA256, true, 8},
        [KVHASH_SCHEME_LMCACHE_XXHASH] = {"lmcache-xxhash", FAMILY_LMCACHE, SCHEME_XXH128, true, 8},
        [KVHASH_SCHEME_LMCACHE_XXHASH_CBOR] = {"lmcache-xxhash-cbor", FAMILY_LMCACHE, SCHEME_XXH128, false, 8},
        [KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3] = {"lmcache-server-blake3", FAMILY_LMCACHE_BLAKE3, SCHEME_BLAKE3, false,
                                                 32},
        [KVHASH_SCHEME_LMCACHE_SERVER_SHA256_CBOR] = {"lmcache-server-sha256-cbor", FAMILY_LMCACHE_SERVER,
                                                      SCHEME_SHA256, false, 32},
        [KVHASH_SCHEME_LMCACHE_SERVER_SHA256] = {"lmcache-server-sha256", FAMILY_LMCACHE_SERVER, SCHEME_SHA256, true,
                                                 32},
        [KVHASH_SCHEME_LMCACHE_SERVER_XXHASH] = {"lmcache-server-xxhash", FAMILY_LMCACHE_SERVER, SCHEME_XXH128, true,
                                                 16},
        [KVHASH_SCHEME_LMCACHE_SERVER_XXHASH_CBOR] = {"lmcache-server-xxhash-cbor", FAMILY_LMCACHE_SERVER,
                                                      SCHEME_XXH128, false, 16},
        [KVHASH_SCHEME_TRTLLM_V1] = {"trtllm-v1", FAMILY_TRTLLM_V1, SCHEME_SHA256, false, 8},
        [KVHASH_SCHEME_TRTLLM_V2] = {"trtllm-v2", FAMILY_TRTLLM_V2, SCHEME_SHA256, false, 32},
        [KVHASH_SCHEME_TRTLLM_V2_U64] = {"trtllm-v2-u64", FAMILY_TRTLLM_V2, SCHEME_SHA256, false, 32},
        [KVHASH_SCHEME_FLEXKV] = {"flexkv", FAMILY_FLEXKV, SCHEME_XXH64, false, 8},
        [KVHASH_SCHEME_AIBRIX] = {"aibrix", FAMILY_AIBRIX, SCHEME_XXH64, false, 8},
    };
    if ((unsigned)kind >= KVHASH_SCHEME_COUNT || traits[kind].text == NULL) return NULL;
    return &traits[kind];
}

kvhash_scheme_config kvhash_scheme_config_init(void) { return (kvhash_scheme_config)KVHASH_SCHEME_CONFIG_INIT; }

kvhash_scheme_request kvhash_scheme_request_init(void) { return (kvhash_scheme_request)KVHASH_SCHEME_REQUEST_INIT; }

const char *kvhash_scheme_kind_text(kvhash_scheme_kind kind) {
    const scheme_traits *traits = kvhash__scheme_traits(kind);
    return traits == NULL ? NULL : traits->text;
}

kvhash_scheme_kind kvhash_scheme_kind_of(kvcore_bytes text) {
    for (unsigned kind = 1; kind < KVHASH_SCHEME_COUNT; kind++) {
        const char *name = kvhash_scheme_kind_text((kvhash_scheme_kind)kind);
        if (text.data != NULL && text.size_bytes == strlen(name) && memcmp(text.data, name, text.size_bytes) == 0)
            return (kvhash_scheme_kind)kind;
    }
    return KVHASH_SCHEME_NONE;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

static bool may_be_partial(scheme_family family) {
    return family == FAMILY_SGLANG || family == FAMILY_LMCACHE || family == FAMILY_LMCACHE_BUILTIN ||
           family == FAMILY_TRTLLM_V2;
}

static kvcore_status check_options(const kvhash_scheme_config *config, scheme_family family, kvcore_error *error) {
    if (config->form != KVHASH_SCHEME_TAGGED && (family != FAMILY_VLLM || (unsigned)config->form > KVHASH_SCHEME_BARE))
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, (uint64_t)config->form,
                           "form is not one of the scheme");
    if (config->look_ahead != 0 && family != FAMILY_VLLM)
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->look_ahead, "look_ahead is only for vLLM");
    if (config->pairs && family != FAMILY_SGLANG)
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, 1, "pairs is only for SGLang");
    if (config->partial && !may_be_partial(family))
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, 1, "the scheme does not name partial blocks");
    if (config->without_vllm && family != FAMILY_LMCACHE && family != FAMILY_LMCACHE_BUILTIN)
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, 1, "without_vllm is only for in-process LMCache");
    for (size_t i = 0; i < sizeof config->reserved; i++)
        if (config->reserved[i] != 0)
            return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, config->reserved[i], "reserved is not 0");
    return KVCORE_OK;
}

static kvcore_status check_block_size(kvhash_scheme_config *config, scheme_family family, kvcore_error *error) {
    if (family == FAMILY_LLMD && config->block_size == 0) config->block_size = 16;
    if (config->block_size > 0 && config->block_size <= UINT32_MAX) return KVCORE_OK;
    return kvcore_fail(error,
                       &(kvcore_error){.code = KVHASH_EBLOCK_SIZE,
                                       .index = KVCORE_NO_INDEX,
                                       .expected = UINT32_MAX,
                                       .actual = (uint64_t)config->block_size},
                       family == FAMILY_LLMD ? "blockSizeTokens must be greater than 0, got %lld"
                                             : "the block size must be from 1 to 4294967295, got %lld",
                       (long long)config->block_size);
}

static kvcore_status random_root(kvcore_error *error) {
    return scheme_fail(error, KVCORE_ENOTSUP, KVCORE_NO_INDEX, 0,
                       "without a seed (PYTHONHASHSEED) the root is random and cannot be matched");
}

static kvcore_status builtin_root(kvhash_scheme *scheme, const kvhash_scheme_config *config, kvcore_error *error) {
    int64_t root = 0;
    if (config->without_vllm) {
        memset(scheme->root, 0, sizeof scheme->root);
        return KVCORE_OK;
    }
    if (config->seed.data == NULL) return random_root(error);
    if (kvhash_python_hash_text(config->seed, config->seed, &root) != KVCORE_OK) return random_root(error);
    kvcore_store_be64(scheme->root, (uint64_t)root);
    return KVCORE_OK;
}

/* vLLM's root; LMCache takes its first 8 bytes. */
static kvcore_status vllm_root(kvhash_scheme *scheme, const kvhash_scheme_config *config, kvcore_error *error) {
    kvcore_bytes seed = config->seed;
    if (config->root.data != NULL) {
        if (config->root.size_bytes != scheme->traits.name_bytes)
            return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->root.size_bytes,
                               "the root is not as long as a name");
        memcpy(scheme->root, config->root.data, config->root.size_bytes);
        return KVCORE_OK;
    }
    if (seed.data == NULL && scheme->sink.hash != SCHEME_SHA256) return random_root(error);
    if (seed.data == NULL) seed = kvcore_text("vllm-none-hash");
    kvhash__sink_start(&scheme->sink);
    kvhash__put_text(&scheme->sink, seed);
    kvhash__sink_end(&scheme->sink);
    return kvhash__sink_finish(&scheme->sink, scheme->root, error);
}

static kvcore_status make_root(kvhash_scheme *scheme, const kvhash_scheme_config *config, kvcore_error *error) {
    static const uint8_t zeros[12];
    switch (scheme->traits.family) {
    case FAMILY_VLLM:
    case FAMILY_LMCACHE:
    case FAMILY_LMCACHE_SERVER: return vllm_root(scheme, config, error);
    case FAMILY_LMCACHE_BUILTIN: return builtin_root(scheme, config, error);
    case FAMILY_LMCACHE_BLAKE3:
        memcpy(scheme->root, kvcore_blake3((kvcore_bytes){zeros, sizeof zeros}).bytes, 32);
        return KVCORE_OK;
    case FAMILY_LLMD: scheme->number_seed = kvhash_llmd_fnv(config->seed); return KVCORE_OK;
    default: return KVCORE_OK;
    }
}

static kvcore_status fill(kvhash_scheme *scheme, const kvhash_scheme_config *config, kvcore_error *error) {
    scheme->kind = config->kind;
    scheme->form = config->form;
    scheme->block_size = (size_t)config->block_size;
    scheme->look_ahead = config->look_ahead;
    scheme->partial = config->partial;
    scheme->pairs = config->pairs;
    scheme->number_seed = config->number_seed;
    kvhash__sink_open(&scheme->sink, scheme->traits.hash, scheme->traits.pickle);
    scheme->sink.state64 = config->number_seed;
    return make_root(scheme, config, error);
}

kvcore_status kvhash_scheme_create(const kvhash_scheme_config *given, kvhash_scheme **scheme, kvcore_error *error) {
    kvhash_scheme_config config;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status != KVCORE_OK) return status;
    if (scheme == NULL) return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "scheme is NULL");
    const scheme_traits *traits = kvhash__scheme_traits(config.kind);
    if (traits == NULL)
        return scheme_fail(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, (uint64_t)config.kind, "kind is not a scheme");
    status = check_options(&config, traits->family, error);
    if (status == KVCORE_OK) status = check_block_size(&config, traits->family, error);
    if (status != KVCORE_OK) return status;
    if ((config.seed.data == NULL && config.seed.size_bytes != 0) || !kvhash__is_utf8(config.seed))
        return scheme_fail(error, KVCORE_EFORMAT, KVCORE_NO_INDEX, 0, "seed is not UTF-8");
    if (config.allocator.alloc == NULL) config.allocator = kvcore_allocator_libc();
    kvhash_scheme *made = kvcore_alloc(&config.allocator, 1, sizeof *made, _Alignof(kvhash_scheme));
    if (made == NULL) return scheme_fail(error, KVCORE_ENOMEM, KVCORE_NO_INDEX, 0, "no memory for a scheme");
    memset(made, 0, sizeof *made);
    made->allocator = config.allocator;
    made->traits = *traits;
    if (config.without_vllm) made->traits = *kvhash__scheme_traits(KVHASH_SCHEME_LMCACHE_BUILTIN);
    status = fill(made, &config, error);
    if (status == KVCORE_OK)
        *scheme = made;
    else
        kvhash_scheme_destroy(made);
    return status;
}

void kvhash_scheme_destroy(kvhash_scheme *scheme) {
    if (scheme == NULL) return;
    kvcore_allocator allocator = scheme->allocator;
    kvcore_free(&allocator, scheme, 1, sizeof *scheme, _Alignof(kvhash_scheme));
}

size_t kvhash_scheme_name_bytes(const kvhash_scheme *scheme) { return scheme == NULL ? 0 : scheme->traits.name_bytes; }

/* --- naming --------------------------------------------------------------------------------------------------------- */

kvcore_status kvhash_scheme_root(kvhash_scheme *scheme, const kvhash_scheme_request *request,
                                 uint8_t root[KVHASH_SCHEME_NAME_BYTES], size_t *size_bytes, kvcore_error *error) {
    scheme_walk walk;
    if (root == NULL || size_bytes == NULL)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an output is NULL");
    kvcore_status status = kvhash__walk_start(&walk, scheme, request, 0, NULL, error);
    if (status != KVCORE_OK) return status;
    memcpy(root, walk.parent, walk.parent_bytes);
    *size_bytes = walk.parent_bytes;
    return KVCORE_OK;
}

kvcore_status kvhash_scheme_names(kvhash_scheme *scheme, const kvhash_scheme_request *request, size_t first_block,
                                  const uint8_t *parent, uint8_t *names, size_t capacity, size_t *count,
                                  kvcore_error *error) {
    scheme_walk walk;
    if (count == NULL || (names == NULL && capacity != 0))
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an output is NULL");
    kvcore_status status = kvhash__walk_start(&walk, scheme, request, first_block, parent, error);
    if (status != KVCORE_OK) return status;
    size_t left = first_block < walk.count ? walk.count - first_block : 0, size = scheme->traits.name_bytes;
    if (left > capacity) left = capacity;
    for (size_t i = 0; i < left; i++) {
        status = kvhash__walk_name(&walk, first_block + i, names + i * size, error);
        if (status != KVCORE_OK) return status;
    }
    *count = left;
    return KVCORE_OK;
}

static kvcore_status copy_image(const scheme_sink *sink, uint8_t *bytes, size_t capacity, size_t *size_bytes,
                                kvcore_error *error) {
    if (sink->streaming || sink->too_long)
        return scheme_fail(error, KVCORE_EOVERFLOW, KVCORE_NO_INDEX, 0, "the bytes of this block are too many to show");
    *size_bytes = sink->used;
    if (sink->used > capacity)
        return kvcore_fail(
            error,
            &(kvcore_error){
                .code = KVCORE_EBUFFER, .index = KVCORE_NO_INDEX, .expected = sink->used, .actual = capacity},
            "%zu bytes do not fit", sink->used);
    if (sink->used != 0) memcpy(bytes, sink->bytes, sink->used);
    return KVCORE_OK;
}

kvcore_status kvhash_scheme_preimage(kvhash_scheme *scheme, const kvhash_scheme_request *request, size_t block,
                                     const uint8_t *parent, uint8_t *bytes, size_t capacity, size_t *size_bytes,
                                     kvcore_error *error) {
    scheme_walk walk;
    uint8_t unused[32];
    if (size_bytes == NULL || (bytes == NULL && capacity != 0))
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an output is NULL");
    bool of_root = block == KVHASH_SCHEME_ROOT_IMAGE;
    size_t first = parent == NULL || of_root ? 0 : block;
    kvcore_status status = kvhash__walk_start(&walk, scheme, request, first, of_root ? NULL : parent, error);
    if (status != KVCORE_OK) return status;
    if (of_root) {
        if (scheme->traits.family != FAMILY_LLMD)
            return scheme_fail(error, KVCORE_ENOTSUP, KVCORE_NO_INDEX, 0, "a root of the request is only for llm-d");
        return copy_image(&scheme->sink, bytes, capacity, size_bytes, error);
    }
    if (block >= walk.count) return scheme_fail(error, KVCORE_EINVAL, block, walk.count, "there is no such block");
    for (size_t i = first; i < block; i++) {
        status = kvhash__walk_name(&walk, i, unused, error);
        if (status != KVCORE_OK) return status;
    }
    status = kvhash__walk_write(&walk, block, error);
    return status == KVCORE_OK ? copy_image(&scheme->sink, bytes, capacity, size_bytes, error) : status;
}

kvcore_status kvhash_names_of(const kvhash_scheme_request *request, kvhash_scheme_output *outputs, size_t output_count,
                              kvcore_error *error) {
    bool fits = true;
    if (request == NULL || (outputs == NULL && output_count != 0))
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "request or outputs is NULL");
    for (size_t i = 0; i < output_count; i++) {
        kvcore_status status = kvhash_scheme_count(outputs[i].scheme, request, &outputs[i].count, error);
        if (status != KVCORE_OK) return status;
        fits &= outputs[i].count <= outputs[i].capacity;
    }
    if (!fits) return scheme_fail(error, KVCORE_EBUFFER, KVCORE_NO_INDEX, 0, "an output is too small");
    for (size_t i = 0; i < output_count; i++) {
        size_t written;
        kvcore_status status = kvhash_scheme_names(outputs[i].scheme, request, 0, NULL, outputs[i].names,
                                                   outputs[i].capacity, &written, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

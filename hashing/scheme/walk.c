#include "walk.h"

#include <kvcore/config.h>

#include "text.h"

/* --- checks --------------------------------------------------------------------------------------------------------- */

static bool takes_item_texts(scheme_family family) {
    return family == FAMILY_VLLM || family == FAMILY_LLMD || family == FAMILY_LMCACHE ||
           family == FAMILY_LMCACHE_BUILTIN || family == FAMILY_LMCACHE_SERVER || family == FAMILY_LMCACHE_BLAKE3;
}

static bool replaces_tokens(scheme_family family) {
    return family == FAMILY_SGLANG || family == FAMILY_LMCACHE || family == FAMILY_LMCACHE_BUILTIN ||
           family == FAMILY_LMCACHE_SERVER || family == FAMILY_LMCACHE_BLAKE3;
}

static bool takes_items(scheme_family family) { return family != FAMILY_FLEXKV && family != FAMILY_AIBRIX; }

static kvcore_status check_id(const scheme_walk *walk, const kvhash_scheme_item *item, uint64_t index,
                              kvcore_error *error) {
    scheme_family family = walk->scheme->traits.family;
    size_t size = item->id.size_bytes;
    if (item->id.data == NULL && size != 0)
        return scheme_fail(error, KVCORE_EINVAL, index, size, "an item's id is NULL");
    if (takes_item_texts(family)) {
        if (kvhash__is_utf8(item->id)) return KVCORE_OK;
        return scheme_fail(error, KVCORE_EFORMAT, index, size, "an item's identifier is not UTF-8");
    }
    if (size == 32 || (size == 8 && family == FAMILY_SGLANG)) return KVCORE_OK;
    return scheme_fail(error, KVCORE_EINVAL, index, size, "an item's digest is not as long as the system has it");
}

static kvcore_status bad_item(kvcore_error *error, kvcore_status status, const kvhash_scheme_item *item, uint64_t index,
                              const char *what) {
    return kvcore_fail(error,
                       &(kvcore_error){.code = status, .index = index, .offset = item->offset, .length = item->length},
                       "%s", what);
}

static kvcore_status check_items(scheme_walk *walk, kvcore_error *error) {
    const kvhash_scheme_request *request = walk->request;
    uint64_t end = 0, unused;
    walk->ordered = true;
    if (!takes_items(walk->scheme->traits.family)) return KVCORE_OK;
    for (size_t i = 0; i < request->item_count; i++) {
        const kvhash_scheme_item *item = &request->items[i];
        if (item->length == 0) return bad_item(error, KVHASH_EEMPTY_RUN, item, i, "an item has length 0");
        if (__builtin_add_overflow(item->offset, item->length, &unused))
            return bad_item(error, KVHASH_EOFFSET_OVERFLOW, item, i, "an item's end does not fit in 64 bits");
        if (item->offset < end) walk->ordered = false;
        end = item->offset + item->length;
        if (!walk->ordered && walk->scheme->traits.family != FAMILY_TRTLLM_V1)
            return bad_item(error, KVHASH_EOVERLAP, item, i, "items overlap, or are not in order of their offsets");
        kvcore_status status = check_id(walk, item, i, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

static kvcore_status check_text(kvcore_bytes text, const char *what, kvcore_error *error) {
    if (text.data == NULL && text.size_bytes != 0) return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, what);
    if (kvhash__is_utf8(text)) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX}, "%s is not UTF-8",
                       what);
}

static kvcore_status check_texts(const kvhash_scheme_request *request, kvcore_error *error) {
    const kvcore_bytes texts[] = {request->salt,    request->lora_name, request->lora_path,
                                  request->lora_id, request->extra_key, request->model};
    static const char *const names[] = {"salt", "lora_name", "lora_path", "lora_id", "extra_key", "model"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        kvcore_status status = check_text(texts[i], names[i], error);
        if (status != KVCORE_OK) return status;
    }
    if (request->name_spaces == NULL && request->name_space_count != 0)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "name_spaces is NULL with a count");
    for (size_t i = 0; i < request->name_space_count; i++) {
        kvcore_status status = check_text(request->name_spaces[i], "a name space", error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

static kvcore_status check_features(const scheme_walk *walk, kvcore_error *error) {
    const kvhash_scheme_request *request = walk->request;
    if (walk->scheme->traits.family != FAMILY_LLMD || request->features == NULL || walk->count == 0) return KVCORE_OK;
    if (request->feature_count != walk->count)
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EINVAL,
                            .index = KVCORE_NO_INDEX,
                            .expected = walk->count,
                            .actual = request->feature_count},
            "extraFeatures length %zu does not match token chunk count %zu (blockSizeTokens=%zu, tokens=%zu)",
            request->feature_count, walk->count, walk->scheme->block_size, request->token_count);
    for (size_t i = 0; i < request->feature_count; i++) {
        const kvhash_scheme_features *features = &request->features[i];
        if (features->hashes == NULL && features->count != 0)
            return scheme_fail(error, KVCORE_EINVAL, i, features->count, "features are NULL with a count");
        for (size_t k = 0; k < features->count; k++) {
            kvcore_status status = check_text(features->hashes[k], "a feature", error);
            if (status != KVCORE_OK) return status;
        }
    }
    return KVCORE_OK;
}

static kvcore_status check_arrays(const kvhash_scheme_request *request, kvcore_error *error) {
    size_t bytes;
    if (request->tokens == NULL && request->wide_tokens == NULL && request->token_count != 0)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, request->token_count, "tokens is NULL with a count");
    if (request->items == NULL && request->item_count != 0)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, request->item_count, "items is NULL with a count");
    if (__builtin_mul_overflow(request->token_count, sizeof(uint64_t), &bytes) ||
        __builtin_mul_overflow(request->token_count, request->embedding_row_bytes, &bytes))
        return scheme_fail(error, KVCORE_EOVERFLOW, KVCORE_NO_INDEX, request->token_count, "a size does not fit");
    return KVCORE_OK;
}

/* --- start ---------------------------------------------------------------------------------------------------------- */

static size_t count_units(const kvhash_scheme *scheme, size_t tokens) {
    if (scheme->traits.family == FAMILY_AIBRIX) return 4 * tokens;
    return scheme->pairs && tokens != 0 ? tokens - 1 : tokens;
}

static size_t count_names(const kvhash_scheme *scheme, size_t units) {
    if (units < scheme->look_ahead) return 0;
    units -= scheme->look_ahead;
    return units / scheme->block_size + (scheme->partial && units % scheme->block_size != 0);
}

static void set_parent(scheme_walk *walk, const uint8_t *parent, size_t size) {
    memcpy(walk->parent, parent, size);
    walk->parent_bytes = size;
}

static kvcore_status take_root(scheme_walk *walk, kvcore_error *error) {
    kvcore_status status = KVCORE_OK;
    uint8_t root[32] = {0};
    uint64_t number = 0;
    bool given = true;
    size_t size = walk->scheme->traits.name_bytes;
    switch (walk->scheme->traits.family) {
    case FAMILY_SGLANG:
        status = kvhash__sglang_request_seed(walk->request, false, true, root, &given);
        if (!given) size = 0;
        break;
    case FAMILY_LLMD:
        status = kvhash__llmd_root(walk, &number, error);
        kvcore_store_be64(root, number);
        break;
    case FAMILY_TRTLLM_V2: status = kvhash__trtllm_v2_root(walk, root); break;
    case FAMILY_AIBRIX: kvcore_store_be64(root, walk->scheme->number_seed); break;
    case FAMILY_TRTLLM_V1:
    case FAMILY_FLEXKV: break;
    default: memcpy(root, walk->scheme->root, size); break;
    }
    if (status == KVCORE_OK) set_parent(walk, root, size);
    return status;
}

static bool is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static kvcore_status take_parent(scheme_walk *walk, size_t first_block, const uint8_t *parent, kvcore_error *error) {
    scheme_family family = walk->scheme->traits.family;
    uint8_t unused[8];
    if (family == FAMILY_FLEXKV) {
        kvhash__flexkv_begin(walk);
        for (size_t i = 0; i < first_block; i++) kvhash__flexkv_name(walk, i, unused);
        return KVCORE_OK;
    }
    if (parent != NULL && !(family == FAMILY_LLMD && is_zero(parent, 8))) {
        set_parent(walk, parent, walk->scheme->traits.name_bytes);
        return KVCORE_OK;
    }
    if (first_block != 0 && parent == NULL)
        return scheme_fail(error, KVCORE_EINVAL, first_block, 0,
                           "a block that is not the first needs its parent's name");
    return take_root(walk, error);
}

static kvcore_status check_request(scheme_walk *walk, kvcore_error *error) {
    kvcore_status status = check_arrays(walk->request, error);
    if (status == KVCORE_OK) status = check_texts(walk->request, error);
    if (status == KVCORE_OK) status = check_items(walk, error);
    if (status != KVCORE_OK) return status;
    walk->unit_count = count_units(walk->scheme, walk->request->token_count);
    walk->count = count_names(walk->scheme, walk->unit_count);
    return check_features(walk, error);
}

kvcore_status kvhash__walk_start(scheme_walk *walk, kvhash_scheme *scheme, const kvhash_scheme_request *request,
                                 size_t first_block, const uint8_t *parent, kvcore_error *error) {
    if (scheme == NULL || request == NULL || request->struct_size != sizeof *request)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "scheme or request is NULL or of another version");
    *walk = (scheme_walk){.scheme = scheme, .request = request, .known_item = SIZE_MAX};
    kvcore_status status = check_request(walk, error);
    if (status != KVCORE_OK) return status;
    walk->substitutes = request->item_count != 0 && replaces_tokens(scheme->traits.family);
    if (scheme->traits.family == FAMILY_TRTLLM_V1 && request->tokens == NULL && request->token_count != 0)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "TensorRT-LLM v1 takes tokens of 32 bits");
    if (is_given(request->salt) &&
        (scheme->traits.family == FAMILY_TRTLLM_V1 || scheme->traits.family == FAMILY_TRTLLM_V2)) {
        uint8_t digest[32];
        status = kvhash__scheme_sha256(&request->salt, 1, digest);
        if (status != KVCORE_OK) return status;
        walk->salt_id = kvcore_load_le64(digest);
    }
    if (first_block > walk->count) first_block = walk->count;
    return take_parent(walk, first_block, parent, error);
}

/* --- tokens and items ------------------------------------------------------------------------------------------------- */

static void pass_items(scheme_walk *walk, uint64_t from) {
    const kvhash_scheme_request *request = walk->request;
    while (walk->item < request->item_count &&
           request->items[walk->item].offset + request->items[walk->item].length <= from)
        walk->item++;
}

void kvhash__walk_items(scheme_walk *walk, uint64_t from, uint64_t to, size_t *first, size_t *last) {
    const kvhash_scheme_request *request = walk->request;
    pass_items(walk, from);
    *first = *last = walk->item;
    while (*last < request->item_count && request->items[*last].offset < to) ++*last;
}

static kvcore_status know_item(scheme_walk *walk, kvcore_error *error) {
    const kvhash_scheme_item *item = &walk->request->items[walk->item];
    bool sglang = walk->scheme->traits.family == FAMILY_SGLANG;
    kvcore_bytes pieces[2] = {sglang ? kvcore_text("sglang-mm-wide-pad-v1") : item->id, item->id};
    kvcore_status status = kvhash__scheme_sha256(pieces, sglang ? 2 : 1, walk->identity);
    if (status != KVCORE_OK)
        return scheme_fail(error, status, walk->item, 0, "SHA-256 is not available from libcrypto");
    walk->known_item = walk->item;
    walk->known_chunk = UINT64_MAX;
    for (size_t i = 0; sglang && i < 4; i++)
        walk->values[i] = 1000000 + (kvcore_load_be64(walk->identity + 8 * i) & ((UINT64_C(1) << 62) - 1));
    return KVCORE_OK;
}

static kvcore_status know_chunk(scheme_walk *walk, uint64_t chunk, kvcore_error *error) {
    uint8_t number[8], digest[32];
    kvcore_store_be64(number, chunk);
    kvcore_bytes pieces[2] = {{walk->identity, 32}, {number, 8}};
    kvcore_status status = kvhash__scheme_sha256(pieces, 2, digest);
    if (status != KVCORE_OK)
        return scheme_fail(error, status, walk->item, 0, "SHA-256 is not available from libcrypto");
    for (size_t i = 0; i < 8; i++) walk->values[i] = kvcore_load_be32(digest + 4 * i) & INT32_MAX;
    walk->known_chunk = chunk;
    return KVCORE_OK;
}

static kvcore_status item_token(scheme_walk *walk, uint64_t inside, uint64_t *token, kvcore_error *error) {
    kvcore_status status = KVCORE_OK;
    if (walk->known_item != walk->item) status = know_item(walk, error);
    if (status != KVCORE_OK) return status;
    if (walk->scheme->traits.family == FAMILY_SGLANG) {
        *token = walk->values[inside % 4];
        return KVCORE_OK;
    }
    if (walk->known_chunk != inside / 8) status = know_chunk(walk, inside / 8, error);
    if (status == KVCORE_OK) *token = walk->values[inside % 8];
    return status;
}

kvcore_status kvhash__walk_tokens(scheme_walk *walk, size_t from, size_t count, uint64_t *tokens, kvcore_error *error) {
    const kvhash_scheme_request *request = walk->request;
    for (size_t i = 0; i < count; i++) {
        size_t at = from + i;
        tokens[i] = request->wide_tokens != NULL ? request->wide_tokens[at] : request->tokens[at];
        if (!walk->substitutes) continue;
        pass_items(walk, at);
        if (walk->item == request->item_count || at < request->items[walk->item].offset) continue;
        kvcore_status status = item_token(walk, at - request->items[walk->item].offset, &tokens[i], error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

kvcore_status kvhash__walk_tokens32(scheme_walk *walk, size_t from, size_t count, uint32_t own[WALK_PIECE],
                                    const uint32_t **tokens, size_t *given, kvcore_error *error) {
    uint64_t wide[WALK_PIECE];
    if (!walk->substitutes && walk->request->wide_tokens == NULL) {
        *tokens = walk->request->tokens + from;
        *given = count;
        return KVCORE_OK;
    }
    *given = count < WALK_PIECE ? count : WALK_PIECE;
    *tokens = own;
    kvcore_status status = kvhash__walk_tokens(walk, from, *given, wide, error);
    for (size_t i = 0; status == KVCORE_OK && i < *given; i++) {
        if (wide[i] > UINT32_MAX)
            return scheme_fail(error, KVCORE_EOVERFLOW, from + i, wide[i], "a token is 2^32 or more");
        own[i] = (uint32_t)wide[i];
    }
    return status;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

kvcore_status kvhash__walk_write(scheme_walk *walk, size_t block, kvcore_error *error) {
    kvcore_status status = KVCORE_ENOTSUP;
    kvhash__sink_start(&walk->scheme->sink);
    switch (walk->scheme->traits.family) {
    case FAMILY_VLLM:
    case FAMILY_LMCACHE_SERVER: status = kvhash__write_vllm(walk, block, error); break;
    case FAMILY_SGLANG: status = kvhash__write_sglang(walk, block, error); break;
    case FAMILY_LLMD: status = kvhash__write_llmd(walk, block, error); break;
    case FAMILY_LMCACHE: status = kvhash__write_lmcache(walk, block, error); break;
    case FAMILY_LMCACHE_BLAKE3: status = kvhash__write_blake3(walk, block, error); break;
    case FAMILY_TRTLLM_V2: status = kvhash__write_trtllm_v2(walk, block, error); break;
    case FAMILY_AIBRIX: status = kvhash__write_aibrix(walk, block, error); break;
    default: return scheme_fail(error, status, block, 0, "the scheme hashes no bytes of its own for a block");
    }
    if (status == KVCORE_OK) kvhash__sink_end(&walk->scheme->sink);
    return status;
}

kvcore_status kvhash__walk_name(scheme_walk *walk, size_t block, uint8_t *name, kvcore_error *error) {
    uint8_t digest[32];
    kvcore_status status = KVCORE_OK;
    size_t size = walk->scheme->traits.name_bytes;
    if (walk->scheme->traits.family == FAMILY_TRTLLM_V1) {
        kvhash__name_trtllm_v1(walk, block, digest);
    } else if (walk->scheme->traits.family == FAMILY_FLEXKV) {
        kvhash__flexkv_name(walk, block, digest);
    } else if (walk->scheme->traits.family == FAMILY_LMCACHE_BUILTIN) {
        status = kvhash__name_builtin(walk, block, digest, error);
    } else {
        status = kvhash__walk_write(walk, block, error);
        if (status == KVCORE_OK) status = kvhash__sink_finish(&walk->scheme->sink, digest, error);
    }
    if (status != KVCORE_OK) return status;
    memcpy(name, digest, size);
    set_parent(walk, digest, size);
    return KVCORE_OK;
}

kvcore_status kvhash_scheme_count(const kvhash_scheme *scheme, const kvhash_scheme_request *request, size_t *count,
                                  kvcore_error *error) {
    if (scheme == NULL || request == NULL || request->struct_size != sizeof *request || count == NULL)
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an argument is NULL or of another version");
    kvcore_status status = check_arrays(request, error);
    if (status == KVCORE_OK) *count = count_names(scheme, count_units(scheme, request->token_count));
    return status;
}

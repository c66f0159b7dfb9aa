/* What each system hashes for one block. */
#include "text.h"
#include "walk.h"

/* The tokens [from, to) into a list. */
static kvcore_status put_token_list(scheme_walk *walk, size_t from, size_t to, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    uint32_t own[WALK_PIECE];
    kvhash__put_list_begin(sink, to - from);
    for (size_t at = from, given; at < to; at += given) {
        const uint32_t *tokens;
        kvcore_status status = kvhash__walk_tokens32(walk, at, to - at, own, &tokens, &given, error);
        if (status != KVCORE_OK) return status;
        kvhash__put_token_run(sink, tokens, given);
    }
    kvhash__put_list_end(sink, to - from);
    return KVCORE_OK;
}

/* --- vLLM ------------------------------------------------------------------------------------------------------------ */

kvcore_status kvhash__embeddings_digest(scheme_walk *walk, size_t from, size_t to, uint8_t digest[32]) {
    size_t row = walk->request->embedding_row_bytes;
    kvcore_bytes rows = {(const uint8_t *)walk->request->embeddings + from * row, (to - from) * row};
    return kvhash__scheme_sha256(&rows, 1, digest);
}

static void put_item(scheme_walk *walk, const kvhash_scheme_item *item, size_t from) {
    scheme_sink *sink = &walk->scheme->sink;
    kvhash_scheme_form form = walk->scheme->form;
    size_t parts = form == KVHASH_SCHEME_TAGGED ? 3 : 2;
    if (form == KVHASH_SCHEME_BARE) {
        kvhash__put_text(sink, item->id);
        return;
    }
    kvhash__put_list_begin(sink, parts);
    if (form == KVHASH_SCHEME_TAGGED) kvhash__put_tag(sink, TAG_MM);
    kvhash__put_text(sink, item->id);
    kvhash__put_signed(sink, (int64_t)(item->offset - from));
    kvhash__put_list_end(sink, parts);
}

static void put_lora(scheme_walk *walk) {
    scheme_sink *sink = &walk->scheme->sink;
    if (walk->scheme->form != KVHASH_SCHEME_TAGGED) {
        kvhash__put_text(sink, walk->request->lora_name);
        return;
    }
    kvhash__put_list_begin(sink, 3);
    kvhash__put_tag(sink, TAG_LORA);
    kvhash__put_text(sink, walk->request->lora_name);
    kvhash__put_text(sink, walk->request->lora_path);
    kvhash__put_list_end(sink, 3);
}

static void put_salt(scheme_walk *walk) {
    scheme_sink *sink = &walk->scheme->sink;
    bool tagged = walk->scheme->form == KVHASH_SCHEME_TAGGED;
    if (tagged) kvhash__put_list_begin(sink, 2);
    if (tagged) kvhash__put_tag(sink, TAG_SALT);
    kvhash__put_text(sink, walk->request->salt);
    if (tagged) kvhash__put_list_end(sink, 2);
}

static void put_embeddings(scheme_walk *walk, const uint8_t digest[32]) {
    scheme_sink *sink = &walk->scheme->sink;
    bool tagged = walk->scheme->form == KVHASH_SCHEME_TAGGED;
    if (tagged) kvhash__put_list_begin(sink, 2);
    if (tagged) kvhash__put_tag(sink, TAG_EMBEDS);
    kvhash__put_bytes(sink, digest, 32);
    if (tagged) kvhash__put_list_end(sink, 2);
}

static kvcore_status put_extra(scheme_walk *walk, size_t block, size_t from, size_t to) {
    const kvhash_scheme_request *request = walk->request;
    scheme_sink *sink = &walk->scheme->sink;
    size_t first, last;
    uint8_t digest[32];
    bool salted = block == 0 && request->salt.size_bytes != 0;
    kvhash__walk_items(walk, from, to, &first, &last);
    size_t parts = (last - first) + is_given(request->lora_name) + salted + (request->embeddings != NULL);
    if (parts == 0) {
        kvhash__put_null(sink);
        return KVCORE_OK;
    }
    kvhash__put_list_begin(sink, parts);
    if (is_given(request->lora_name)) put_lora(walk);
    for (size_t i = first; i < last; i++) put_item(walk, &request->items[i], from);
    if (salted) put_salt(walk);
    if (request->embeddings != NULL) {
        kvcore_status status = kvhash__embeddings_digest(walk, from, to, digest);
        if (status != KVCORE_OK) return status;
        put_embeddings(walk, digest);
    }
    kvhash__put_list_end(sink, parts);
    return KVCORE_OK;
}

/* The tokens behind the block, each a value of the extra keys. */
static kvcore_status put_look_ahead(scheme_walk *walk, size_t from, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    uint32_t own[WALK_PIECE];
    for (size_t at = from, to = from + walk->scheme->look_ahead, given; at < to; at += given) {
        const uint32_t *tokens;
        kvcore_status status = kvhash__walk_tokens32(walk, at, to - at, own, &tokens, &given, error);
        if (status != KVCORE_OK) return status;
        kvhash__put_token_run(sink, tokens, given);
    }
    return KVCORE_OK;
}

kvcore_status kvhash__write_vllm(scheme_walk *walk, size_t block, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    size_t from = block * walk->scheme->block_size, to = block_end(walk, block), more = walk->scheme->look_ahead;
    kvhash__put_list_begin(sink, 3);
    kvhash__put_bytes(sink, walk->parent, walk->scheme->traits.name_bytes);
    kvcore_status status = put_token_list(walk, from, to, error);
    if (status != KVCORE_OK) return status;
    if (walk->scheme->traits.family == FAMILY_LMCACHE_SERVER) {
        kvhash__put_null(sink);
    } else {
        if (more != 0) kvhash__put_list_begin(sink, 1 + more);
        status = put_extra(walk, block, from, to + more);
        if (status == KVCORE_OK && more != 0) status = put_look_ahead(walk, to, error);
        if (status != KVCORE_OK) return status;
        if (more != 0) kvhash__put_list_end(sink, 1 + more);
    }
    kvhash__put_list_end(sink, 3);
    return KVCORE_OK;
}

/* --- LMCache --------------------------------------------------------------------------------------------------------- */

kvcore_status kvhash__write_lmcache(scheme_walk *walk, size_t block, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    kvhash__put_list_begin(sink, 3);
    kvhash__put_integer(sink, kvcore_load_be64(walk->parent));
    kvcore_status status = put_token_list(walk, block * walk->scheme->block_size, block_end(walk, block), error);
    if (status != KVCORE_OK) return status;
    kvhash__put_list_begin(sink, 0);
    kvhash__put_list_end(sink, 0);
    kvhash__put_list_end(sink, 3);
    return KVCORE_OK;
}

static int64_t hash_of_i64(int64_t value) {
    return kvhash_python_hash_integer(value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

#define EMPTY_TUPLE_START UINT64_C(2870177450012600261)

kvcore_status kvhash__name_builtin(scheme_walk *walk, size_t block, uint8_t *name, kvcore_error *error) {
    size_t from = block * walk->scheme->block_size, to = block_end(walk, block);
    uint32_t own[WALK_PIECE];
    uint64_t sum = EMPTY_TUPLE_START;
    for (size_t at = from, given; at < to; at += given) {
        const uint32_t *tokens;
        kvcore_status status = kvhash__walk_tokens32(walk, at, to - at, own, &tokens, &given, error);
        if (status != KVCORE_OK) return status;
        for (size_t i = 0; i < given; i++) sum = kvhash__python_tuple_add(sum, tokens[i]);
    }
    int64_t parts[3] = {hash_of_i64((int64_t)kvcore_load_be64(walk->parent)), kvhash__python_tuple_end(sum, to - from),
                        kvhash_python_hash_tuple(NULL, 0)};
    kvcore_store_be64(name, (uint64_t)kvhash_python_hash_tuple(parts, 3));
    return KVCORE_OK;
}

/* --- plain streams of numbers ------------------------------------------------------------------------------------------ */

static void add_be32(scheme_sink *sink, const uint32_t *tokens, size_t count) {
    for (size_t done = 0; done < count;) {
        size_t piece = count - done < WALK_PIECE ? count - done : WALK_PIECE;
        uint8_t *to = sink_room(sink, 4 * piece);
        for (size_t i = 0; i < piece; i++) kvcore_store_be32(to + 4 * i, tokens[done + i]);
        sink->used += 4 * piece;
        done += piece;
    }
}

kvcore_status kvhash__write_blake3(scheme_walk *walk, size_t block, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    uint32_t own[WALK_PIECE];
    kvhash__sink_add(sink, walk->parent, 32);
    for (size_t at = block * walk->scheme->block_size, to = block_end(walk, block), given; at < to; at += given) {
        const uint32_t *tokens;
        kvcore_status status = kvhash__walk_tokens32(walk, at, to - at, own, &tokens, &given, error);
        if (status != KVCORE_OK) return status;
        add_be32(sink, tokens, given);
    }
    return KVCORE_OK;
}

kvcore_status kvhash__write_aibrix(scheme_walk *walk, size_t block, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    size_t size = walk->scheme->block_size, at = block * size, to = at + size;
    uint8_t parent[8], number[4];
    kvcore_store_le64(parent, kvcore_load_be64(walk->parent));
    kvhash__sink_add(sink, parent, sizeof parent);
    while (at < to) {
        uint64_t token;
        kvcore_status status = kvhash__walk_tokens(walk, at / 4, 1, &token, error);
        if (status != KVCORE_OK) return status;
        if (token > UINT32_MAX) return scheme_fail(error, KVCORE_EOVERFLOW, at / 4, token, "a token is 2^32 or more");
        kvcore_store_be32(number, (uint32_t)token);
        size_t piece = 4 - at % 4 < to - at ? 4 - at % 4 : to - at;
        kvhash__sink_add(sink, number + at % 4, piece);
        at += piece;
    }
    return KVCORE_OK;
}

/* Apart: inlined, compilers warn of what XXH64_update() does with longer inputs only. */
static __attribute__((noinline)) void add_64(XXH64_state_t *state, const void *bytes, size_t size_bytes) {
    XXH64_update(state, bytes, size_bytes);
}

void kvhash__flexkv_begin(scheme_walk *walk) {
    const kvhash_scheme_request *request = walk->request;
    scheme_sink *sink = &walk->scheme->sink;
    XXH64_reset(&sink->xxh64, 0);
    for (size_t i = 0; i < request->name_space_count; i++) {
        uint8_t wide[8];
        const uint8_t *text = request->name_spaces[i].data;
        kvcore_store_le64(wide, 0);
        if (i != 0) add_64(&sink->xxh64, wide, sizeof wide);
        for (size_t k = 0; k < request->name_spaces[i].size_bytes; k++) {
            kvcore_store_le64(wide, text[k]);
            add_64(&sink->xxh64, wide, sizeof wide);
        }
    }
}

void kvhash__flexkv_name(scheme_walk *walk, size_t block, uint8_t *name) {
    scheme_sink *sink = &walk->scheme->sink;
    uint8_t wide[8 * 64];
    for (size_t at = block * walk->scheme->block_size, to = block_end(walk, block); at < to;) {
        size_t piece = to - at < 64 ? to - at : 64;
        for (size_t i = 0; i < piece; i++)
            kvcore_store_le64(wide + 8 * i, walk->request->wide_tokens != NULL ? walk->request->wide_tokens[at + i]
                                                                               : walk->request->tokens[at + i]);
        add_64(&sink->xxh64, wide, 8 * piece);
        at += piece;
    }
    kvcore_store_be64(name, XXH64_digest(&sink->xxh64));
}

kvcore_status kvhash_flexkv_name_space_id(const kvcore_bytes *texts, size_t count, uint64_t *id) {
    if (texts == NULL || count == 0 || id == NULL) return KVCORE_EINVAL;
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t wide[8] = {0};
        if (i != 0) add_64(&state, wide, sizeof wide);
        for (size_t k = 0; k < texts[i].size_bytes; k++) {
            wide[0] = ((const uint8_t *)texts[i].data)[k];
            add_64(&state, wide, sizeof wide);
        }
    }
    *id = XXH64_digest(&state);
    return KVCORE_OK;
}

/* --- llm-d ----------------------------------------------------------------------------------------------------------- */

static void put_features(scheme_sink *sink, size_t count) {
    if (count == 0)
        kvhash__put_null(sink);
    else
        kvhash__put_list_begin(sink, count);
}

static void put_feature(scheme_sink *sink, kvcore_bytes hash) {
    kvhash__put_map_of_one(sink);
    kvhash__put_text(sink, kvcore_text("Hash"));
    kvhash__put_text(sink, hash);
}

kvcore_status kvhash__write_llmd(scheme_walk *walk, size_t block, kvcore_error *error) {
    const kvhash_scheme_request *request = walk->request;
    scheme_sink *sink = &walk->scheme->sink;
    size_t from = block * walk->scheme->block_size, to = block_end(walk, block), first, last;
    kvhash__put_list_begin(sink, 3);
    kvhash__put_integer(sink, kvcore_load_be64(walk->parent));
    kvcore_status status = put_token_list(walk, from, to, error);
    if (status != KVCORE_OK) return status;
    if (request->features != NULL) {
        const kvhash_scheme_features *features = &request->features[block];
        put_features(sink, features->count);
        for (size_t i = 0; i < features->count; i++) put_feature(sink, features->hashes[i]);
        return KVCORE_OK;
    }
    kvhash__walk_items(walk, from, to, &first, &last);
    put_features(sink, last - first);
    for (size_t i = first; i < last; i++) put_feature(sink, request->items[i].id);
    return KVCORE_OK;
}

kvcore_status kvhash__llmd_root(scheme_walk *walk, uint64_t *root, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    uint8_t digest[32];
    kvhash__sink_start(sink);
    kvhash__put_list_begin(sink, 3);
    kvhash__put_integer(sink, walk->scheme->number_seed);
    kvhash__put_null(sink);
    kvhash__put_text(sink, walk->request->model);
    kvhash__sink_end(sink);
    kvcore_status status = kvhash__sink_finish(sink, digest, error);
    if (status == KVCORE_OK) *root = kvcore_load_be64(digest);
    return status;
}

/* --- TensorRT-LLM ---------------------------------------------------------------------------------------------------- */

static uint64_t mix32(uint32_t value, uint64_t sum) {
    value = ((value >> 16) ^ value) * UINT32_C(0x45d9f3b);
    value = ((value >> 16) ^ value) * UINT32_C(0x45d9f3b);
    value = ((value >> 16) ^ value) + UINT32_C(0x9e3779b9);
    return sum ^ (value + (sum << 6) + (sum >> 2));
}

static uint64_t mix64(uint64_t value, uint64_t sum) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    value ^= value >> 31;
    return sum ^ (value + UINT64_C(0x9e3779b9) + (sum << 6) + (sum >> 2));
}

static uint64_t mix_item(const kvhash_scheme_item *item, uint64_t from, uint64_t to, uint64_t sum) {
    uint64_t inside = from > item->offset ? from - item->offset : 0;
    if (item->offset >= to || item->offset + item->length <= from) return sum;
    for (size_t i = 0; i < 8; i++) sum = mix32(kvcore_load_le32((const uint8_t *)item->id.data + 4 * i), sum);
    return mix64(item->start + inside, sum);
}

void kvhash__name_trtllm_v1(scheme_walk *walk, size_t block, uint8_t *name) {
    const kvhash_scheme_request *request = walk->request;
    uint64_t parent = kvcore_load_be64(walk->parent);
    uint64_t sum = walk->scheme->block_size ^ parent * UINT64_C(0xbf58476d1ce4e5b9);
    size_t from = block * walk->scheme->block_size, to = from + walk->scheme->block_size, first = 0;
    size_t last = request->item_count;
    if (parent == 0 && is_given(request->salt)) sum = mix64(walk->salt_id, sum);
    for (size_t i = from; i < to; i++) {
        sum = mix32(request->tokens[i], sum);
        if (request->extra_ids != NULL) sum = mix64(request->extra_ids[i], sum);
    }
    if (request->has_lora_task) sum = mix64(request->lora_task, sum);
    if (walk->ordered) kvhash__walk_items(walk, from, to, &first, &last);
    for (size_t i = first; i < last; i++) sum = mix_item(&request->items[i], from, to, sum);
    kvcore_store_be64(name, sum);
}

kvcore_status kvhash_trtllm_salt_id(kvcore_bytes salt, uint64_t *salt_id) {
    kvcore_hash256 hash;
    if (salt_id == NULL) return KVCORE_EINVAL;
    kvcore_status status = kvcore_sha256(salt, &hash);
    if (status == KVCORE_OK) *salt_id = kvcore_load_le64(hash.bytes);
    return status;
}

kvcore_status kvhash__trtllm_v2_root(scheme_walk *walk, uint8_t root[32]) {
    const kvhash_scheme_request *request = walk->request;
    uint8_t scope[17];
    size_t size = 1;
    scope[0] = (uint8_t)(request->has_lora_task | (is_given(request->salt) << 1));
    if (request->has_lora_task) {
        kvcore_store_le64(scope + size, request->lora_task);
        size += 8;
    }
    if (is_given(request->salt)) {
        kvcore_store_le64(scope + size, walk->salt_id);
        size += 8;
    }
    return kvhash__scheme_sha256(&(kvcore_bytes){scope, size}, 1, root);
}

static kvcore_status add_v2_token(scheme_sink *sink, uint64_t token, size_t position, bool wide, kvcore_error *error) {
    uint8_t bytes[8];
    if (token > INT32_MAX)
        return scheme_fail(error, KVCORE_EOVERFLOW, position, token, "TensorRT-LLM v2 refuses tokens of 2^31 and more");
    kvcore_store_le64(bytes, token);
    kvhash__sink_add(sink, bytes, wide ? 8 : 4);
    return KVCORE_OK;
}

kvcore_status kvhash__write_trtllm_v2(scheme_walk *walk, size_t block, kvcore_error *error) {
    const kvhash_scheme_request *request = walk->request;
    scheme_sink *sink = &walk->scheme->sink;
    bool wide = walk->scheme->kind == KVHASH_SCHEME_TRTLLM_V2_U64;
    size_t from = block * walk->scheme->block_size, to = block_end(walk, block), first, last;
    kvhash__sink_add(sink, walk->parent, 32);
    kvhash__walk_items(walk, from, to, &first, &last);
    for (size_t at = from; at < to; at++) {
        const kvhash_scheme_item *item = first < last ? &request->items[first] : NULL;
        uint64_t token = request->wide_tokens != NULL ? request->wide_tokens[at] : request->tokens[at];
        if (item != NULL && at >= item->offset) {
            uint64_t inside = at - item->offset + item->start;
            if (at + 1 == item->offset + item->length) first++;
            token = item->id_offset + inside;
            if (inside == 0) {
                kvhash__sink_add(sink, item->id.data, 32);
                continue;
            }
        }
        kvcore_status status = add_v2_token(sink, token, at, wide, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

/* --- SGLang ---------------------------------------------------------------------------------------------------------- */

static uint64_t plain_token(const scheme_walk *walk, size_t at) {
    return walk->request->wide_tokens != NULL ? walk->request->wide_tokens[at] : walk->request->tokens[at];
}

static bool add_narrow(scheme_walk *walk, size_t from, size_t count) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (walk->request->wide_tokens != NULL || walk->request->item_count != 0 || walk->scheme->pairs) return false;
    kvhash__sink_add(&walk->scheme->sink, walk->request->tokens + from, 4 * count);
    return true;
#else
    (void)walk, (void)from, (void)count;
    return false;
#endif
}

static void add_value(scheme_sink *sink, uint64_t value, bool wide) {
    uint8_t bytes[8];
    kvcore_store_le64(bytes, value);
    kvhash__sink_add(sink, bytes, wide ? 8 : 4);
}

static kvcore_status find_wide(scheme_walk *walk, size_t from, size_t count, bool *wide, kvcore_error *error) {
    uint64_t values[64];
    *wide = false;
    if (walk->request->wide_tokens == NULL && walk->request->item_count == 0) return KVCORE_OK;
    for (size_t done = 0; done < count; done += 64) {
        size_t piece = count - done < 64 ? count - done : 64;
        kvcore_status status = kvhash__walk_tokens(walk, from + done, piece, values, error);
        if (status != KVCORE_OK) return status;
        for (size_t i = 0; i < piece; i++) {
            if (values[i] > INT64_MAX)
                return scheme_fail(error, KVCORE_EOVERFLOW, from + done + i, values[i],
                                   "SGLang refuses tokens above 2^63 - 1");
            *wide |= values[i] > UINT32_MAX;
        }
    }
    return KVCORE_OK;
}

kvcore_status kvhash__write_sglang(scheme_walk *walk, size_t block, kvcore_error *error) {
    scheme_sink *sink = &walk->scheme->sink;
    size_t from = block * walk->scheme->block_size, count = block_end(walk, block) - from, pairs = walk->scheme->pairs;
    bool wide;
    kvhash__sink_add(sink, walk->parent, walk->parent_bytes);
    if (add_narrow(walk, from, count)) return KVCORE_OK;
    size_t item = walk->item;
    kvcore_status status = find_wide(walk, from, count + pairs, &wide, error);
    if (status != KVCORE_OK) return status;
    walk->item = item;
    if (wide) kvhash__sink_add(sink, "\xff", 1);
    uint64_t value = 0, next = 0;
    for (size_t i = 0; i < count + pairs; i++) {
        if (walk->request->item_count == 0)
            next = plain_token(walk, from + i);
        else if ((status = kvhash__walk_tokens(walk, from + i, 1, &next, error)) != KVCORE_OK)
            return status;
        if (pairs && i != 0) add_value(sink, value, wide);
        if (!pairs || i != 0) add_value(sink, next, wide);
        value = next;
    }
    walk->item = item;
    return KVCORE_OK;
}

typedef struct seed_hasher {
    kvcore_bytes pieces[9];
    size_t count;
    uint8_t sizes[2][9];
    size_t parts;
} seed_hasher;

static void add_part(seed_hasher *hasher, bool given, kvcore_bytes a, kvcore_bytes b) {
    uint8_t *head = hasher->sizes[hasher->parts++];
    head[0] = given;
    kvcore_store_le64(head + 1, a.size_bytes + b.size_bytes);
    hasher->pieces[hasher->count++] = (kvcore_bytes){head, given ? 9 : 1};
    if (!given) return;
    hasher->pieces[hasher->count++] = a;
    hasher->pieces[hasher->count++] = b;
}

static const char *seed_name(bool of_events) {
    return of_events ? "sglang-kv-event-namespace-v1" : "sglang-cache-namespace-v1";
}

kvcore_status kvhash__sglang_request_seed(const kvhash_scheme_request *request, bool of_events, bool with_salt,
                                          uint8_t seed[32], bool *given) {
    bool keyed = is_given(request->extra_key) || is_given(request->lora_id);
    bool salted = with_salt && request->salt.size_bytes != 0;
    seed_hasher hasher = {.count = 1, .pieces = {kvcore_text(seed_name(of_events))}};
    *given = keyed || salted;
    if (!*given) return KVCORE_OK;
    add_part(&hasher, keyed, request->extra_key, request->lora_id);
    add_part(&hasher, salted, request->salt, (kvcore_bytes){NULL, 0});
    return kvhash__scheme_sha256(hasher.pieces, hasher.count, seed);
}

kvcore_status kvhash_sglang_seed(kvcore_bytes extra_key, kvcore_bytes salt, bool of_events, uint8_t seed[32],
                                 bool *given) {
    if (seed == NULL || given == NULL) return KVCORE_EINVAL;
    seed_hasher hasher = {.count = 1, .pieces = {kvcore_text(seed_name(of_events))}};
    *given = is_given(extra_key) || is_given(salt);
    if (!*given) return KVCORE_OK;
    add_part(&hasher, is_given(extra_key), extra_key, (kvcore_bytes){NULL, 0});
    add_part(&hasher, is_given(salt), salt, (kvcore_bytes){NULL, 0});
    return kvhash__scheme_sha256(hasher.pieces, hasher.count, seed);
}

kvcore_status kvhash_sglang_mix(const uint8_t seed[32], int64_t value, int64_t *published) {
    uint8_t number[8], digest[32];
    if (seed == NULL || published == NULL) return KVCORE_EINVAL;
    kvcore_store_be64(number, (uint64_t)value);
    kvcore_status status = kvhash__scheme_sha256((kvcore_bytes[]){{seed, 32}, {number, 8}}, 2, digest);
    if (status == KVCORE_OK) *published = (int64_t)kvcore_load_be64(digest);
    return status;
}

kvcore_status kvhash_sglang_pad_values(kvcore_bytes identity, uint64_t values[4]) {
    uint8_t digest[32];
    if (values == NULL || identity.data == NULL || (identity.size_bytes != 8 && identity.size_bytes != 32))
        return KVCORE_EINVAL;
    kvcore_status status =
        kvhash__scheme_sha256((kvcore_bytes[]){kvcore_text("sglang-mm-wide-pad-v1"), identity}, 2, digest);
    for (size_t i = 0; status == KVCORE_OK && i < 4; i++)
        values[i] = 1000000 + (kvcore_load_be64(digest + 8 * i) & ((UINT64_C(1) << 62) - 1));
    return status;
}

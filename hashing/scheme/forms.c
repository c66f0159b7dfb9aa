/* Other forms of names: 64 bits, events, keys of groups, PLHs. */
#include <kvhash/scheme.h>

#include "../plh_pack.h"
#include "text.h"
#include "walk.h"

uint64_t kvhash_scheme_first64(kvcore_bytes name) {
    uint64_t value = 0;
    size_t size = name.data == NULL ? 0 : name.size_bytes < 8 ? name.size_bytes : 8;
    for (size_t i = 0; i < size; i++) value = value << 8 | ((const uint8_t *)name.data)[i];
    return value;
}

uint64_t kvhash_scheme_last64(kvcore_bytes name) {
    if (name.data == NULL) return 0;
    size_t skip = name.size_bytes < 8 ? 0 : name.size_bytes - 8;
    return kvhash_scheme_first64((kvcore_bytes){(const uint8_t *)name.data + skip, name.size_bytes - skip});
}

uint64_t kvhash_scheme_event64(const kvhash_scheme *scheme, const uint8_t *name) {
    if (scheme == NULL || name == NULL) return 0;
    kvcore_bytes bytes = {name, scheme->traits.name_bytes};
    return scheme->traits.family == FAMILY_VLLM ? kvhash_scheme_last64(bytes) : kvhash_scheme_first64(bytes);
}

kvcore_status kvhash_vllm_group_key(kvcore_bytes name, uint32_t group, uint8_t *key) {
    if (name.data == NULL || key == NULL) return KVCORE_EINVAL;
    memmove(key, name.data, name.size_bytes);
    kvcore_store_be32(key + name.size_bytes, group);
    return KVCORE_OK;
}

size_t kvhash_vllm_view(size_t block, size_t each) { return each == 0 ? 0 : (block + 1) * each - 1; }

static void add_key(kvhash_extra_key *keys, size_t capacity, size_t *count, kvhash_extra_key key) {
    if (*count < capacity) keys[*count] = key;
    ++*count;
}

kvcore_status kvhash_vllm_event_keys(kvhash_scheme *scheme, const kvhash_scheme_request *request, size_t block,
                                     kvhash_extra_key *keys, size_t capacity, size_t *count, uint8_t digest[32],
                                     kvcore_error *error) {
    static const uint8_t any_parent[32];
    scheme_walk walk;
    size_t first, last, given = 0;
    if (count == NULL || digest == NULL || (keys == NULL && capacity != 0))
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an output is NULL");
    kvcore_status status = kvhash__walk_start(&walk, scheme, request, block, any_parent, error);
    if (status != KVCORE_OK) return status;
    if (scheme->traits.family != FAMILY_VLLM)
        return scheme_fail(error, KVCORE_ENOTSUP, KVCORE_NO_INDEX, 0, "extra keys are only for vLLM");
    if (block >= walk.count) return scheme_fail(error, KVCORE_EINVAL, block, walk.count, "there is no such block");
    size_t from = block * scheme->block_size, to = from + scheme->block_size;
    kvhash__walk_items(&walk, from, to, &first, &last);
    if (is_given(request->lora_name)) add_key(keys, capacity, &given, (kvhash_extra_key){.value = request->lora_name});
    for (size_t i = first; i < last; i++)
        add_key(keys, capacity, &given,
                (kvhash_extra_key){.value = request->items[i].id,
                                   .offset = (int64_t)(request->items[i].offset - from),
                                   .has_offset = true});
    if (block == 0 && request->salt.size_bytes != 0)
        add_key(keys, capacity, &given, (kvhash_extra_key){.value = request->salt});
    if (request->embeddings != NULL) {
        status = kvhash__embeddings_digest(&walk, from, to, digest);
        if (status != KVCORE_OK) return status;
        add_key(keys, capacity, &given, (kvhash_extra_key){.value = {digest, 32}, .is_bytes = true});
    }
    *count = given;
    if (given <= capacity) return KVCORE_OK;
    return scheme_fail(error, KVCORE_EBUFFER, KVCORE_NO_INDEX, given, "the extra keys do not fit");
}

/* --- SGLang's events -------------------------------------------------------------------------------------------------- */

static kvcore_status event_seed(scheme_walk *walk, bool dynamo, uint8_t seed[32], bool *mixed) {
    const kvhash_scheme_request *request = walk->request;
    *mixed = false;
    if (!dynamo && !(is_given(request->lora_id) && is_given(request->lora_name))) return KVCORE_OK;
    return kvhash__sglang_request_seed(request, true, dynamo, seed, mixed);
}

/* The chain that events publish is another one when there is a name space. */
static kvcore_status start_event_chain(scheme_walk *walk) {
    const kvhash_scheme_request *request = walk->request;
    bool spaced = is_given(request->extra_key) || is_given(request->lora_id) || request->salt.size_bytes != 0;
    if (!spaced) return KVCORE_OK;
    walk->parent_bytes = 0;
    if (request->salt.size_bytes == 0) return KVCORE_OK;
    kvcore_bytes pieces[3] = {kvcore_text("sglang-cache-salt-v1"), {"", 1}, request->salt};
    walk->parent_bytes = 32;
    return kvhash__scheme_sha256(pieces, 3, walk->parent);
}

static kvcore_status publish(const uint8_t *seed, const uint8_t *name, int64_t *value) {
    uint8_t digest[32];
    kvcore_bytes pieces[2] = {{seed, 32}, {name, 8}};
    if (seed == NULL) {
        *value = (int64_t)kvcore_load_be64(name);
        return KVCORE_OK;
    }
    kvcore_status status = kvhash__scheme_sha256(pieces, 2, digest);
    if (status == KVCORE_OK) *value = (int64_t)kvcore_load_be64(digest);
    return status;
}

kvcore_status kvhash_sglang_events(kvhash_scheme *scheme, const kvhash_scheme_request *request, bool dynamo,
                                   int64_t *values, size_t capacity, size_t *count, kvcore_error *error) {
    scheme_walk walk;
    uint8_t seed[32], name[32];
    bool mixed;
    if (count == NULL || (values == NULL && capacity != 0))
        return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "an output is NULL");
    kvcore_status status = kvhash__walk_start(&walk, scheme, request, 0, NULL, error);
    if (status != KVCORE_OK) return status;
    if (scheme->traits.family != FAMILY_SGLANG)
        return scheme_fail(error, KVCORE_ENOTSUP, KVCORE_NO_INDEX, 0, "these events are only for SGLang");
    *count = walk.unit_count / scheme->block_size;
    if (*count > capacity) return scheme_fail(error, KVCORE_EBUFFER, KVCORE_NO_INDEX, *count, "the values do not fit");
    status = event_seed(&walk, dynamo, seed, &mixed);
    if (status == KVCORE_OK) status = start_event_chain(&walk);
    for (size_t i = 0; status == KVCORE_OK && i < *count; i++) {
        status = kvhash__walk_name(&walk, i, name, error);
        if (status == KVCORE_OK) status = publish(mixed ? seed : NULL, name, &values[i]);
    }
    return status;
}

/* --- LMCache, llm-d --------------------------------------------------------------------------------------------------- */

kvcore_status kvhash_lmcache_item_values(kvcore_bytes id, uint64_t first, uint32_t *values, size_t count) {
    kvcore_hash256 identity, chunk;
    uint8_t bytes[40];
    uint64_t known = UINT64_MAX;
    if ((values == NULL && count != 0) || (id.data == NULL && id.size_bytes != 0)) return KVCORE_EINVAL;
    if (!kvhash__is_utf8(id)) return KVCORE_EFORMAT;
    kvcore_status status = kvcore_sha256(id, &identity);
    if (status != KVCORE_OK) return status;
    memcpy(bytes, identity.bytes, 32);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = (first + i) / 8;
        if (number != known) {
            kvcore_store_be64(bytes + 32, number);
            status = kvcore_sha256((kvcore_bytes){bytes, sizeof bytes}, &chunk);
            if (status != KVCORE_OK) return status;
            known = number;
        }
        values[i] = kvcore_load_be32(chunk.bytes + 4 * ((first + i) % 8)) & INT32_MAX;
    }
    return KVCORE_OK;
}

uint64_t kvhash_llmd_fnv(kvcore_bytes bytes) {
    return fnv_add(FNV_START, bytes.data, bytes.data == NULL ? 0 : bytes.size_bytes);
}

kvcore_status kvhash_llmd_hash64(kvcore_bytes hash, uint64_t *value, kvcore_error *error) {
    if (value == NULL) return scheme_fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "value is NULL");
    if (hash.data == NULL || hash.size_bytes == 0)
        return scheme_fail(error, KVCORE_EFORMAT, KVCORE_NO_INDEX, 0, "hash byte slice is empty");
    *value = kvhash_scheme_last64(hash);
    return KVCORE_OK;
}

/* a * b / c, rounded up when asked. */
static size_t scaled(size_t a, size_t b, size_t c, bool up) {
    size_t whole = a / c * b, rest = a % c * b;
    return whole + rest / c + (up && rest % c != 0);
}

kvcore_status kvhash_llmd_realign(size_t entries, size_t blocks, size_t block, size_t *first, size_t *count) {
    if (first == NULL || count == NULL || entries > UINT32_MAX || blocks > UINT32_MAX) return KVCORE_EINVAL;
    if (entries == 0 || blocks == 0 || entries == blocks) {
        if (block >= entries) return KVCORE_EINVAL;
        *first = block;
        *count = 1;
        return KVCORE_OK;
    }
    if (block >= blocks) return KVCORE_EINVAL;
    *first = scaled(block, entries, blocks, entries > blocks);
    *count = entries < blocks ? 1 : scaled(block + 1, entries, blocks, true) - *first;
    return KVCORE_OK;
}

/* --- PLHs ------------------------------------------------------------------------------------------------------------ */

kvcore_status kvhash_scheme_lift(const uint8_t *names, size_t count, size_t name_bytes, size_t first_block,
                                 const uint8_t *parent, kvhash_plh *lifted) {
    if ((names == NULL || lifted == NULL) && count != 0) return KVCORE_EINVAL;
    if (name_bytes != 8 && name_bytes != 16 && name_bytes != 32) return KVCORE_EINVAL;
    if (first_block != 0 && parent == NULL) return KVCORE_EINVAL;
    if (count > KVHASH_PLH_MAX_POSITION + 1 || first_block > KVHASH_PLH_MAX_POSITION + 1 - count)
        return KVHASH_EPOSITION;
    uint64_t before = first_block == 0 ? 0 : kvcore_load_be64(parent);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = kvcore_load_be64(names + i * name_bytes);
        lifted[i] = plh_pack(hash, before, (uint32_t)(first_block + i));
        before = hash;
    }
    return KVCORE_OK;
}

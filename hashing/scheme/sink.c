#include "sink.h"

#include <string.h>

#include <kvcore/hash256.h>

static const char *const tags[SINK_TAGS] = {"lora", "mm", "cache_salt", "prompt_embeds"};

void kvhash__sink_open(scheme_sink *sink, scheme_hash hash, bool pickle) {
    sink->hash = hash;
    sink->pickle = pickle;
}

kvcore_status kvhash__scheme_sha256(const kvcore_bytes *pieces, size_t count, uint8_t digest[32]) {
    SHA256_CTX context;
    bool done = SHA256_Init(&context) == 1;
    for (size_t i = 0; done && i < count; i++)
        if (pieces[i].size_bytes != 0) done = SHA256_Update(&context, pieces[i].data, pieces[i].size_bytes) == 1;
    return done && SHA256_Final(digest, &context) == 1 ? KVCORE_OK : KVCORE_ENOTSUP;
}

void kvhash__sink_start(scheme_sink *sink) {
    sink->streaming = sink->too_long = sink->failed = false;
    sink->used = 0;
    if (!sink->pickle) return;
    sink->used = PICKLE_HEAD_BYTES;
    sink->memo = 0;
    sink->shared_count = 0;
    for (size_t i = 0; i < SINK_TAGS; i++) sink->tag_memo[i] = -1;
}

static void begin_hash(scheme_sink *sink) {
    sink->streaming = true;
    if (sink->hash == SCHEME_SHA256)
        sink->failed = SHA256_Init(&sink->sha256) != 1;
    else if (sink->hash == SCHEME_XXH128)
        XXH3_128bits_reset(&sink->xxh3);
    else if (sink->hash == SCHEME_BLAKE3)
        kvcore_blake3_begin(&sink->blake3);
    else if (sink->hash == SCHEME_XXH64)
        XXH64_reset(&sink->xxh64, sink->state64);
    else
        sink->state64 = FNV_START;
}

static void hash_more(scheme_sink *sink, const void *bytes, size_t size) {
    if (sink->hash == SCHEME_SHA256)
        sink->failed |= SHA256_Update(&sink->sha256, bytes, size) != 1;
    else if (sink->hash == SCHEME_XXH128)
        XXH3_128bits_update(&sink->xxh3, bytes, size);
    else if (sink->hash == SCHEME_BLAKE3)
        kvcore_blake3_add(&sink->blake3, (kvcore_bytes){bytes, size});
    else if (sink->hash == SCHEME_XXH64)
        XXH64_update(&sink->xxh64, bytes, size);
    else
        sink->state64 = fnv_add(sink->state64, bytes, size);
}

void kvhash__sink_flush(scheme_sink *sink) {
    if (sink->pickle) {
        sink->too_long = true;
    } else {
        if (!sink->streaming) begin_hash(sink);
        hash_more(sink, sink->bytes, sink->used);
    }
    sink->used = sink->pickle ? PICKLE_HEAD_BYTES : 0;
}

void kvhash__sink_add(scheme_sink *sink, const void *bytes, size_t size) {
    const uint8_t *next = bytes;
    while (size > 0) {
        if (sink->used == SINK_BYTES) kvhash__sink_flush(sink);
        size_t piece = SINK_BYTES - sink->used < size ? SINK_BYTES - sink->used : size;
        memcpy(sink->bytes + sink->used, next, piece);
        sink->used += piece;
        next += piece;
        size -= piece;
    }
}

void kvhash__sink_end(scheme_sink *sink) {
    if (!sink->pickle) return;
    *sink_room(sink, 1) = 0x2e;
    sink->used++;
    sink->bytes[0] = 0x80;
    sink->bytes[1] = 0x05;
    sink->bytes[2] = 0x95;
    kvcore_store_le64(sink->bytes + 3, sink->used - PICKLE_HEAD_BYTES);
}

static kvcore_status finish_sha256(scheme_sink *sink, uint8_t digest[32]) {
    if (!sink->streaming) begin_hash(sink);
    hash_more(sink, sink->bytes, sink->used);
    if (SHA256_Final(digest, &sink->sha256) != 1) sink->failed = true;
    return sink->failed ? KVCORE_ENOTSUP : KVCORE_OK;
}

static void finish_xxh128(scheme_sink *sink, uint8_t digest[32]) {
    if (sink->streaming) hash_more(sink, sink->bytes, sink->used);
    XXH128_hash_t hash = sink->streaming ? XXH3_128bits_digest(&sink->xxh3) : XXH3_128bits(sink->bytes, sink->used);
    XXH128_canonicalFromHash((XXH128_canonical_t *)digest, hash);
}

/* FNV, XXH64 and BLAKE3 */
static void finish_streamed(scheme_sink *sink, uint8_t digest[32]) {
    if (!sink->streaming) begin_hash(sink);
    hash_more(sink, sink->bytes, sink->used);
    if (sink->hash == SCHEME_BLAKE3) {
        memcpy(digest, kvcore_blake3_end(&sink->blake3).bytes, 32);
        return;
    }
    kvcore_store_be64(digest, sink->hash == SCHEME_XXH64 ? XXH64_digest(&sink->xxh64) : sink->state64);
}

kvcore_status kvhash__sink_finish(scheme_sink *sink, uint8_t digest[32], kvcore_error *error) {
    if (sink->too_long)
        return kvcore_fail(
            error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .index = KVCORE_NO_INDEX, .expected = PICKLE_MOST_BYTES},
            "a pickle image of 65,536 bytes or more is split into frames, which is not supported");
    if (sink->hash == SCHEME_XXH128) {
        finish_xxh128(sink, digest);
        return KVCORE_OK;
    }
    bool streaming = sink->streaming;
    if (sink->hash != SCHEME_SHA256) {
        finish_streamed(sink, digest);
        sink->streaming = streaming; /* what was not let go of is still in the buffer */
        return KVCORE_OK;
    }
    kvcore_status status = finish_sha256(sink, digest);
    if (status == KVCORE_OK) return status;
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX},
                       "SHA-256 is not available from libcrypto");
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static void put_byte(scheme_sink *sink, uint8_t byte) {
    *sink_room(sink, 1) = byte;
    sink->used++;
}

static void put_head(scheme_sink *sink, unsigned major, uint64_t n) {
    uint8_t *to = sink_room(sink, 9), kind = (uint8_t)(major << 5);
    if (n < 24) {
        to[0] = (uint8_t)(kind | n);
        sink->used += 1;
    } else if (n <= UINT8_MAX) {
        to[0] = kind | 24;
        to[1] = (uint8_t)n;
        sink->used += 2;
    } else if (n <= UINT16_MAX) {
        to[0] = kind | 25;
        kvcore_store_be16(to + 1, (uint16_t)n);
        sink->used += 3;
    } else if (n <= UINT32_MAX) {
        to[0] = kind | 26;
        kvcore_store_be32(to + 1, (uint32_t)n);
        sink->used += 5;
    } else {
        to[0] = kind | 27;
        kvcore_store_be64(to + 1, n);
        sink->used += 9;
    }
}

static uint32_t memorise(scheme_sink *sink) {
    put_byte(sink, 0x94);
    return sink->memo++;
}

static void put_reference(scheme_sink *sink, uint32_t memo) {
    uint8_t *to = sink_room(sink, 5);
    to[0] = memo <= UINT8_MAX ? 0x68 : 0x6a;
    if (memo <= UINT8_MAX)
        to[1] = (uint8_t)memo;
    else
        kvcore_store_le32(to + 1, memo);
    sink->used += memo <= UINT8_MAX ? 2 : 5;
}

void kvhash__put_null(scheme_sink *sink) { put_byte(sink, sink->pickle ? 0x4e : 0xf6); }

/* Pickle's long integer: the shortest two's complement that keeps the sign. */
static void put_long(scheme_sink *sink, uint64_t low, bool negative) {
    uint8_t *to = sink_room(sink, 11);
    size_t size = 8;
    uint8_t fill = negative ? 0xff : 0;
    kvcore_store_le64(to + 2, low);
    to[10] = fill;
    if ((to[9] >> 7) != (fill >> 7)) size = 9;
    while (size > 1 && size <= 8 && to[1 + size] == fill && (to[size] >> 7) == (fill >> 7)) size--;
    to[0] = 0x8a;
    to[1] = (uint8_t)size;
    sink->used += 2 + size;
}

void kvhash__put_integer(scheme_sink *sink, uint64_t value) {
    if (!sink->pickle) {
        put_head(sink, 0, value);
        return;
    }
    uint8_t *to = sink_room(sink, 11);
    if (value <= UINT8_MAX) {
        to[0] = 0x4b;
        to[1] = (uint8_t)value;
        sink->used += 2;
    } else if (value <= UINT16_MAX) {
        to[0] = 0x4d;
        kvcore_store_le16(to + 1, (uint16_t)value);
        sink->used += 3;
    } else if (value <= INT32_MAX) {
        to[0] = 0x4a;
        kvcore_store_le32(to + 1, (uint32_t)value);
        sink->used += 5;
    } else {
        put_long(sink, value, false);
    }
}

void kvhash__put_signed(scheme_sink *sink, int64_t value) {
    if (value >= 0) {
        kvhash__put_integer(sink, (uint64_t)value);
    } else if (!sink->pickle) {
        put_head(sink, 1, ~(uint64_t)value);
    } else if (value >= INT32_MIN) {
        uint8_t *to = sink_room(sink, 5);
        to[0] = 0x4a;
        kvcore_store_le32(to + 1, (uint32_t)value);
        sink->used += 5;
    } else {
        put_long(sink, (uint64_t)value, true);
    }
}

/* Head of bytes or text in a pickle. */
static void put_length(scheme_sink *sink, uint8_t short_form, uint8_t long_form, size_t size) {
    uint8_t *to = sink_room(sink, 5);
    to[0] = size <= UINT8_MAX ? short_form : long_form;
    if (size <= UINT8_MAX)
        to[1] = (uint8_t)size;
    else
        kvcore_store_le32(to + 1, (uint32_t)size);
    sink->used += size <= UINT8_MAX ? 2 : 5;
}

void kvhash__put_bytes(scheme_sink *sink, const void *bytes, size_t size) {
    if (sink->pickle)
        put_length(sink, 0x43, 0x42, size);
    else
        put_head(sink, 2, size);
    kvhash__sink_add(sink, bytes, size);
    if (sink->pickle) memorise(sink);
}

/* The number of a text that Python keeps as one object: 0 … 255 its character, 256 the empty text; -1 for others. */
static int shared_number(kvcore_bytes text) {
    const uint8_t *at = text.data;
    if (text.size_bytes == 0) return 256;
    if (text.size_bytes == 1) return at[0];
    if (text.size_bytes == 2 && (at[0] == 0xc2 || at[0] == 0xc3)) return (at[0] & 3) << 6 | (at[1] & 0x3f);
    return -1;
}

static bool put_if_shared(scheme_sink *sink, int number) {
    for (size_t i = 0; i < sink->shared_count; i++) {
        if (sink->shared_key[i] != number) continue;
        put_reference(sink, sink->shared_memo[i]);
        return true;
    }
    return false;
}

void kvhash__put_text(scheme_sink *sink, kvcore_bytes text) {
    int number = -1;
    if (sink->pickle) {
        number = shared_number(text);
        if (number >= 0 && put_if_shared(sink, number)) return;
        put_length(sink, 0x8c, 0x58, text.size_bytes);
    } else {
        put_head(sink, 3, text.size_bytes);
    }
    kvhash__sink_add(sink, text.data, text.size_bytes);
    if (!sink->pickle) return;
    uint32_t memo = memorise(sink);
    if (number < 0) return;
    sink->shared_key[sink->shared_count] = (uint16_t)number;
    sink->shared_memo[sink->shared_count++] = memo;
}

void kvhash__put_tag(scheme_sink *sink, sink_tag tag) {
    if (sink->pickle && sink->tag_memo[tag] >= 0) {
        put_reference(sink, (uint32_t)sink->tag_memo[tag]);
        return;
    }
    kvhash__put_text(sink, kvcore_text(tags[tag]));
    if (sink->pickle) sink->tag_memo[tag] = (int32_t)sink->memo - 1;
}

void kvhash__put_map_of_one(scheme_sink *sink) { put_head(sink, 5, 1); }

void kvhash__put_list_begin(scheme_sink *sink, size_t count) {
    if (!sink->pickle)
        put_head(sink, 4, count);
    else if (count > 3)
        put_byte(sink, 0x28);
}

void kvhash__put_list_end(scheme_sink *sink, size_t count) {
    if (!sink->pickle) return;
    if (count == 0) {
        put_byte(sink, 0x29);
        return;
    }
    put_byte(sink, count > 3 ? 0x74 : (uint8_t)(0x84 + count));
    memorise(sink);
}

/* --- tokens: no branch on their size ---------------------------------------------------------------------------------- */

static uint8_t *write_cbor_tokens(uint8_t *to, const uint32_t *tokens, size_t count) {
    static const uint64_t heads[6] = {0, 0, UINT64_C(0x18) << 8, UINT64_C(0x19) << 16, 0, UINT64_C(0x1a) << 32};
    for (size_t i = 0; i < count; i++) {
        uint32_t token = tokens[i];
        unsigned size = 1u + (token >= 24) + (token > UINT8_MAX) + 2u * (token > UINT16_MAX);
        kvcore_store_be64(to, (heads[size] | token) << (64 - 8 * size));
        to += size;
    }
    return to;
}

static uint8_t *write_pickle_tokens(uint8_t *to, const uint32_t *tokens, size_t count) {
    static const uint8_t heads[6] = {0, 0, 0x4b, 0x4d, 0, 0x4a};
    for (size_t i = 0; i < count; i++) {
        uint32_t token = tokens[i];
        unsigned size = 2u + (token > UINT8_MAX) + 2u * (token > UINT16_MAX);
        kvcore_store_le64(to, (uint64_t)token << 8 | heads[size]);
        if (token > INT32_MAX) {
            to[0] = 0x8a;
            to[1] = 5;
            kvcore_store_le32(to + 2, token);
            to[6] = 0;
            size = 7;
        }
        to += size;
    }
    return to;
}

#define TOKENS_AT_ONCE 4096
#define TOKEN_MOST_BYTES 8 /* what one store touches */

void kvhash__put_token_run(scheme_sink *sink, const uint32_t *tokens, size_t count) {
    size_t left = count;
    while (left > 0) {
        size_t piece = left < TOKENS_AT_ONCE ? left : TOKENS_AT_ONCE;
        if ((SINK_BYTES - sink->used) / TOKEN_MOST_BYTES < piece) {
            piece = (SINK_BYTES - sink->used) / TOKEN_MOST_BYTES;
            if (piece == 0) {
                uint8_t one[TOKEN_MOST_BYTES]; /* near the end of the buffer, where every byte counts */
                uint8_t *end = sink->pickle ? write_pickle_tokens(one, tokens, 1) : write_cbor_tokens(one, tokens, 1);
                kvhash__sink_add(sink, one, (size_t)(end - one));
                tokens++;
                left--;
                continue;
            }
        }
        uint8_t *to = sink->bytes + sink->used;
        uint8_t *end = sink->pickle ? write_pickle_tokens(to, tokens, piece) : write_cbor_tokens(to, tokens, piece);
        sink->used = (size_t)(end - sink->bytes);
        tokens += piece;
        left -= piece;
    }
}

void kvhash__put_tokens(scheme_sink *sink, const uint32_t *tokens, size_t count) {
    kvhash__put_list_begin(sink, count);
    kvhash__put_token_run(sink, tokens, count);
    kvhash__put_list_end(sink, count);
}

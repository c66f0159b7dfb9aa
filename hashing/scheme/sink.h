/* Where the bytes of a block go on their way into its hash: one buffer, hashed when it is full and at the end. The forms of
 * CBOR and of Python's pickle are written straight into it. Private to the schemes. */
#ifndef HASHING_SCHEME_SINK_H
#define HASHING_SCHEME_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/digest.h>
#include <kvcore/status.h>

#include "../xxh3.h"

/* The calls below EVP: a context of EVP asks for memory at each start, and naming must not. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

typedef enum scheme_hash { SCHEME_SHA256, SCHEME_XXH128, SCHEME_FNV, SCHEME_BLAKE3, SCHEME_XXH64 } scheme_hash;

#define PICKLE_HEAD_BYTES 11
#define PICKLE_MOST_BYTES 65535 /* Python splits more into frames */
#define SINK_BYTES (PICKLE_HEAD_BYTES + PICKLE_MOST_BYTES)
#define SINK_TAGS 4
#define SINK_SHARED_TEXTS 257 /* the empty text and those of one character up to U+00FF */

typedef struct scheme_sink {
    scheme_hash hash;
    bool pickle;    /* else CBOR */
    bool streaming; /* some of it was hashed already */
    bool too_long;  /* a pickle of more than one frame */
    bool failed;    /* OpenSSL said no */
    size_t used;
    uint32_t memo; /* pickle: number of the next object */
    int32_t tag_memo[SINK_TAGS];
    size_t shared_count;
    uint16_t shared_key[SINK_SHARED_TEXTS];
    uint32_t shared_memo[SINK_SHARED_TEXTS];
    uint64_t state64; /* FNV; the seed of XXH64 */
    SHA256_CTX sha256;
    kvcore_blake3_hasher blake3;
    XXH3_state_t xxh3;
    XXH64_state_t xxh64;
    uint8_t bytes[SINK_BYTES];
} scheme_sink;

/* The tags of vLLM's extra keys: one object each in Python, so a second one is a reference. */
typedef enum sink_tag { TAG_LORA, TAG_MM, TAG_SALT, TAG_EMBEDS } sink_tag;

#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static inline uint64_t fnv_add(uint64_t hash, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash;
}

void kvhash__sink_open(scheme_sink *sink, scheme_hash hash, bool pickle);
void kvhash__sink_flush(scheme_sink *sink);
/* Bytes as they are, of any length. */
void kvhash__sink_add(scheme_sink *sink, const void *bytes, size_t size);
void kvhash__sink_start(scheme_sink *sink);
/* End the image; afterwards it lies in bytes[0 … used) unless it is streaming. */
void kvhash__sink_end(scheme_sink *sink);
/* The digest: 32 bytes, 16 of XXH128, 8 (big-endian) of FNV and XXH64. */
kvcore_status kvhash__sink_finish(scheme_sink *sink, uint8_t digest[32], kvcore_error *error);

/* SHA-256 of some pieces, whatever is being written. */
kvcore_status kvhash__scheme_sha256(const kvcore_bytes *pieces, size_t count, uint8_t digest[32]);

/* Values. A list of k is `begin`, its k values, `end`. */
void kvhash__put_null(scheme_sink *sink);
void kvhash__put_integer(scheme_sink *sink, uint64_t value);
void kvhash__put_signed(scheme_sink *sink, int64_t value);
void kvhash__put_bytes(scheme_sink *sink, const void *bytes, size_t size);
void kvhash__put_text(scheme_sink *sink, kvcore_bytes text);
void kvhash__put_tag(scheme_sink *sink, sink_tag tag);
void kvhash__put_map_of_one(scheme_sink *sink);
void kvhash__put_list_begin(scheme_sink *sink, size_t count);
void kvhash__put_list_end(scheme_sink *sink, size_t count);
/* The tokens alone, without the list around them. */
void kvhash__put_token_run(scheme_sink *sink, const uint32_t *tokens, size_t count);
void kvhash__put_tokens(scheme_sink *sink, const uint32_t *tokens, size_t count);

/* Room for a few bytes that are written by hand. */
static inline uint8_t *sink_room(scheme_sink *sink, size_t size) {
    if (SINK_BYTES - sink->used < size) kvhash__sink_flush(sink);
    return sink->bytes + sink->used;
}

#endif

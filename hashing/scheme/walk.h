/* A scheme, and one walk of it over a request. Private to the schemes. */
#ifndef HASHING_SCHEME_WALK_H
#define HASHING_SCHEME_WALK_H

#include <kvhash/scheme.h>

#include "sink.h"

/* Whose rules a scheme follows. */
typedef enum scheme_family {
    FAMILY_VLLM,
    FAMILY_SGLANG,
    FAMILY_LLMD,
    FAMILY_LMCACHE,         /* in-process, of a serialisation */
    FAMILY_LMCACHE_BUILTIN, /* in-process, CPython's hash */
    FAMILY_LMCACHE_SERVER,  /* vLLM's rule without extra keys */
    FAMILY_LMCACHE_BLAKE3,
    FAMILY_TRTLLM_V1,
    FAMILY_TRTLLM_V2,
    FAMILY_FLEXKV,
    FAMILY_AIBRIX,
} scheme_family;

typedef struct scheme_traits {
    const char *text;
    scheme_family family;
    scheme_hash hash;
    bool pickle;
    uint8_t name_bytes;
} scheme_traits;

const scheme_traits *kvhash__scheme_traits(kvhash_scheme_kind kind);

struct kvhash_scheme {
    scheme_traits traits;
    kvhash_scheme_kind kind;
    kvhash_scheme_form form;
    size_t block_size;
    size_t look_ahead;
    bool partial, pairs;
    uint64_t number_seed; /* AIBrix: seed; llm-d: seed hash */
    uint8_t root[32];     /* of families whose root is of the scheme */
    kvcore_allocator allocator;
    scheme_sink sink;
};

typedef struct scheme_walk {
    kvhash_scheme *scheme;
    const kvhash_scheme_request *request;
    size_t count;       /* names of the request */
    size_t unit_count;  /* tokens, or pairs */
    size_t item;        /* the first item that may meet the block */
    bool substitutes;   /* items stand in for tokens */
    bool ordered;       /* items lie by offset */
    uint8_t parent[32]; /* the name before, or the root */
    size_t parent_bytes;
    /* what the last substitution was made of */
    size_t known_item;
    uint64_t known_chunk;
    uint8_t identity[32];
    uint64_t values[8];
    uint64_t salt_id; /* TensorRT-LLM, when a salt is given */
} scheme_walk;

/* Check the request and stand before first_block. `parent` may be NULL. */
kvcore_status kvhash__walk_start(scheme_walk *walk, kvhash_scheme *scheme, const kvhash_scheme_request *request,
                                 size_t first_block, const uint8_t *parent, kvcore_error *error);
/* The name of a block; it becomes the parent. Blocks come in order. */
kvcore_status kvhash__walk_name(scheme_walk *walk, size_t block, uint8_t *name, kvcore_error *error);
/* Write what is hashed for a block into the sink. */
kvcore_status kvhash__walk_write(scheme_walk *walk, size_t block, kvcore_error *error);

/* The items [*first, *last) that meet [from, to), by offset; the walk moves on. */
void kvhash__walk_items(scheme_walk *walk, uint64_t from, uint64_t to, size_t *first, size_t *last);
/* Tokens [from, from + count), items in their place. */
kvcore_status kvhash__walk_tokens(scheme_walk *walk, size_t from, size_t count, uint64_t *tokens, kvcore_error *error);
/* Tokens of 32 bits: those of the request where nothing stands in for them, else in `own`. */
#define WALK_PIECE 256
kvcore_status kvhash__walk_tokens32(scheme_walk *walk, size_t from, size_t count, uint32_t own[WALK_PIECE],
                                    const uint32_t **tokens, size_t *given, kvcore_error *error);

kvcore_status kvhash__embeddings_digest(scheme_walk *walk, size_t from, size_t to, uint8_t digest[32]);
kvcore_status kvhash__write_vllm(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_sglang(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_llmd(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_lmcache(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_blake3(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_trtllm_v2(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__write_aibrix(scheme_walk *walk, size_t block, kvcore_error *error);
kvcore_status kvhash__name_builtin(scheme_walk *walk, size_t block, uint8_t *name, kvcore_error *error);
void kvhash__name_trtllm_v1(scheme_walk *walk, size_t block, uint8_t *name);
kvcore_status kvhash__trtllm_v2_root(scheme_walk *walk, uint8_t root[32]);
kvcore_status kvhash__sglang_request_seed(const kvhash_scheme_request *request, bool of_events, bool with_salt,
                                          uint8_t seed[32], bool *given);
kvcore_status kvhash__llmd_root(scheme_walk *walk, uint64_t *root, kvcore_error *error);
void kvhash__flexkv_begin(scheme_walk *walk);
void kvhash__flexkv_name(scheme_walk *walk, size_t block, uint8_t *name);

/* The tokens of a block; the last one may be partial. */
static inline size_t block_end(const scheme_walk *walk, size_t block) {
    size_t from = block * walk->scheme->block_size, left = walk->unit_count - from;
    return from + (left < walk->scheme->block_size ? left : walk->scheme->block_size);
}

static inline bool is_given(kvcore_bytes text) { return text.data != NULL; }

static inline kvcore_status scheme_fail(kvcore_error *error, kvcore_status status, uint64_t index, uint64_t actual,
                                        const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = index, .actual = actual}, "%s", what);
}

#endif

/**
 * @file
 * The names that other engines and routers give to the blocks of a request: vLLM, SGLang, llm-d, LMCache, TensorRT-LLM, FlexKV,
 * AIBrix.
 *
 * A scheme says how a system names blocks: made once from a config, used for many requests. A name is kvhash_scheme_name_bytes()
 * bytes (8, 16 or 32); a name that is a number is stored big-endian, so that its hex text is the number's.
 *
 *     kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
 *     config.kind = KVHASH_SCHEME_VLLM_SHA256_CBOR;
 *     config.block_size = 16;
 *     config.seed = kvcore_text("0");
 *     status = kvhash_scheme_create(&config, &scheme, NULL);
 *     kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
 *     request.tokens = prompt;
 *     request.token_count = prompt_count;
 *     status = kvhash_scheme_names(scheme, &request, 0, NULL, names, capacity, &count, NULL);
 *
 * A text or byte span whose data is NULL is "not given"; one with data and size 0 is a given empty text. The two differ where
 * the system tells them apart.
 *
 * Owns:    a scheme owns its buffer (80 KiB) and its root; requests are borrowed.
 * Threads: compatible: one call on a scheme at a time; different schemes at once.
 * Errors:  a failed call gives no name. KVCORE_EINVAL for NULLs and a wrong struct_size; KVCORE_EFORMAT for text that is not
 *          UTF-8; KVCORE_ENOTSUP for what the system cannot represent or what cannot be matched.
 * Cost:    one pass over the tokens; the naming calls allocate nothing.
 * Source:  vLLM 0.33.0 (0.30.0 and 0.18.0 in their forms), SGLang 0.5.23, llm-d-kv-cache 7be76e1, LMCache 0.5.6, TensorRT-LLM,
 *          FlexKV 1.2.0, AIBrix 0.7.0; pinned by the rosetta vectors.
 */
#ifndef KVHASH_SCHEME_H
#define KVHASH_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvhash/export.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvhash_scheme_create(). */
typedef struct kvhash_scheme kvhash_scheme;

/** Whose hashes, and by which of its algorithms. */
typedef enum kvhash_scheme_kind {
    KVHASH_SCHEME_NONE = 0,
    KVHASH_SCHEME_VLLM_SHA256 = 1,
    KVHASH_SCHEME_VLLM_SHA256_CBOR = 2,
    KVHASH_SCHEME_VLLM_XXHASH = 3,
    KVHASH_SCHEME_VLLM_XXHASH_CBOR = 4,
    KVHASH_SCHEME_SGLANG = 5,
    KVHASH_SCHEME_LLMD = 6,
    KVHASH_SCHEME_LMCACHE_BUILTIN = 7,
    KVHASH_SCHEME_LMCACHE_SHA256_CBOR = 8,
    KVHASH_SCHEME_LMCACHE_SHA256 = 9,
    KVHASH_SCHEME_LMCACHE_XXHASH = 10,
    KVHASH_SCHEME_LMCACHE_XXHASH_CBOR = 11,
    KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3 = 12,
    KVHASH_SCHEME_LMCACHE_SERVER_SHA256_CBOR = 13,
    KVHASH_SCHEME_TRTLLM_V1 = 14,
    KVHASH_SCHEME_TRTLLM_V2 = 15,
    KVHASH_SCHEME_TRTLLM_V2_U64 = 16, /**< an earlier revision: tokens of 8 bytes */
    KVHASH_SCHEME_FLEXKV = 17,
    KVHASH_SCHEME_AIBRIX = 18,
    KVHASH_SCHEME_LMCACHE_SERVER_SHA256 = 19,
    KVHASH_SCHEME_LMCACHE_SERVER_XXHASH = 20,
    KVHASH_SCHEME_LMCACHE_SERVER_XXHASH_CBOR = 21,
    KVHASH_SCHEME_COUNT = 22
} kvhash_scheme_kind;

/** The form of vLLM's extra keys. */
typedef enum kvhash_scheme_form {
    KVHASH_SCHEME_TAGGED = 0,   /**< vLLM 0.31 and later */
    KVHASH_SCHEME_UNTAGGED = 1, /**< vLLM 0.22 to 0.30 */
    KVHASH_SCHEME_BARE = 2      /**< vLLM 0.18 */
} kvhash_scheme_form;

/** Start from KVHASH_SCHEME_CONFIG_INIT. */
typedef struct kvhash_scheme_config {
    size_t struct_size;
    kvhash_scheme_kind kind; /**< required */
    kvhash_scheme_form form; /**< vLLM */
    int64_t block_size;  /**< tokens, up to 2^32 − 1; bytes for AIBrix; 0 is an error, for llm-d its default of 16 */
    uint32_t look_ahead; /**< vLLM: tokens after a block that are hashed too */
    /** vLLM, LMCache: PYTHONHASHSEED, not given when it is not set. llm-d: its hash seed. Unused elsewhere. */
    kvcore_bytes seed;
    kvcore_bytes root;          /**< vLLM: the root itself in place of a seed, as long as a name */
    uint64_t number_seed;       /**< AIBrix */
    bool partial;               /**< name a partial last block too: SGLang, LMCache in-process, TensorRT-LLM v2 */
    bool pairs;                 /**< SGLang: EAGLE pairs */
    bool without_vllm;          /**< LMCache in-process: vLLM is not installed, so every algorithm is the builtin one */
    uint8_t reserved[5];        /**< 0 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvhash_scheme_config;

/** The values to start from. */
#define KVHASH_SCHEME_CONFIG_INIT                                                                                     \
    {                                                                                                                 \
        sizeof(kvhash_scheme_config), KVHASH_SCHEME_NONE, KVHASH_SCHEME_TAGGED, 0, 0, {NULL, 0}, {NULL, 0}, 0, false, \
            false, false, {0, 0, 0, 0, 0}, {                                                                          \
            NULL, NULL, NULL                                                                                          \
        }                                                                                                             \
    }

/** The macro as a function, for other languages. */
KVHASH_API kvhash_scheme_config kvhash_scheme_config_init(void);

/** A multimodal item, or one run of it, at [offset, offset + length). */
typedef struct kvhash_scheme_item {
    kvcore_bytes id;    /**< identifier text; SGLang: 32 or 8 bytes; TensorRT-LLM: 32 bytes */
    uint64_t offset;    /**< first token slot */
    uint64_t length;    /**< token slots */
    uint64_t start;     /**< TensorRT-LLM: tokens of the item before this run */
    uint64_t id_offset; /**< TensorRT-LLM v2: first synthetic token id */
} kvhash_scheme_item;

/** llm-d: the item hashes of one block. */
typedef struct kvhash_scheme_features {
    const kvcore_bytes *hashes; /**< of the items that touch the block */
    size_t count;               /**< how many */
} kvhash_scheme_features;

/** Start from KVHASH_SCHEME_REQUEST_INIT. Everything is borrowed for the call; each scheme takes what its system does. */
typedef struct kvhash_scheme_request {
    size_t struct_size;
    const uint32_t *tokens;                 /**< NULL when wide_tokens are given */
    size_t token_count;                     /**< how many tokens */
    const uint64_t *wide_tokens;            /**< in place of tokens: SGLang, whose tokens reach 2^63 − 1 */
    kvcore_bytes salt;                      /**< empty or not given: see the scheme */
    kvcore_bytes lora_name;                 /**< empty: none */
    kvcore_bytes lora_path;                 /**< vLLM: what the server knows; not given counts as empty */
    kvcore_bytes lora_id;                   /**< SGLang: appended to extra_key */
    kvcore_bytes extra_key;                 /**< SGLang */
    kvcore_bytes model;                     /**< llm-d: the model, or the LoRA name in its place */
    const kvcore_bytes *name_spaces;        /**< FlexKV */
    size_t name_space_count;                /**< how many */
    bool has_lora_task;                     /**< TensorRT-LLM */
    bool reserved[7];                       /**< false */
    uint64_t lora_task;                     /**< with has_lora_task */
    const uint64_t *extra_ids;              /**< TensorRT-LLM v1: one a token, or NULL */
    const kvhash_scheme_item *items;        /**< by offset, not overlapping; TensorRT-LLM v1: by item, then run */
    size_t item_count;                      /**< how many */
    const kvhash_scheme_features *features; /**< llm-d, in place of items: one a full block */
    size_t feature_count;                   /**< how many */
    const void *embeddings;                 /**< vLLM: rows of all tokens, or NULL */
    size_t embedding_row_bytes;             /**< of one token */
} kvhash_scheme_request;

/** The values to start from. */
#define KVHASH_SCHEME_REQUEST_INIT                                                                                   \
    {                                                                                                                \
        sizeof(kvhash_scheme_request), NULL, 0, NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},         \
            {NULL, 0}, NULL, 0, false, {false, false, false, false, false, false, false}, 0, NULL, NULL, 0, NULL, 0, \
            NULL, 0                                                                                                  \
    }

/** The macro as a function, for other languages. */
KVHASH_API kvhash_scheme_request kvhash_scheme_request_init(void);

/** The longest name. */
#define KVHASH_SCHEME_NAME_BYTES 32

/** The name of a kind, such as `vllm-sha256`; NULL for none. */
KVHASH_API const char *kvhash_scheme_kind_text(kvhash_scheme_kind kind);
/** The kind of that name; KVHASH_SCHEME_NONE when there is none. */
KVHASH_API kvhash_scheme_kind kvhash_scheme_kind_of(kvcore_bytes text);

/**
 * Make a scheme.
 *
 * Errors: KVHASH_EBLOCK_SIZE for a block size of 0; KVCORE_ECONFIG for a kind, form or option that does not fit; KVCORE_ENOTSUP
 *         for a root that is random (no seed where there is no default); KVCORE_EFORMAT for a seed that is not UTF-8;
 *         KVCORE_ENOMEM.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_create(const kvhash_scheme_config *config,
                                                               kvhash_scheme **scheme, kvcore_error *error);
/** Give everything back. NULL is ignored. */
KVHASH_API void kvhash_scheme_destroy(kvhash_scheme *scheme);
/** Bytes of a name: 8, 16 or 32; 0 for NULL. */
KVHASH_API size_t kvhash_scheme_name_bytes(const kvhash_scheme *scheme);

/** How many names the request has. Errors: KVCORE_EINVAL. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_count(const kvhash_scheme *scheme,
                                                              const kvhash_scheme_request *request, size_t *count,
                                                              kvcore_error *error);

/**
 * The root: what stands as parent of block 0.
 *
 * Gives:  *size_bytes of it, at most 32; 0 where the system has none (SGLang without a name space).
 * Errors: KVCORE_EINVAL for NULLs; otherwise those of kvhash_scheme_names().
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_root(kvhash_scheme *scheme,
                                                             const kvhash_scheme_request *request,
                                                             uint8_t root[KVHASH_SCHEME_NAME_BYTES], size_t *size_bytes,
                                                             kvcore_error *error);

/**
 * The names of the blocks from first_block on, as many as there are or as `capacity` says.
 *
 * Takes:  request: the whole request, blocks before first_block too. parent: the name of the block before, name_bytes long; may
 *         be NULL at block 0, where it replaces the root. FlexKV reads the tokens before instead.
 * Gives:  *count names in names[]. Fewer than there are when capacity is smaller: capacity 1 is one block.
 * Errors: KVHASH_EEMPTY_RUN, KVHASH_EOFFSET_OVERFLOW, KVHASH_EOVERLAP for items (error->index); KVCORE_EFORMAT;
 *         KVCORE_EOVERFLOW for a token that the system refuses (error->index, error->actual) and a pickle image of 65,536
 *         bytes and more; KVCORE_EINVAL.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_names(kvhash_scheme *scheme,
                                                              const kvhash_scheme_request *request, size_t first_block,
                                                              const uint8_t *parent, uint8_t *names, size_t capacity,
                                                              size_t *count, kvcore_error *error);

/** As `block`: the bytes of llm-d's root. */
#define KVHASH_SCHEME_ROOT_IMAGE SIZE_MAX

/**
 * The bytes that are hashed for a block (not for TensorRT-LLM v1, LMCache builtin and FlexKV, which have none).
 *
 * Takes:  parent: as above; NULL at a later block: the blocks before are named first.
 * Errors: KVCORE_EBUFFER with the size in *size_bytes; KVCORE_ENOTSUP; KVCORE_EOVERFLOW for 64 KiB and more; otherwise those of kvhash_scheme_names().
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_preimage(kvhash_scheme *scheme,
                                                                 const kvhash_scheme_request *request, size_t block,
                                                                 const uint8_t *parent, uint8_t *bytes, size_t capacity,
                                                                 size_t *size_bytes, kvcore_error *error);

/** The first or last 8 bytes as a big-endian number; of fewer bytes, all of them. */
KVHASH_API uint64_t kvhash_scheme_first64(kvcore_bytes name);
/** The last 8 bytes as a big-endian number; of fewer bytes, all of them. */
KVHASH_API uint64_t kvhash_scheme_last64(kvcore_bytes name);

/** The 64-bit form that a system's events carry: last 8 bytes for vLLM, first 8 elsewhere. SGLang's is signed, and with a name
 *  space not of the name: kvhash_sglang_events(). */
KVHASH_API uint64_t kvhash_scheme_event64(const kvhash_scheme *scheme, const uint8_t *name);

/** vLLM: the key of a block in a group, name ‖ group u32 BE, into size_bytes + 4 bytes. Errors: KVCORE_EINVAL. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_vllm_group_key(kvcore_bytes name, uint32_t group, uint8_t *key);

/** vLLM: which name of the hash blocks is that of larger block `block`, `each` hash blocks long: its last one's. */
KVHASH_API size_t kvhash_vllm_view(size_t block, size_t each);

/** What stands in an event's extra keys: a text, a text with an offset, or bytes. */
typedef struct kvhash_extra_key {
    kvcore_bytes value; /**< the text, or the bytes */
    int64_t offset;     /**< with has_offset */
    bool has_offset;    /**< offset is there */
    bool is_bytes;      /**< value is bytes, not a text */
} kvhash_extra_key;

/**
 * vLLM: the extra keys of a block as an event carries them (no tags, no LoRA path).
 *
 * Gives:  *count keys; a digest lies in digest[32]. 0 keys: null.
 * Errors: KVCORE_EBUFFER with the number in *count; otherwise those of kvhash_scheme_names().
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_vllm_event_keys(kvhash_scheme *scheme,
                                                                 const kvhash_scheme_request *request, size_t block,
                                                                 kvhash_extra_key *keys, size_t capacity, size_t *count,
                                                                 uint8_t digest[32], kvcore_error *error);

/**
 * SGLang: the values that its events publish for the full pages, from page 0.
 *
 * Takes:  dynamo: the Dynamo format; otherwise the default one.
 * Errors: those of kvhash_scheme_names(); KVCORE_EBUFFER with the number in *count.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sglang_events(kvhash_scheme *scheme,
                                                               const kvhash_scheme_request *request, bool dynamo,
                                                               int64_t *values, size_t capacity, size_t *count,
                                                               kvcore_error *error);
/** SGLang: the published value of h under a mixing seed. Errors: those of kvcore_sha256(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sglang_mix(const uint8_t seed[32], int64_t value, int64_t *published);
/** SGLang: the seeds of storage and of events. *given is false, and nothing written, when key and salt are not given. An empty
 *  salt counts as given here: a request drops it before. Errors: KVCORE_EINVAL for NULLs; KVCORE_ENOMEM and 
 *  KVCORE_ENOTSUP when OpenSSL refuses. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sglang_seed(kvcore_bytes extra_key, kvcore_bytes salt, bool of_events,
                                                             uint8_t seed[32], bool *given);
/** SGLang: the four values that an item's positions take in turn. Errors: KVCORE_EINVAL unless 8 or 32 bytes. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sglang_pad_values(kvcore_bytes identity, uint64_t values[4]);

/** LMCache: the values that the positions [first, first + count) of an item take. Errors: KVCORE_EINVAL for NULLs; KVCORE_EFORMAT
 *  for an id that is not UTF-8; KVCORE_ENOMEM and KVCORE_ENOTSUP when OpenSSL refuses. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_lmcache_item_values(kvcore_bytes id, uint64_t first, uint32_t *values,
                                                                     size_t count);
/** TensorRT-LLM: the id of a salt. Errors: KVCORE_EINVAL for NULLs; KVCORE_ENOMEM and KVCORE_ENOTSUP when OpenSSL refuses. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_trtllm_salt_id(kvcore_bytes salt, uint64_t *salt_id);
/** FlexKV: the id of a name space. Errors: KVCORE_EINVAL when there is none. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_flexkv_name_space_id(const kvcore_bytes *texts, size_t count,
                                                                      uint64_t *id);
/** llm-d: FNV-1a of bytes, its seed hash. */
KVHASH_API uint64_t kvhash_llmd_fnv(kvcore_bytes bytes);
/** llm-d: the entries [*first, *first + *count) of `entries` that block `block` of `blocks` takes. Errors: KVCORE_EINVAL for NULLs, a
 *  block beyond the blocks (or entries), or numbers past 2^32 − 1. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_llmd_realign(size_t entries, size_t blocks, size_t block,
                                                              size_t *first, size_t *count);
/** llm-d: an engine's hash as a number. Errors: KVCORE_EFORMAT for no bytes. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_llmd_hash64(kvcore_bytes hash, uint64_t *value, kvcore_error *error);

/** CPython's hash (3.11 and later) of an integer, of a tuple of hashes, of a text. */
KVHASH_API int64_t kvhash_python_hash_integer(bool negative, uint64_t amount);
/** The same of decimal digits, of any size, with or without a sign. Errors: KVCORE_EFORMAT. Cost: O(digits). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_python_hash_decimal(kvcore_bytes text, int64_t *hash);
/** CPython's hash of a tuple of things with these hashes. */
KVHASH_API int64_t kvhash_python_hash_tuple(const int64_t *hashes, size_t count);
/** Errors: KVCORE_EFORMAT for text that is not UTF-8; KVCORE_ENOTSUP for a seed that is not a number up to 2^32 − 1. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_python_hash_text(kvcore_bytes text, kvcore_bytes seed, int64_t *hash);

/**
 * LMCache, in-process: `<model>@<world size>@<worker>@<hash>@<dtype>`, `@<layer>` when layer ≥ 0, then the tags.
 *
 * Takes:  hash_negative: the name is signed (builtin). tags: name and value in turn, 2 · tag_count of them.
 * Gives:  *length characters, no NUL.
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_ENOTSUP for a dtype that has no text.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_lmcache_engine_key(kvcore_bytes model, uint32_t world_size,
                                                                    uint32_t worker, uint64_t hash, bool hash_negative,
                                                                    kvcore_bytes dtype, int64_t layer,
                                                                    const kvcore_bytes *tags, size_t tag_count,
                                                                    char *text, size_t capacity, size_t *length);

/** What a key's text says; the spans lie in it. */
typedef struct kvhash_lmcache_parsed {
    kvcore_bytes model, dtype;   /**< texts */
    kvcore_bytes tags;           /**< the text of all tags, with `@` between them */
    size_t tag_count;            /**< how many tags */
    uint64_t world_size, worker; /**< numbers */
    uint64_t hash;               /**< two's complement when negative */
    bool negative;               /**< hash has a sign */
    int64_t layer;               /**< -1: none */
} kvhash_lmcache_parsed;

/** LMCache, in-process: the reverse. Errors: KVCORE_EFORMAT for a text that is no key, or a tag without `%`. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_lmcache_parse_engine_key(kvcore_bytes text,
                                                                          kvhash_lmcache_parsed *parsed);

/** Where a key of LMCache's server is used. */
typedef enum kvhash_lmcache_form {
    KVHASH_LMCACHE_NATIVE = 0, /**< native connector and S3 */
    KVHASH_LMCACHE_S3_PATH = 1,
    KVHASH_LMCACHE_FILE = 2,
    KVHASH_LMCACHE_RAW_BLOCK = 3
} kvhash_lmcache_form;

/** LMCache: world size<<24 | rank<<16 | world size<<8 | rank. */
KVHASH_API uint32_t kvhash_lmcache_kv_rank(uint32_t world_size, uint32_t rank);
/**
 * LMCache, server: the text of a key.
 *
 * Errors: KVCORE_EFORMAT for `@` in the model, a group below 0, `@`, `/`, `\` or NUL in the salt or more than 128 characters of
 *         it; KVCORE_EBUFFER with the length in *length.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_lmcache_object_key(kvhash_lmcache_form form, kvcore_bytes name,
                                                                    kvcore_bytes model, uint32_t kv_rank, int64_t group,
                                                                    kvcore_bytes salt, char *text, size_t capacity,
                                                                    size_t *length, kvcore_error *error);

/**
 * PLHs out of a chain of names: position, the first 64 bits of each name, the fragment of its parent.
 *
 * Two names that agree in the first 64 bits and stand at one position after parents that agree in the fragment lift to one PLH:
 * among n blocks at one position the odds are below n² / 2^65.
 *
 * Errors: KVHASH_EPOSITION beyond KVHASH_PLH_MAX_POSITION; KVCORE_EINVAL for NULLs or a name_bytes that is not 8, 16 or 32.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_scheme_lift(const uint8_t *names, size_t count, size_t name_bytes,
                                                             size_t first_block, const uint8_t *parent,
                                                             kvhash_plh *lifted);

/** One scheme of kvhash_names_of(), and where its names go. */
typedef struct kvhash_scheme_output {
    kvhash_scheme *scheme; /**< which scheme */
    uint8_t *names;        /**< room for capacity names of the scheme */
    size_t capacity;       /**< in names */
    size_t count;          /**< given: how many there are */
} kvhash_scheme_output;

/**
 * The names of one request by several schemes.
 *
 * Errors: those of kvhash_scheme_names(); KVCORE_EBUFFER when an output is too small, each count is set.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_names_of(const kvhash_scheme_request *request,
                                                          kvhash_scheme_output *outputs, size_t output_count,
                                                          kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

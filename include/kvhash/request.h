/**
 * @file
 * A request: tokens and all that isolates them, in; the names of their blocks, out.
 *
 * Fill a kvhash_request and ask for what you need of each complete block: its name (PLH), block hash, sequence hash, or the
 * full record. The tail that does not fill a block has no name yet.
 *
 *     kvhash_request request = KVHASH_REQUEST_INIT;
 *     request.tokens = prompt;
 *     request.token_count = prompt_count;
 *     request.salt = kvcore_text("tenant-7");
 *     request.block_tokens = 16;
 *     status = kvhash_request_names(&request, names, 512, &count, NULL);
 *
 * Owns:    nothing: the request borrows everything, results go to the caller's memory; the tokens are not copied.
 * Threads: any; a request is only read.
 * Units:   counts are tokens (slots) and blocks.
 * Cost:    one pass over the tokens, nothing allocates. Runs that are not in order of their offsets: see `runs`.
 * Source:  dynamo-kv-hashing 1.5.0, Request; pinned by requests, requests_mm, requests_large and mm_errors of the hashing
 *          vectors.
 */
#ifndef KVHASH_REQUEST_H
#define KVHASH_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvhash/block.h>
#include <kvhash/export.h>
#include <kvhash/multimodal.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start from KVHASH_REQUEST_INIT. */
typedef struct kvhash_request {
    size_t struct_size;
    const uint32_t *tokens; /**< borrowed; may be NULL when there are none */
    size_t token_count;     /**< how many tokens */
    kvcore_bytes salt;      /**< isolates tenants; empty means none */
    kvcore_bytes lora_name; /**< isolates adapters; empty means none */
    /** Multimodal runs, in any order. In order of offset they cost nothing; otherwise what kvhash_mm_sort() costs. */
    const kvhash_mm_run *runs;
    size_t run_count;      /**< how many runs */
    uint32_t block_tokens; /**< tokens a block; required */
    uint32_t reserved;     /**< 0 */
} kvhash_request;

/** The values to start from. */
#define KVHASH_REQUEST_INIT \
    { sizeof(kvhash_request), NULL, 0, {NULL, 0}, {NULL, 0}, NULL, 0, 0, 0 }
/** KVHASH_REQUEST_INIT as a function, for other languages. */
KVHASH_API kvhash_request kvhash_request_init(void);

/**
 * How many complete blocks the request has: the room that the calls below need. Looks at no token and at no run.
 *
 * Errors: KVHASH_EBLOCK_SIZE for a block_tokens of 0; KVHASH_EPOSITION for more than 2^24 blocks (error->expected: the most,
 *         error->actual: as many as there are); KVCORE_EINVAL for NULLs, a NULL span with a size or a wrong struct_size.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_count(const kvhash_request *request, size_t *count,
                                                               kvcore_error *error);

/** The salt hash of the request, valid or not in its other fields. Errors: KVCORE_EINVAL as above. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_salt_hash(const kvhash_request *request, uint64_t *salt_hash,
                                                                   kvcore_error *error);

/**
 * The names of all complete blocks.
 *
 * Gives:  *count names.
 * Errors: KVCORE_EINVAL for NULLs, a NULL span with a size or a wrong struct_size; KVHASH_EEMPTY_RUN,
 *         KVHASH_EOFFSET_OVERFLOW, KVHASH_EOUT_OF_BOUNDS, KVHASH_EOVERLAP, KVCORE_ENOMEM for runs;
 *         KVHASH_EBLOCK_SIZE for a block_tokens of 0; KVHASH_EPOSITION for more than 2^24 blocks; KVCORE_EBUFFER when
 *         there are more blocks than `capacity`: *count is how many, nothing else is written.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_names(const kvhash_request *request, kvhash_plh *names,
                                                               size_t capacity, size_t *count, kvcore_error *error);

/** The block hashes of all complete blocks. Errors: as kvhash_request_names(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_block_hashes(const kvhash_request *request,
                                                                      uint64_t *block_hashes, size_t capacity,
                                                                      size_t *count, kvcore_error *error);

/** The sequence hashes of all complete blocks. Errors: as kvhash_request_names(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_sequence_hashes(const kvhash_request *request,
                                                                         uint64_t *sequence_hashes, size_t capacity,
                                                                         size_t *count, kvcore_error *error);

/** The full records of all complete blocks. Errors: as kvhash_request_names(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_blocks(const kvhash_request *request, kvhash_block *blocks,
                                                                size_t capacity, size_t *count, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

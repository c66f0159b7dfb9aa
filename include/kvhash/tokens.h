/**
 * @file
 * Tokens are uint32_t. An int32_t array is used as it is (−1 reads as 4,294,967,295); wider ids are checked here.
 *
 * Owns: nothing. Threads: any. Source: dynamo-tokens 1.5.0, Tokens.
 */
#ifndef KVHASH_TOKENS_H
#define KVHASH_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Token ids of 64 bits as tokens.
 *
 * Errors: KVCORE_EOVERFLOW for an id past 2^32 − 1, with error->index and error->actual; `tokens` is then untouched.
 *         KVCORE_EINVAL for NULLs with a count.
 * Cost:   O(count), two passes.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_tokens_from_u64(const uint64_t *ids, size_t count, uint32_t *tokens,
                                                                 kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

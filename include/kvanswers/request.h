/**
 * @file
 * A request as the answers see it: the names of its blocks, front first.
 *
 * A block is its whole chain: its name says all blocks before it too, so equal names stand behind equal names. Everything
 * else in this library rests on that: the requests that contain a block are a subset of those that contain its parent. Names
 * that break it give figures without meaning, but no harm.
 *
 * Owns:    nothing; values. Threads: any.
 */
#ifndef KVANSWERS_REQUEST_H
#define KVANSWERS_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <kvanswers/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One request. All zero is one without blocks. */
typedef struct kvanswers_request {
    const uint64_t *names; /**< one a block; equal if and only if the chains up to the block are equal */
    size_t count;          /**< blocks */
    uint64_t time_ms;      /**< when it came; only limits of time ask for it */
    uint32_t
        last_block_tokens; /**< tokens that the last block stands for; 0, or more than a block has: a whole block */
} kvanswers_request;

/**
 * Names of the blocks of a chain of ids: names[i] depends on ids[0 … i], in order. Two different chains get one name with a
 * chance of 2^-64.
 *
 * Takes:  the two arrays may be the same one.
 * Errors: KVCORE_EINVAL for NULLs with a count.
 * Cost:   O(count).
 */
KVANSWERS_API kvcore_status kvanswers_names(const uint64_t *ids, size_t count, uint64_t *names);

/**
 * Names of groups of blocks: `blocks` of them as one larger block. Only blocks that are full take part, only whole groups do.
 *
 * Takes:  the names of a request and how many of its blocks are full; the two arrays may be the same one.
 * Gives:  how many groups: full_blocks / blocks, or 0 for blocks 0 or NULLs.
 */
KVANSWERS_API size_t kvanswers_group_names(const uint64_t *names, size_t full_blocks, size_t blocks, uint64_t *groups);

/**
 * How many blocks of a request are full: input_tokens / block_tokens, at most `count`. For engines that name full blocks only.
 */
KVANSWERS_API size_t kvanswers_full_blocks(uint64_t input_tokens, uint32_t block_tokens, size_t count);

#ifdef __cplusplus
}
#endif

#endif

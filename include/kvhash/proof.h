/**
 * @file
 * Proofs: a second fingerprint of everything up to and with a block, which nobody outside can compute.
 *
 * A name can be forged: whoever chooses the tokens of a 16-token block finds others with the same name in seconds (see
 * SECURITY.md). So what is *served* should not rest on the name alone. A proof covers LoRA name, salt, multimodal runs and all
 * tokens up to the end of its block. It is a keyed hash: without the secret nobody can find two prefixes with one proof, or
 * predict a proof. Compare proofs of equal names; where they differ, the block holds another text.
 *
 * Of any two different prefixes the proofs are equal with probability at most 2^-60 (64 bits) or 2^-120 (128 bits) over the
 * choice of the secret, for prefixes of up to 2^60 bytes. The bound holds as long as proofs stay inside: they are for
 * comparing, not for publishing. Who holds the secret can forge.
 *
 *     kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;       // a secret of this process, 64 bits
 *     kvhash_prover *prover = NULL;
 *     status = kvhash_prover_create(&config, &prover, NULL);
 *     status = kvhash_request_proofs(prover, &request, proofs, capacity, &count, NULL);
 *
 * How: each 64 bytes of a block go through NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO 1999) with 64-bit
 * words, the results are the coefficients of a polynomial over the prime 2^127 − 1 at a secret point (as VMAC has it), and the
 * value so far is hashed to 64 bits by a strongly universal multilinear function for each block. 128 bits are two such hashes
 * with independent keys. The keys are SHA-256 of the secret in counter mode. The same secret gives the same proofs on every
 * machine.
 *
 * The public form, for bytes that leave the process, is a chain of SHA-256 (kvhash_request_digests()): anybody can compute
 * it, nobody can forge it, and it costs about ten times as much.
 *
 * Owns:    a prover owns its keys. Everything else is borrowed for the call.
 * Threads: a prover is only read: any number of threads share it.
 * Cost:    kvhash_request_proofs(): one pass over the tokens; nothing allocates.
 */
#ifndef KVHASH_PROOF_H
#define KVHASH_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvhash/export.h>
#include <kvhash/multimodal.h>
#include <kvhash/request.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a prover's secret. */
#define KVHASH_PROVER_SECRET_BYTES 32

/** Opaque. Made by kvhash_prover_create(); holds the keys. */
typedef struct kvhash_prover kvhash_prover;

/** What is compared. `high` is 0 when the prover makes 64 bits. All zeros are no proof: that value is never made. */
typedef struct kvhash_proof {
    uint64_t low;  /**< the first 64 bits */
    uint64_t high; /**< the other 64 bits, or 0 */
} kvhash_proof;

/** Start from KVHASH_PROVER_CONFIG_INIT. */
typedef struct kvhash_prover_config {
    size_t struct_size;
    kvcore_bytes
        secret; /**< KVHASH_PROVER_SECRET_BYTES bytes that a fleet shares; none: random, for this process. Borrowed. */
    uint32_t bits;              /**< 64 or 128; 0 means 64 */
    uint32_t reserved;          /**< 0 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvhash_prover_config;

/** The values to start from. */
#define KVHASH_PROVER_CONFIG_INIT                                           \
    {                                                                       \
        sizeof(kvhash_prover_config), {NULL, 0}, 0, 0, { NULL, NULL, NULL } \
    }
/** KVHASH_PROVER_CONFIG_INIT as a function, for other languages. */
KVHASH_API kvhash_prover_config kvhash_prover_config_init(void);

/**
 * Make a prover. The secret is not kept.
 *
 * Errors: KVCORE_EINVAL for NULL, a wrong struct_size, reserved fields; KVCORE_ECONFIG for a secret of another size
 *         (error->expected, error->actual) or another number of bits; KVCORE_EIO when the system gives no random bytes;
 *         KVCORE_ENOTSUP when libcrypto has no SHA-256; KVCORE_ENOMEM.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_prover_create(const kvhash_prover_config *config,
                                                               kvhash_prover **prover, kvcore_error *error);

/** Overwrite the keys and give everything back. NULL is ignored. Threads: no other call on this prover may be running. */
KVHASH_API void kvhash_prover_destroy(kvhash_prover *prover);

/** Bytes that it takes; 0 for NULL. */
KVHASH_API size_t kvhash_prover_memory_bytes(const kvhash_prover *prover);

/** 64 or 128; 0 for NULL. */
KVHASH_API uint32_t kvhash_prover_bits(const kvhash_prover *prover);

/**
 * The proofs of all complete blocks of a request.
 *
 * Gives:  *count proofs, one a block, in the order of kvhash_request_names().
 * Errors: as kvhash_request_names(); KVCORE_EINVAL for a NULL prover.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_proofs(const kvhash_prover *prover,
                                                                const kvhash_request *request, kvhash_proof *proofs,
                                                                size_t capacity, size_t *count, kvcore_error *error);

/**
 * Where a sequence that grows stands. Made by kvhash_proof_start(), moved by kvhash_proof_extend(); copy it to branch. It is
 * as secret as the prover.
 */
typedef struct kvhash_proof_chain {
    uint64_t lane[2][2];   /**< private */
    uint32_t block_tokens; /**< private */
    uint32_t blocks;       /**< private */
} kvhash_proof_chain;

/**
 * The chain before the first block.
 *
 * Takes:  salt and lora_name as kvhash_request has them; block_tokens at least 1.
 * Errors: KVCORE_EINVAL for NULLs or NULL spans with a size; KVHASH_EBLOCK_SIZE.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_proof_start(const kvhash_prover *prover, kvcore_bytes salt,
                                                             kvcore_bytes lora_name, uint32_t block_tokens,
                                                             kvhash_proof_chain *chain);

/**
 * The proofs of the next blocks.
 *
 * Takes:  slots->tokens are those behind the blocks so far; slots->token_count a multiple of the chain's block_tokens;
 *         slots->offset and slots->runs as kvhash_block_bytes() has them (runs valid, in order of offset).
 * Gives:  one proof a block; the chain stands behind them.
 * Errors: KVCORE_EINVAL for NULLs or a part of a block; KVHASH_EEMPTY_RUN, KVHASH_EOFFSET_OVERFLOW, KVHASH_EOVERLAP for runs
 *         that are faulty or not in order; KVHASH_EPOSITION beyond 2^24 blocks. Nothing has changed then.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_proof_extend(const kvhash_prover *prover, kvhash_proof_chain *chain,
                                                              const kvhash_slots *slots, kvhash_proof *proofs);

/** Equal, in a time that does not depend on where they differ. */
KVHASH_API bool kvhash_proof_equal(kvhash_proof a, kvhash_proof b);

/**
 * The public form: of every complete block the SHA-256 over the digest before it and the block's bytes.
 *
 *     d(−1) = SHA-256("kvstrata digest 1" 00 | block_tokens u32 LE | size of lora_name u64 LE | lora_name | size of salt u64 LE | salt)
 *     d(i)  = SHA-256(d(i−1) | 00 or 01 when a run touches the block | kvhash_block_bytes() of block i)
 *
 * Gives:  *count digests. Store the first 16 bytes where there is room for 16.
 * Errors: as kvhash_request_names(); KVCORE_ENOMEM and KVCORE_ENOTSUP of libcrypto.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_request_digests(const kvhash_request *request, kvcore_hash256 *digests,
                                                                 size_t capacity, size_t *count, kvcore_error *error);

/** Characters of kvhash_tenant_salt(), with the NUL. */
#define KVHASH_TENANT_SALT_SIZE 65

/**
 * A salt for a tenant that the tenant can neither choose nor guess: HMAC-SHA-256 of the tenant's name under a secret of the
 * server, in hexadecimal. Use it as kvhash_request's `salt`. A salt (and a salt hash) that a client knows or chooses isolates
 * nothing: it can be made to meet another tenant's or another adapter's.
 *
 * Takes:  a secret of at least 16 bytes.
 * Gives:  64 characters and a NUL.
 * Errors: KVCORE_EINVAL for NULLs and NULL spans with a size; KVCORE_ECONFIG for a short secret; KVCORE_ENOMEM and
 *         KVCORE_ENOTSUP of libcrypto.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_tenant_salt(kvcore_bytes secret, kvcore_bytes tenant,
                                                             char salt[KVHASH_TENANT_SALT_SIZE], kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

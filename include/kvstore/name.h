/**
 * @file
 * Names of objects and files: where a block lies in a bucket or below a root.
 *
 *     native    <prefix>/v1/<tenant>/<model>/<layout>.<tokens>/<rank>of<ranks>.<group>/<fan>/<name>
 *     WombatKV  <prefix>/<namespace>/wombatkv/v1/block/b3=<64 hex>, …/wombatkv/v1/sidecar/raw_tail/b3=<64 hex>
 *     Dynamo    [<rank>/]<PLH in display form>
 *
 * In the native scheme an empty tenant and a zero layout tag are written "-"; the fan is the top byte of the sequence hash as
 * two hex digits; the name 32 hex digits, big-endian. No character of a native key needs percent-encoding, and nothing that a
 * request brings enters it but through the hash in the name.
 *
 * Owns:    nothing; keys go into the caller's buffer, NUL terminated; what a parser gives is a view of the key.
 * Threads: any. Never allocates.
 * Errors:  writers: KVCORE_EBUFFER when it does not fit, with the length (without NUL) in *length; capacity 0 asks for it.
 * Source:  kvstrata's own scheme; WombatKV's object keys (pinned by object_names and cabi_bucket of the store vectors);
 *          Dynamo's object tier, as its sources of August 2026 have it.
 */
#ifndef KVSTORE_NAME_H
#define KVSTORE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/identity.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvstore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The longest prefix of object names. */
#define KVSTORE_PREFIX_MAX_BYTES 256
/** The longest tenant. */
#define KVSTORE_TENANT_MAX_BYTES 63
/** Room that always suffices for a native key and its NUL. */
#define KVSTORE_KEY_BYTES 512

/** Whose blocks: all blocks of one of these have the same meaning of bytes. Texts are borrowed. */
typedef struct kvstore_identity {
    kvcore_bytes tenant;       /**< borrowed */
    kvcore_model_digest model; /**< which model computed the blocks */
    kvcore_layout_tag layout;  /**< how payloads are laid out */
    uint32_t block_tokens;     /**< tokens a block */
    uint16_t rank;             /**< which part of a tensor-parallel model, from 0 */
    uint16_t ranks;            /**< how many parts */
    uint16_t group;            /**< which group of layers, from 0 */
} kvstore_identity;

/** A prefix: segments of [A-Za-z0-9][A-Za-z0-9._-]{0,62} without "..", joined by single slashes, ≤ 256 bytes; or empty.
 *  Errors: KVCORE_ECONFIG with the place in error->offset. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_prefix_check(kvcore_bytes prefix, kvcore_error *error);

/** A tenant or namespace: one such segment, or empty. Errors: KVCORE_ECONFIG with the place in error->offset. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_tenant_text_check(kvcore_bytes tenant, kvcore_error *error);

/** An identity whose text may become a key: the tenant; a layout tag of [A-Za-z0-9][A-Za-z0-9_-]{0,15} or zero; a rank below
 *  its ranks. Errors: KVCORE_ECONFIG. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_identity_check(const kvstore_identity *identity,
                                                                  kvcore_error *error);

/** The top byte of the sequence hash: which of the 256 folders of a space. */
KVSTORE_API unsigned kvstore_fan(kvhash_plh name);

/**
 * "<prefix>/v1/<tenant>/…/<rank>of<ranks>.<group>", without a slash at the end. Prefix and identity are taken as sound.
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_space_key(kvcore_bytes prefix, const kvstore_identity *identity,
                                                             char *text, size_t capacity, size_t *length);

/**
 * The whole native key. Prefix and identity are taken as sound.
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_block_key(kvcore_bytes prefix, const kvstore_identity *identity,
                                                             kvhash_plh name, char *text, size_t capacity,
                                                             size_t *length);

/**
 * A native key back into its parts; false, and nothing written, for any other text. Exact: what it accepts is what
 * kvstore_block_key() writes for those parts. Valid: identity->tenant as long as the key.
 */
KVSTORE_API bool kvstore_block_key_parse(kvcore_bytes prefix, kvcore_bytes key, kvstore_identity *identity,
                                         kvhash_plh *name);

/** The part of a space key behind "<prefix>/v1/": four segments. As kvstore_block_key_parse(). */
KVSTORE_API bool kvstore_space_path_parse(kvcore_bytes path, kvstore_identity *identity);

/** What the WombatKV scheme keeps under a hash. */
enum { KVSTORE_WOMBAT_BLOCK = 0, KVSTORE_WOMBAT_RAW_TAIL = 1 };

/** As that system writes it: prefix and namespace go in as they are. Errors: KVCORE_ECONFIG for an empty prefix;
 *  KVCORE_EINVAL for an unknown kind. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_wombat_key(kvcore_bytes prefix, kvcore_bytes name_space, int kind,
                                                              const kvcore_hash256 *hash, char *text, size_t capacity,
                                                              size_t *length);

/** Is this the key of a block? 64 hex digits of either case, and nothing else, after the first "/wombatkv/v1/block/b3=". */
KVSTORE_API bool kvstore_wombat_key_parse(kvcore_bytes key, kvcore_hash256 *hash);

/**
 * The display form of the name, in a folder of the rank when it is not negative.
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_dynamo_key(int32_t rank, kvhash_plh name, char *text,
                                                              size_t capacity, size_t *length);

/** The reverse; *rank −1 without a folder. Exact, as kvstore_block_key_parse(). */
KVSTORE_API bool kvstore_dynamo_key_parse(kvcore_bytes key, int32_t *rank, kvhash_plh *name);

#ifdef __cplusplus
}
#endif

#endif

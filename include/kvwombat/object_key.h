/**
 * @file
 * Names of objects in a bucket: blocks, sidecars, and the chunks of a write-ahead log (WAL).
 *
 * Two shapes of WAL names exist in the wild. The *chunk key* writes plain decimals; the *log key*, which the store really
 * uses and which can be read back, pads them to 20 digits. Nothing is escaped in either.
 *
 * Owns:    nothing; names go into the caller's buffer, NUL terminated; a parsed name is a view of the key.
 * Threads: any. Never allocates.
 * Errors:  where a name has no fixed size: KVCORE_EINVAL for NULL; KVCORE_EBUFFER when it does not fit, with its length
 *          (without NUL) in *length; capacity 0 asks for it.
 * Source:  WombatKV, wal_chunk_key, store WAL keys, ds4 object keys; pinned by wal_keys and chain_hashes of the wombat
 *          vectors.
 */
#ifndef KVWOMBAT_OBJECT_KEY_H
#define KVWOMBAT_OBJECT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a block's object key with its NUL. */
#define KVWOMBAT_BLOCK_OBJECT_KEY_BYTES 86
/** Bytes of a sidecar's object key with its NUL. */
#define KVWOMBAT_SIDECAR_OBJECT_KEY_BYTES 97

/** "wombatkv/v1/block/b3=<64 hex>" and its NUL. */
KVWOMBAT_API void kvwombat_block_object_key(const kvcore_hash256 *hash, char text[KVWOMBAT_BLOCK_OBJECT_KEY_BYTES]);
/** "wombatkv/v1/sidecar/raw_tail/b3=<64 hex of the last block>" and its NUL. */
KVWOMBAT_API void kvwombat_sidecar_object_key(const kvcore_hash256 *hash, char text[KVWOMBAT_SIDECAR_OBJECT_KEY_BYTES]);

/** What a chunk key is made of; texts are borrowed. */
typedef struct kvwombat_wal_chunk {
    kvcore_bytes tenant_id;   /**< Whose log. */
    kvcore_bytes fingerprint; /**< Of which model and settings. */
    kvcore_bytes node;        /**< Who wrote it. */
    uint64_t epoch_ms;        /**< Milliseconds since the Unix epoch. */
    uint64_t seq;             /**< Place in the log. */
} kvwombat_wal_chunk;

/**
 * "wal/<tenant>/<fingerprint>/<epoch_ms>/chunk-<node>-<seq>.bin".
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_chunk_key(const kvwombat_wal_chunk *chunk, char *text,
                                                                   size_t capacity, size_t *length);

/** A log object: one record, or a batch of them. */
typedef struct kvwombat_wal_object {
    kvcore_bytes node;  /**< "node-local" where an old name has none. Borrowed. */
    uint64_t epoch_ms;  /**< 0 in a legacy name. */
    uint64_t start_seq; /**< First sequence number. */
    uint64_t end_seq;   /**< start_seq for a single record. */
    bool batch;         /**< A batch, or a single record. */
    bool legacy;        /**< No epoch folder in the name. Only parsed, never written. */
} kvwombat_wal_object;

/**
 * "<namespace>/<epoch_ms>/chunk-<node>-<seq>.bin" or "<namespace>/<epoch_ms>/batch-<node>-<start>-<end>.bin", numbers
 * padded to 20 digits. `legacy` is ignored.
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_key(kvcore_bytes name_space, const kvwombat_wal_object *object,
                                                             char *text, size_t capacity, size_t *length);

/**
 * A log key of this namespace back into its parts; false, and *object untouched, for any other text. Padding is not asked
 * for, and numbers may start with '+'. Valid: object->node as long as the key.
 */
KVWOMBAT_API bool kvwombat_wal_key_parse(kvcore_bytes name_space, kvcore_bytes key, kvwombat_wal_object *object);

/** Into the order of replay: log keys by first sequence number, then text; after them all other texts. Cost: O(n log n). */
KVWOMBAT_API void kvwombat_wal_keys_sort(kvcore_bytes name_space, kvcore_bytes *keys, size_t count);

/**
 * A node id that is safe in a name: each character (Unicode scalar) other than an ASCII letter, digit or '-' becomes '-';
 * an empty text "node-local".
 *
 * Errors: KVCORE_EBUFFER with the length in *length; KVCORE_EINVAL for NULLs.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_node_id(kvcore_bytes node, char *text, size_t capacity,
                                                                 size_t *length);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file
 * The settings that WombatKV froze, and which values it accepts.
 *
 * Owns: nothing. Threads: any.
 * Source: WombatKV, frozen defaults. (64-token blocks are legal here but not in its engine chain; 384 the other way round.)
 */
#ifndef KVCORE_DEFAULTS_H
#define KVCORE_DEFAULTS_H

#include <stdint.h>

#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KVCORE_HASH_BLAKE3 = 0, KVCORE_HASH_XXHASH3 = 1 };
enum { KVCORE_WIRE_MSGPACK = 0, KVCORE_WIRE_FLATBUFFERS = 1, KVCORE_WIRE_CAPNP = 2 };

typedef struct kvcore_frozen_defaults {
    uint32_t block_size_tokens;   /**< 64, 128 or 256. */
    uint32_t wal_chunk_target_mb; /**< 8, 32 or 64. */
    uint32_t hash;                /**< KVCORE_HASH_… */
    uint32_t wire;                /**< KVCORE_WIRE_… */
} kvcore_frozen_defaults;

/** 128 tokens, 32 MB, BLAKE3, MsgPack. */
KVCORE_API kvcore_frozen_defaults kvcore_frozen_defaults_make(void);

/** Errors: KVCORE_EINVAL for NULL; KVCORE_ECONFIG for the first bad field, block size before chunk size, with its value in
 * error->actual. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_frozen_defaults_validate(const kvcore_frozen_defaults *defaults,
                                                                          kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

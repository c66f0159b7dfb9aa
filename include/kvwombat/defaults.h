/**
 * @file
 * The settings that WombatKV froze, and which values it accepts.
 *
 * Owns: nothing. Threads: any.
 * Source: WombatKV, frozen defaults. (64-token blocks are legal here but not in its engine chain; 384 the other way round.)
 */
#ifndef KVWOMBAT_DEFAULTS_H
#define KVWOMBAT_DEFAULTS_H

#include <stdint.h>

#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KVWOMBAT_HASH_BLAKE3 = 0, KVWOMBAT_HASH_XXHASH3 = 1 };
enum { KVWOMBAT_WIRE_MSGPACK = 0, KVWOMBAT_WIRE_FLATBUFFERS = 1, KVWOMBAT_WIRE_CAPNP = 2 };

/** Settings that cannot change in the life of a store. */
typedef struct kvwombat_frozen_defaults {
    uint32_t block_size_tokens;   /**< 64, 128 or 256. */
    uint32_t wal_chunk_target_mb; /**< 8, 32 or 64. */
    uint32_t hash;                /**< KVWOMBAT_HASH_… */
    uint32_t wire;                /**< KVWOMBAT_WIRE_… */
} kvwombat_frozen_defaults;

/** 128 tokens, 32 MB, BLAKE3, MsgPack. */
KVWOMBAT_API kvwombat_frozen_defaults kvwombat_frozen_defaults_make(void);

/** Errors: KVCORE_EINVAL for NULL; KVCORE_ECONFIG for the first bad field, block size before chunk size, with its value in
 * error->actual. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_frozen_defaults_validate(const kvwombat_frozen_defaults *defaults,
                                                                              kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

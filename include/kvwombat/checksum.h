/**
 * @file
 * FNV-1a, the checksum of the write-ahead log and of segments.
 *
 * Owns: nothing. Threads: any. Never allocates.
 * Source: WombatKV, checksum32 and store tokens; pinned by checksum32 of the wombat vectors.
 */
#ifndef KVWOMBAT_CHECKSUM_H
#define KVWOMBAT_CHECKSUM_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** FNV-1a of 32 bits. Empty: 0x811C9DC5. Not cryptographic, and easy to collide. */
KVWOMBAT_API uint32_t kvwombat_fnv32(kvcore_bytes bytes);

/** FNV-1a of 64 bits: the token of an object in the in-memory object store. */
KVWOMBAT_API uint64_t kvwombat_fnv64(kvcore_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif

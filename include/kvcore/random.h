/**
 * @file
 * Secrets: bytes that nobody can predict, and overwriting them after use.
 *
 * Owns: nothing. Threads: any. Source: the system's random number generator.
 */
#ifndef KVCORE_RANDOM_H
#define KVCORE_RANDOM_H

#include <stddef.h>

#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Fill `bytes` with random bytes.
 *
 * Errors: KVCORE_EINVAL for NULL with a size; KVCORE_EIO when the system gives none; the bytes are then undefined.
 * Cost:   a system call for each 256 bytes.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_random_fill(void *bytes, size_t size_bytes);

/** Overwrite a secret with zeros; no compiler leaves it out. NULL is ignored. */
KVCORE_API void kvcore_wipe(void *bytes, size_t size_bytes);

#ifdef __cplusplus
}
#endif

#endif

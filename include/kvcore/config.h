/**
 * @file
 * Configuration and result structs that may grow.
 *
 * A config struct begins with `size_t struct_size`, set by its _INIT macro; all other zeros mean the default.
 */
#ifndef KVCORE_CONFIG_H
#define KVCORE_CONFIG_H

#include <stddef.h>

#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No config struct of any version is larger: a struct_size above it was never set, and nothing beyond it is read. */
#define KVCORE_CONFIG_MOST_BYTES 4096

/**
 * Read a caller's config struct, which may be older (smaller) or newer (larger) than ours.
 *
 * Gives:  config, size_bytes of it: the caller's fields, zeros for those that the caller's struct lacks.
 * Errors: KVCORE_EINVAL when `given` is NULL, when its struct_size is too small to hold itself (the _INIT macro was
 *         forgotten), when it is above KVCORE_CONFIG_MOST_BYTES, or when it is larger than ours and the part that we do not know is not all zero: no option is ever
 *         ignored in silence.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_config_read(void *config, size_t size_bytes, const void *given,
                                                             kvcore_error *error);

/**
 * Write a result struct, which begins with `size_t struct_size` like a config, into a caller's, which may be older (smaller) or
 * newer (larger) than ours: as much as it has room for, zeros for what we do not know; its struct_size stays.
 *
 * Takes:  made: our struct, size_bytes of it.
 * Errors: KVCORE_EINVAL for NULL, or when result's struct_size is too small to hold itself or above KVCORE_CONFIG_MOST_BYTES;
 *         *result is then as it was.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_result_write(void *result, const void *made, size_t size_bytes,
                                                              kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

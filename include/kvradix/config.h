/**
 * @file
 * What an index is made with: the same for all three.
 */
#ifndef KVRADIX_CONFIG_H
#define KVRADIX_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most holders that one positional index can tell apart. */
#define KVRADIX_HOLDERS_MAX 1024

/** Start from KVRADIX_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvradix_config {
    size_t struct_size;
    size_t capacity; /**< entries to make room for at once; an index grows beyond it by doubling. 0: 1024 */
    size_t
        holder_capacity; /**< positional index only: 1 … KVRADIX_HOLDERS_MAX; a multiple of 64 wastes nothing. 0: 64 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
    uint64_t hash_seed; /**< keys the hash of the tables. 0: random, so that nobody can choose names that collide */
    size_t name_limit;  /**< positional index only: most names that it holds. 0: no limit */
    size_t holder_name_limit; /**< positional index only: most names that one holder has. 0: no limit */
} kvradix_config;

/** The values to start from. */
#define KVRADIX_CONFIG_INIT \
    { sizeof(kvradix_config), 0, 0, {NULL, NULL, NULL}, 0, 0, 0 }
/** KVRADIX_CONFIG_INIT as a function, for other languages. */
KVRADIX_API kvradix_config kvradix_config_init(void);

#ifdef __cplusplus
}
#endif

#endif

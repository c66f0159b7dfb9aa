#include "config.h"

#include <kvcore/config.h>

#include "allocator.h"
#include "table/table.h"

kvradix_config kvradix_config_init(void) { return (kvradix_config)KVRADIX_CONFIG_INIT; }

#define DEFAULT_CAPACITY 1024
#define DEFAULT_HOLDERS 64

kvcore_status kvradix__config_read(const kvradix_config *given, kvradix_config *config, kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status != KVCORE_OK) return status;
    if (config->capacity > TABLE_SLOTS_MAX / 2)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_ECONFIG,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = TABLE_SLOTS_MAX / 2,
                                           .actual = config->capacity},
                           "capacity %zu is beyond %u", config->capacity, TABLE_SLOTS_MAX / 2);
    if (config->holder_capacity > KVRADIX_HOLDERS_MAX)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_ECONFIG,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = KVRADIX_HOLDERS_MAX,
                                           .actual = config->holder_capacity},
                           "holder_capacity %zu is beyond %d", config->holder_capacity, KVRADIX_HOLDERS_MAX);
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX},
                           "allocator has one function of two");
    config->allocator = allocator_or_libc(&config->allocator);
    if (config->capacity == 0) config->capacity = DEFAULT_CAPACITY;
    if (config->holder_capacity == 0) config->holder_capacity = DEFAULT_HOLDERS;
    return KVCORE_OK;
}

/* The _INIT macros as functions. */
#include <kvstore/backend.h>

kvstore_options kvstore_options_init(void) { return (kvstore_options)KVSTORE_OPTIONS_INIT; }
kvstore_directory_config kvstore_directory_config_init(void) {
    return (kvstore_directory_config)KVSTORE_DIRECTORY_CONFIG_INIT;
}
kvstore_space_config kvstore_space_config_init(void) { return (kvstore_space_config)KVSTORE_SPACE_CONFIG_INIT; }
kvstore_batch kvstore_batch_init(void) { return (kvstore_batch)KVSTORE_BATCH_INIT; }
kvstore_stats kvstore_stats_init(void) { return (kvstore_stats)KVSTORE_STATS_INIT; }
kvstore_backend kvstore_backend_init(void) { return (kvstore_backend)KVSTORE_BACKEND_INIT; }

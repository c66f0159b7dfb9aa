/* Reading the config that all indexes share. Private to radix. */
#ifndef RADIX_CONFIG_H
#define RADIX_CONFIG_H

#include <kvcore/status.h>
#include <kvradix/config.h>

/* With the defaults filled in. Errors: KVCORE_EINVAL, KVCORE_ECONFIG. */
kvcore_status kvradix__config_read(const kvradix_config *given, kvradix_config *config, kvcore_error *error);

#endif

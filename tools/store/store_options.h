/* Which store, and whose blocks: the options of 'kvstrata store'. */
#ifndef TOOLS_STORE_OPTIONS_H
#define TOOLS_STORE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include <kvstore/store.h>

typedef struct store_options {
    const char *action, *address;
    char **arguments; /* what follows the address */
    unsigned count;
    kvstore_space_config whose;
    const char *credentials; /* "env", or "file[:PATH]" */
    const char *profile;
    uint64_t to_bytes, rate;
    bool has_to, json, force, whole_space, prometheus, sync;
} store_options;

extern const struct argp store_argp;

/* An open store; NULL after a complaint, with the exit code in *code. */
kvstore *store_of(const store_options *options, int *code);
kvstore_space *store_space_of(kvstore *store, const store_options *options, int *code);

#endif

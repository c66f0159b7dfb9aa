/* What the user asked of `kvstrata curve`. */
#ifndef TOOLS_ANSWERS_CURVE_OPTIONS_H
#define TOOLS_ANSWERS_CURVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct curve_options {
    const char **files;
    size_t file_count;
    uint32_t block_tokens;
    uint64_t bytes_per_block; /* 0: not said */
    bool full_blocks, json;
    uint64_t *at; /* capacities besides the ladder */
    size_t at_count;
    uint64_t rows;   /* instead of the ladder; 0: the ladder */
    uint64_t device; /* of the host tiers */
    uint64_t *hosts;
    size_t host_count;
    uint64_t *limits_ms;
    size_t limit_count;
    uint64_t *groups;
    size_t group_count;
    const char *tenant_key;
    const char *every, *plot;
} curve_options;

/* Gives an exit code, having complained. curve_options_clear() is due in any case. */
int curve_options_read(int argc, char **argv, curve_options *options);
void curve_options_clear(curve_options *options);

#endif

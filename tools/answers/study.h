/* Traces read once, and all that curve and advise ask of them. */
#ifndef TOOLS_ANSWERS_STUDY_H
#define TOOLS_ANSWERS_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvanswers/curve.h>
#include <kvanswers/tenants.h>
#include <kvanswers/trace.h>
#include <kvanswers/ttl.h>

#include "replay/trace.h"

/* What is wanted. The lists are borrowed. */
typedef struct study_config {
    const char *const *files;
    size_t file_count;
    uint32_t block_tokens;
    bool full_blocks;       /* only these take part */
    const char *tenant_key; /* NULL: no tenants */
    const uint64_t *limits_ms;
    size_t limit_count;
    const uint64_t *groups; /* blocks a group */
    size_t group_count;
    bool keep; /* the trace, for replays */
    /* Called for each request, before it is counted; NULL: not. Gives an exit code. */
    int (*each)(void *context, const trace_request *request, size_t blocks);
    void *each_context;
} study_config;

/* All zero is an empty one. */
typedef struct study {
    study_config config;
    kvanswers_curve *curve;
    kvanswers_trace *trace;     /* NULL unless kept */
    kvanswers_ttl *ttl;         /* NULL without limits */
    kvanswers_curve **groups;   /* one for each of the config's */
    kvanswers_tenants *tenants; /* NULL without a key */
    char (*tenant_names)[TRACE_TENANT_BYTES];
    size_t tenant_count, tenant_capacity;
    uint64_t partial_tokens; /* in blocks that are not full */
    bool timed;              /* every request has a time */
    uint64_t *names, *group_names;
    size_t name_capacity;
    trace_request request;
} study;

/* Read all files. Gives an exit code, having complained. study_close() is due in any case. */
int study_read(study *s, const study_config *config);

void study_close(study *s);

/* The file as the reports say it. */
const char *study_file_name(const char *file);

#endif

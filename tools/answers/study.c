#include "answers/study.h"

#include <stdlib.h>
#include <string.h>

#include "shared/command.h"
#include "shared/lines.h"
#include "shared/progress.h"

static kvcore_status out_of_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
}

static kvcore_status make_curve(kvanswers_curve **curve, uint32_t block_tokens, kvcore_error *error) {
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.block_tokens = block_tokens;
    return kvanswers_curve_create(&config, curve, error);
}

static kvcore_status study_open(study *s, const study_config *config, kvcore_error *error) {
    *s = (study){.config = *config, .timed = true};
    s->request.tenant_key = config->tenant_key;
    kvcore_status status = make_curve(&s->curve, config->block_tokens, error);
    if (status == KVCORE_OK && config->keep) status = kvanswers_trace_create(NULL, &s->trace);
    if (status == KVCORE_OK && config->limit_count != 0)
        status = kvanswers_ttl_create(config->limits_ms, config->limit_count, NULL, &s->ttl);
    if (status == KVCORE_OK && config->tenant_key != NULL)
        status = kvanswers_tenants_create(config->block_tokens, NULL, &s->tenants);
    s->groups = calloc(config->group_count + 1, sizeof *s->groups);
    if (s->groups == NULL) return out_of_memory(error);
    for (size_t i = 0; i < config->group_count && status == KVCORE_OK; i++)
        status = make_curve(&s->groups[i], config->block_tokens * (uint32_t)config->groups[i], error);
    return status;
}

void study_close(study *s) {
    kvanswers_curve_destroy(s->curve);
    kvanswers_trace_destroy(s->trace);
    kvanswers_ttl_destroy(s->ttl);
    kvanswers_tenants_destroy(s->tenants);
    for (size_t i = 0; s->groups != NULL && i < s->config.group_count; i++) kvanswers_curve_destroy(s->groups[i]);
    free(s->groups);
    free(s->tenant_names);
    free(s->names);
    free(s->group_names);
    trace_request_clear(&s->request);
    *s = (study){.names = NULL};
}

/* ---- one request ---- */

static kvcore_status reserve_names(study *s, size_t count) {
    if (count <= s->name_capacity) return KVCORE_OK;
    free(s->names);
    free(s->group_names);
    s->names = malloc(count * sizeof *s->names);
    s->group_names = malloc(count * sizeof *s->group_names);
    s->name_capacity = s->names != NULL && s->group_names != NULL ? count : 0;
    return s->name_capacity != 0 ? KVCORE_OK : KVCORE_ENOMEM;
}

/* The tenant's number; those that come first get the first ones. */
static kvcore_status number_tenant(study *s, size_t *number) {
    for (*number = 0; *number < s->tenant_count; ++*number)
        if (strcmp(s->tenant_names[*number], s->request.tenant) == 0) return KVCORE_OK;
    if (s->tenant_count == s->tenant_capacity) {
        size_t capacity = 2 * s->tenant_capacity + 16;
        void *grown = realloc(s->tenant_names, capacity * sizeof *s->tenant_names);
        if (grown == NULL) return KVCORE_ENOMEM;
        s->tenant_names = grown;
        s->tenant_capacity = capacity;
    }
    memcpy(s->tenant_names[s->tenant_count++], s->request.tenant, TRACE_TENANT_BYTES);
    return KVCORE_OK;
}

static kvcore_status count_tenant(study *s, const kvanswers_request *request) {
    size_t number;
    kvcore_status status = number_tenant(s, &number);
    return status == KVCORE_OK ? kvanswers_tenants_observe(s->tenants, number, s->curve, request) : status;
}

static kvcore_status count_groups(study *s, size_t full_blocks) {
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < s->config.group_count && status == KVCORE_OK; i++) {
        kvanswers_request request = {.names = s->group_names};
        request.count = kvanswers_group_names(s->names, full_blocks, s->config.groups[i], s->group_names);
        status = kvanswers_curve_observe(s->groups[i], &request);
    }
    return status;
}

static size_t full_blocks(const study *s) {
    const trace_request *r = &s->request;
    return r->has_input_tokens ? kvanswers_full_blocks(r->input_tokens, s->config.block_tokens, r->count) : r->count;
}

static kvcore_status count_request(study *s) {
    size_t full = full_blocks(s);
    kvcore_status status = reserve_names(s, s->request.count);
    if (status == KVCORE_OK) status = kvanswers_names(s->request.ids, s->request.count, s->names);
    uint32_t last = trace_last_block_tokens(&s->request, s->config.block_tokens);
    if (last < s->config.block_tokens) s->partial_tokens += last;
    s->timed = s->timed && s->request.has_time;
    kvanswers_request request = {s->names, s->config.full_blocks ? full : s->request.count, s->request.time_ms, last};
    if (s->config.full_blocks) request.last_block_tokens = 0;
    if (status == KVCORE_OK) status = kvanswers_curve_observe(s->curve, &request);
    if (status == KVCORE_OK && s->trace != NULL) status = kvanswers_trace_add(s->trace, &request);
    if (status == KVCORE_OK && s->ttl != NULL) status = kvanswers_ttl_observe(s->ttl, s->curve, &request);
    if (status == KVCORE_OK && s->tenants != NULL) status = count_tenant(s, &request);
    return status == KVCORE_OK ? count_groups(s, full) : status;
}

/* ---- files ---- */

const char *study_file_name(const char *file) { return strcmp(file, "-") == 0 ? "standard input" : file; }

static kvcore_status serve_line(study *s, char *text, size_t length, int *code, kvcore_error *error) {
    kvcore_status status = trace_parse(text, length, &s->request, error);
    if (status != KVCORE_OK) return status;
    if (s->config.each != NULL)
        *code = s->config.each(s->config.each_context, &s->request,
                               s->config.full_blocks ? full_blocks(s) : s->request.count);
    status = count_request(s);
    if (status != KVCORE_OK) kvcore_fail(error, &(kvcore_error){.code = status}, "%s", kvcore_status_text(status));
    return status;
}

static int read_file(study *s, const char *name, progress_bar *progress) {
    line_reader lines;
    kvcore_error error;
    if (lines_open(&lines, name, &error) != KVCORE_OK) return complain_at(name, 0, &error);
    kvcore_status status;
    char *text = NULL;
    size_t length = 0;
    uint64_t count = 0;
    int code = EXIT_OK;
    while ((status = lines_next(&lines, &text, &length, &error)) == KVCORE_OK && text != NULL) {
        status = serve_line(s, text, length, &code, &error);
        if (status != KVCORE_OK || code != EXIT_OK) break;
        progress_update(progress, study_file_name(name), lines_position(&lines), lines.size_bytes, ++count, "requests");
    }
    uint64_t line = lines.number;
    lines_close(&lines);
    if (status == KVCORE_OK) return code;
    progress_end(progress);
    return complain_at(name, line, &error);
}

int study_read(study *s, const study_config *config) {
    kvcore_error error;
    kvcore_status status = study_open(s, config, &error);
    if (status != KVCORE_OK) return complain(exit_code_of(status), "%s", kvcore_status_text(status));
    progress_bar progress;
    int code = EXIT_OK;
    progress_start(&progress);
    for (size_t i = 0; i < config->file_count && code == EXIT_OK; i++) code = read_file(s, config->files[i], &progress);
    progress_end(&progress);
    return code;
}

/* Any bytes as a trace file, plain or gzip: read line by line, as `kvstrata replay` does. What is accepted must read the same
 * when it is written out again. */
/* NOLINTNEXTLINE: memfd_create() asks for it */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "replay/trace.h"
#include "shared/lines.h"

static void check_error(kvcore_status status, const kvcore_error *error) {
    bool known = status == KVCORE_EFORMAT || status == KVCORE_EOVERFLOW;
    if (!known || error->code != status || strncmp(error->text, "expected ", 9) != 0) abort();
}

static void check_again(const trace_request *request) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) abort();
    fputs("{\"hash_ids\":[", out);
    for (size_t i = 0; i < request->count; i++)
        fprintf(out, "%s%llu", i > 0 ? "," : "", (unsigned long long)request->ids[i]);
    fputs("]", out);
    if (request->has_input_tokens) fprintf(out, ",\"input_length\":%llu", (unsigned long long)request->input_tokens);
    fputs("}", out);
    fclose(out);
    trace_request again = {.ids = NULL};
    if (trace_parse(text, length, &again, NULL) != KVCORE_OK || again.count != request->count) abort();
    if (again.has_input_tokens != request->has_input_tokens) abort();
    if (again.has_input_tokens && again.input_tokens != request->input_tokens) abort();
    for (size_t i = 0; i < again.count; i++)
        if (again.ids[i] != request->ids[i]) abort();
    uint32_t last = trace_last_block_tokens(request, 512);
    if (last < 1 || last > 512) abort();
    trace_request_clear(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int file = memfd_create("trace", MFD_CLOEXEC);
    char name[40];
    if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    line_reader lines;
    kvcore_error error;
    if (lines_open(&lines, name, &error) != KVCORE_OK) abort();
    trace_request request = {.ids = NULL};
    for (;;) {
        char *text = NULL;
        size_t length = 0;
        kvcore_status status = lines_next(&lines, &text, &length, &error);
        if (status != KVCORE_OK) check_error(status, &error);
        if (status != KVCORE_OK || text == NULL) break;
        if (memchr(text, '\n', length) != NULL) abort();
        status = trace_parse(text, length, &request, &error);
        if (status == KVCORE_OK)
            check_again(&request);
        else
            check_error(status, &error);
    }
    trace_request_clear(&request);
    lines_close(&lines);
    close(file);
    return 0;
}

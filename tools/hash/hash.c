/* kvstrata hash: requests as JSON lines in, the names and hashes of their blocks as JSON lines out. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "hash/explain.h"
#include "hash/hash_request.h"
#include "hash/scheme_names.h"
#include "shared/command.h"
#include "shared/lines.h"

typedef struct hash_options {
    const char **files;
    size_t file_count;
    scheme_set *schemes;
    uint64_t block;
    bool explains;
    bool list_schemes;
} hash_options;

typedef struct hash_job {
    hash_options options;
    scheme_set schemes;
    explainer explainer;
    hash_request request;
    kvhash_block *blocks;
    kvhash_mm_run *sorted;
    size_t block_capacity, run_capacity;
} hash_job;

enum { OPTION_LIST_SCHEMES = 256 };

static const struct argp_option option_table[] = {
    {"scheme", 's', "LIST", 0, "Name the blocks as these systems do, too", 0},
    {"explain", 'x', "BLOCK", 0, "Print the bytes that are hashed for this block, from 0, in place of the answers", 0},
    {"list-schemes", OPTION_LIST_SCHEMES, NULL, 0, "Say which schemes there are, and what they take of a request", 0},
    {0},
};

static void parse_schemes(struct argp_state *state, hash_options *options, const char *list) {
    kvcore_error error;
    if (scheme_set_parse(options->schemes, list, &error) != KVCORE_OK) argp_error(state, "%s", error.text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    hash_options *options = state->input;
    switch (key) {
    case 's': parse_schemes(state, options, argument); return 0;
    case 'x':
        options->explains = true;
        if (parse_count(argument, &options->block) != KVCORE_OK || options->block >= SIZE_MAX)
            argp_error(state, "expected a block's number, found '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        if (options->explains && options->schemes->count == 0) argp_error(state, "expected --scheme with --explain");
        return 0;
    case OPTION_LIST_SCHEMES: options->list_schemes = true; return 0;
    case ARGP_KEY_ARG: options->files[options->file_count++] = argument; return 0;
    case ARGP_KEY_NO_ARGS:
        if (options->list_schemes) return 0;
        if (isatty(STDIN_FILENO)) argp_error(state, "expected a FILE, or requests on standard input");
        options->files[options->file_count++] = "-";
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "[FILE|-]...",
    .doc = "Name the blocks of requests: one JSON object a line in, one a line out, in order.\v"
           "A request has tokens and block_size, and may have name, salt, lora_name and mm_info; the answer is "
           "{\"name\": ..., \"expect\": {...}} with the blocks, or with an error for a request that has no hashes. "
           "Without "
           "FILE, or for '-', standard input is read; gzip is fine. kvstrata(1) lists the fields.",
};

/* ---- output: keys in alphabetical order ---- */

static void print_u64(const char *key, uint64_t value) { printf("\"%s\":\"%" PRIu64 "\"", key, value); }

static void print_blocks(const kvhash_block *blocks, size_t count) {
    fputs("\"blocks\":[", stdout);
    for (size_t i = 0; i < count; i++) {
        kvhash_plh plh = blocks[i].plh;
        char display[KVHASH_PLH_TEXT_BYTES];
        kvhash_plh_format(plh, display);
        fputs(i > 0 ? ",{" : "{", stdout);
        print_u64("block_hash", blocks[i].block_hash);
        printf(",\"display\":\"%s\",\"mode\":%u,", display, kvhash_plh_mode(plh));
        print_u64("parent_fragment", kvhash_plh_parent_fragment(plh));
        printf(",\"plh\":\"%016" PRIx64 "%016" PRIx64 "\",\"position\":%" PRIu32
               ",\"positional_sequence_hash\":\"%016" PRIx64 "%016" PRIx64 "\",",
               plh.high, plh.low, kvhash_plh_position(plh), blocks[i].psh.high, blocks[i].psh.low);
        print_u64("sequence_hash", blocks[i].sequence_hash);
        fputc('}', stdout);
    }
    fputs("],\"error\":null", stdout);
}

static void print_sorted_runs(const kvhash_mm_run *runs, size_t count) {
    fputs(",\"mm_sorted\":[", stdout);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",{" : "{", stdout);
        print_u64("length", runs[i].length);
        fputc(',', stdout);
        print_u64("mm_hash", runs[i].mm_hash);
        fputc(',', stdout);
        print_u64("offset", runs[i].offset);
        fputc('}', stdout);
    }
    fputc(']', stdout);
}

/* The variants and messages of dynamo-kv-hashing; what that one aborts on is named here. */
static void print_error(const hash_job *job, const kvcore_error *error) {
    const kvhash_request *request = &job->request.request;
    uint64_t offset = error->offset, length = error->length;
    fputs("\"blocks\":null,\"error\":{", stdout);
    switch (error->code) {
    case KVHASH_EEMPTY_RUN:
        fputs("\"message\":\"mm_info length must be greater than zero\",\"variant\":\"EmptyRun\"", stdout);
        break;
    case KVHASH_EOFFSET_OVERFLOW:
        print_u64("length", length);
        printf(",\"message\":\"mm_info range starting at %" PRIu64 " (length %" PRIu64 ") overflows usize\",", offset,
               length);
        print_u64("offset", offset);
        fputs(",\"variant\":\"OffsetOverflow\"", stdout);
        break;
    case KVHASH_EOUT_OF_BOUNDS:
        print_u64("length", length);
        printf(",\"message\":\"mm_info range starting at %" PRIu64 " (length %" PRIu64 ") exceeds tokens length %zu\",",
               offset, length, request->token_count);
        print_u64("offset", offset);
        fputc(',', stdout);
        print_u64("tokens_len", request->token_count);
        fputs(",\"variant\":\"OutOfBounds\"", stdout);
        break;
    case KVHASH_EOVERLAP:
        printf("\"message\":\"mm_info ranges overlap at position %" PRIu64 "\",", offset);
        print_u64("position", offset);
        fputs(",\"variant\":\"Overlapping\"", stdout);
        break;
    case KVHASH_EBLOCK_SIZE:
        fputs("\"message\":\"block_size must be greater than zero\",\"variant\":\"BlockSize\"", stdout);
        break;
    case KVHASH_EPOSITION:
        printf("\"message\":\"%zu blocks of %" PRIu32
               " tokens exceed the maximum of 16777216 blocks\",\"variant\":\"Position\"",
               request->token_count / request->block_tokens, request->block_tokens);
        break;
    default: printf("\"message\":\"%s\",\"variant\":\"Unsupported\"", kvcore_status_text(error->code)); break;
    }
    fputc('}', stdout);
}

/* ---- one request ---- */

static bool grow(void **memory, size_t *capacity, size_t count, size_t size_bytes) {
    if (count <= *capacity) return true;
    free(*memory);
    *memory = calloc(count, size_bytes);
    *capacity = *memory != NULL ? count : 0;
    return *memory != NULL;
}

static kvcore_status hash_blocks(hash_job *job, size_t *count, kvcore_error *error) {
    const kvhash_request *request = &job->request.request;
    kvcore_status status = KVCORE_OK;
    void *blocks = job->blocks, *sorted = job->sorted;
    if (!grow(&sorted, &job->run_capacity, request->run_count, sizeof *job->sorted)) status = KVCORE_ENOMEM;
    job->sorted = sorted;
    if (status == KVCORE_OK)
        status = kvhash_mm_sort(request->runs, request->run_count, request->token_count, job->sorted, error);
    if (status != KVCORE_OK) return status;
    status = kvhash_request_count(request, count, error);
    if (status != KVCORE_OK) return status;
    if (!grow(&blocks, &job->block_capacity, *count, sizeof *job->blocks)) status = KVCORE_ENOMEM;
    job->blocks = blocks;
    kvhash_request ordered = *request;
    ordered.runs = job->sorted;
    return status == KVCORE_OK ? kvhash_request_blocks(&ordered, job->blocks, *count, count, error) : status;
}

static kvcore_status answer(hash_job *job, kvcore_error *error) {
    const kvhash_request *request = &job->request.request;
    size_t count = 0;
    uint64_t salt_hash;
    kvcore_status status = kvhash_request_salt_hash(request, &salt_hash, error);
    if (status != KVCORE_OK) return status;
    status = hash_blocks(job, &count, error);
    if (status == KVCORE_ENOMEM) return kvcore_fail(error, &(kvcore_error){.code = status}, "out of memory");
    kvcore_error refusal;
    if (scheme_set_name(&job->schemes, &job->request, &refusal) != KVCORE_OK) {
        *error = refusal;
        return refusal.code;
    }
    printf("{\"name\":%s,\"expect\":{",
           json_object_to_json_string_ext(job->request.name, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    if (status == KVCORE_OK)
        print_blocks(job->blocks, count);
    else
        print_error(job, error);
    if (status == KVCORE_OK && request->run_count > 0) print_sorted_runs(job->sorted, request->run_count);
    fputc(',', stdout);
    print_u64("salt_hash", salt_hash);
    fputc('}', stdout);
    if (job->schemes.count > 0) scheme_set_print(stdout, &job->schemes);
    fputs("}\n", stdout);
    return KVCORE_OK;
}

static kvcore_status explain_line(hash_job *job, const char *file, uint64_t line, kvcore_error *error) {
    char place[100];
    snprintf(place, sizeof place, "%s:%" PRIu64, file, line);
    kvcore_status status = scheme_set_name(&job->schemes, &job->request, error);
    return status == KVCORE_OK ? explain(&job->explainer, stdout, &job->schemes, place, error) : status;
}

static int hash_file(hash_job *job, const char *name) {
    line_reader lines;
    kvcore_error error;
    if (lines_open(&lines, name, &error) != KVCORE_OK) return complain_at(name, 0, &error);
    kvcore_status status;
    char *text = NULL;
    size_t length = 0;
    while ((status = lines_next(&lines, &text, &length, &error)) == KVCORE_OK && text != NULL && !ferror(stdout)) {
        status = hash_request_read(&job->request, text, length, &error);
        if (status == KVCORE_OK)
            status = job->options.explains ? explain_line(job, name, lines.number, &error) : answer(job, &error);
        if (status != KVCORE_OK) break;
    }
    uint64_t line = lines.number;
    lines_close(&lines);
    if (status == KVCORE_OK) return EXIT_OK;
    fflush(stdout); /* the answers before the bad line come first where both go to one terminal */
    return complain_at(name, line, &error);
}

int command_hash(int argc, char **argv) {
    hash_job job = {.block_capacity = 0};
    job.options.schemes = &job.schemes;
    job.options.files = calloc((size_t)argc + 1, sizeof *job.options.files);
    if (job.options.files == NULL) return complain(EXIT_SYSTEM, "out of memory");
    int code = argp_parse(&parser, argc, argv, 0, NULL, &job.options) == 0 ? EXIT_OK : EXIT_USAGE;
    if (code == EXIT_OK && job.options.list_schemes) scheme_list_print(stdout);
    job.explainer.block = (size_t)job.options.block;
    for (size_t i = 0; i < job.options.file_count && code == EXIT_OK; i++) code = hash_file(&job, job.options.files[i]);
    scheme_set_clear(&job.schemes);
    explainer_clear(&job.explainer);
    hash_request_clear(&job.request);
    free(job.blocks);
    free(job.sorted);
    free(job.options.files);
    return code;
}

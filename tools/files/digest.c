/* kvstrata digest: the identity of a model, from its files. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvcore/identity.h>

#include "shared/command.h"

typedef struct digest_job {
    kvcore_model_file *files;
    size_t count;
} digest_job;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    digest_job *job = state->input;
    const char *slash;
    switch (key) {
    case ARGP_KEY_ARG:
        slash = strrchr(argument, '/');
        job->files[job->count++] = (kvcore_model_file){slash != NULL ? slash + 1 : argument, argument};
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a file"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc = "Print the model digest of files: 48 hexadecimal digits.\v"
           "One file has the first 24 bytes of its SHA-256. Several files (weights, tokenizer, configuration) have one "
           "digest together, of their base names and contents, whatever folder they lie in and whatever order they are "
           "named in.",
};

int command_digest(int argc, char **argv) {
    digest_job job = {calloc((size_t)argc + 1, sizeof *job.files), 0};
    if (job.files == NULL) return complain(EXIT_SYSTEM, "out of memory");
    int code = argp_parse(&parser, argc, argv, 0, NULL, &job) == 0 ? EXIT_OK : EXIT_USAGE;
    kvcore_model_digest digest;
    kvcore_error error;
    if (code == EXIT_OK) {
        kvcore_status status = job.count == 1 ? kvcore_model_digest_of_file(job.files[0].path, &digest, &error)
                                              : kvcore_model_digest_of_files(job.files, job.count, &digest, &error);
        if (status != KVCORE_OK) code = complain(status == KVCORE_EINVAL ? EXIT_USAGE : EXIT_SYSTEM, "%s", error.text);
    }
    if (code == EXIT_OK) {
        char text[KVCORE_MODEL_DIGEST_TEXT_BYTES];
        kvcore_model_digest_format(&digest, text);
        puts(text);
    }
    free(job.files);
    return code;
}

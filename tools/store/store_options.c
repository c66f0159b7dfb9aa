#include "store/store_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvstore_s3/s3.h>

#include "shared/command.h"

static uint64_t number(struct argp_state *state, const char *what, const char *text, uint64_t most) {
    uint64_t value = 0;
    if (parse_count(text, &value) != KVCORE_OK || value > most)
        argp_error(state, "--%s: expected a number up to %llu, found '%s'", what, (unsigned long long)most, text);
    return value;
}

static void parse_shard(struct argp_state *state, const char *text, kvstore_space_config *whose) {
    char *of, *end = NULL;
    unsigned long rank = strtoul(text, &of, 10), ranks = 0;
    bool digits = *text >= '0' && *text <= '9' && strncmp(of, "of", 2) == 0 && of[2] >= '0' && of[2] <= '9';
    if (digits) ranks = strtoul(of + 2, &end, 10);
    if (!digits || *end != '\0' || ranks == 0 || ranks > 65535 || rank >= ranks)
        argp_error(state, "--shard: expected RANKofRANKS, such as 0of8, found '%s'", text);
    whose->rank = (uint16_t)rank;
    whose->ranks = (uint16_t)ranks;
}

static error_t parse_argument(store_options *options, char *argument) {
    if (options->action == NULL)
        options->action = argument;
    else if (options->address == NULL)
        options->address = argument;
    else
        options->arguments[options->count++] = argument;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    store_options *options = state->input;
    switch (key) {
    case 'T': options->whose.tenant = kvcore_text(argument); return 0;
    case 'm':
        if (kvcore_model_digest_parse(kvcore_text(argument), &options->whose.model) != KVCORE_OK)
            argp_error(state, "--model: expected 48 hexadecimal digits, found '%s'", argument);
        return 0;
    case 'l':
        if (kvcore_layout_tag_make(kvcore_text(argument), &options->whose.layout) != KVCORE_OK)
            argp_error(state, "--layout: expected at most 16 characters of ASCII, found '%s'", argument);
        return 0;
    case 't': options->whose.block_tokens = (uint32_t)number(state, "tokens", argument, UINT32_MAX); return 0;
    case 's': parse_shard(state, argument, &options->whose); return 0;
    case 'g': options->whose.group = (uint16_t)number(state, "group", argument, UINT16_MAX); return 0;
    case 'c': options->credentials = argument; return 0;
    case 'p': options->profile = argument; return 0;
    case 'B':
        options->to_bytes = number(state, "to", argument, UINT64_MAX);
        options->has_to = true;
        return 0;
    case 'r': options->rate = number(state, "rate", argument, UINT64_MAX); return 0;
    case 'j': options->json = true; return 0;
    case 'f': options->force = true; return 0;
    case 'S': options->whole_space = true; return 0;
    case 'P': options->prometheus = true; return 0;
    case 'y': options->sync = true; return 0;
    case ARGP_KEY_ARG: return parse_argument(options, argument);
    case ARGP_KEY_END:
        if (options->address == NULL) argp_error(state, "expected an action and a directory or s3:// address");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"tenant", 'T', "TEXT", 0, "Whose blocks", 0},
    {"model", 'm', "DIGEST", 0, "Of which model: 48 hexadecimal digits", 0},
    {"layout", 'l', "TAG", 0, "Laid out how", 0},
    {"tokens", 't', "N", 0, "Tokens a block", 0},
    {"shard", 's', "RofN", 0, "Rank of how many ranks (0of1)", 0},
    {"group", 'g', "N", 0, "Group of a hybrid model (0)", 0},
    {"credentials", 'c', "env|file[:PATH]", 0, "Where the key of a bucket comes from; none is guessed", 0},
    {"profile", 'p', "NAME", 0, "Section of the credentials file (default)", 0},
    {"to", 'B', "BYTES", 0, "evict: until so many are left", 0},
    {"rate", 'r', "BYTES", 0, "verify: at most so many a second", 0},
    {"force", 'f', NULL, 0, "put: also what is there", 0},
    {"sync", 'y', NULL, 0, "put: stored means on the disk", 0},
    {"space", 'S', NULL, 0, "rm: all blocks of the space", 0},
    {"json", 'j', NULL, 0, "ls, verify: one JSON object a line", 0},
    {"prometheus", 'P', NULL, 0, "stat: as Prometheus reads it", 0},
    {0}};

const struct argp store_argp = {
    .options = list,
    .parser = parse_option,
    .args_doc = "put ADDRESS FOLDER\nget ADDRESS FOLDER [NAME...]\nls ADDRESS\nstat ADDRESS\nverify ADDRESS\n"
                "evict --to=BYTES ADDRESS\nrm ADDRESS NAME...",
    .doc = "Put, fetch, list and check blocks in a store.\v"
           "ADDRESS is a directory, or s3://BUCKET[/PREFIX]?endpoint=https://HOST[:PORT][&region=REGION]. A payload's "
           "file is "
           "named by its block: 32 hexadecimal digits and .kv. What is not said of whose blocks they are counts as not "
           "said.",
};

/* ---- opening ---- */

static int fail(const char *address, const kvcore_error *error) {
    complain(EXIT_SYSTEM, "%s: %s", address, error->text);
    return error->code == KVCORE_ECONFIG || error->code == KVCORE_EINVAL ? EXIT_USAGE : EXIT_SYSTEM;
}

/* The value of "name=" in "a=1&b=2", cut out of the text; NULL when it is not there. */
static char *take_value(char *query, const char *name) {
    size_t length = strlen(name);
    for (char *at = query; at != NULL && *at != '\0';) {
        char *end = strchr(at, '&');
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            if (end != NULL) *end = '\0';
            return at + length + 1;
        }
        at = end == NULL ? NULL : end + 1;
    }
    return NULL;
}

static kvstore *open_bucket(const store_options *options, int *code) {
    kvstore_s3_config config = KVSTORE_S3_CONFIG_INIT;
    kvstore *store = NULL;
    kvcore_error error;
    char *address = strdup(options->address + 5), *query = NULL, *again = NULL, path[4096];
    if (address != NULL && (query = strchr(address, '?')) != NULL) *query++ = '\0';
    again = query == NULL ? NULL : strdup(query);
    if (address == NULL || (query != NULL && again == NULL)) {
        free(address);
        *code = complain(EXIT_SYSTEM, "out of memory");
        return NULL;
    }
    char *slash = strchr(address, '/');
    if (slash != NULL) *slash++ = '\0';
    config.bucket = address;
    config.prefix = slash;
    config.endpoint = take_value(query, "endpoint");
    config.region = take_value(again, "region");
    config.profile = options->profile;
    if (options->credentials != NULL && strcmp(options->credentials, "env") == 0) {
        config.provider = KVSTORE_S3_CREDENTIALS_ENVIRONMENT;
    } else if (options->credentials != NULL && strncmp(options->credentials, "file", 4) == 0) {
        const char *home = getenv("HOME");
        snprintf(path, sizeof path, "%s/.aws/credentials", home == NULL ? "" : home);
        config.provider = KVSTORE_S3_CREDENTIALS_FILE;
        config.credentials_file = options->credentials[4] == ':' ? options->credentials + 5 : path;
    }
    if (kvstore_s3_open(&config, &store, NULL, &error) != KVCORE_OK) *code = fail(options->address, &error);
    free(address);
    free(again);
    return store;
}

kvstore *store_of(const store_options *options, int *code) {
    if (strncmp(options->address, "s3://", 5) == 0) return open_bucket(options, code);
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore *store = NULL;
    kvcore_error error;
    config.root = options->address;
    config.durability = options->sync ? KVSTORE_DURABILITY_SYNC : KVSTORE_DURABILITY_CACHE;
    if (kvstore_open_directory(&config, &store, &error) != KVCORE_OK) *code = fail(options->address, &error);
    return store;
}

kvstore_space *store_space_of(kvstore *store, const store_options *options, int *code) {
    kvstore_space_config whose = options->whose;
    kvstore_space *space = NULL;
    kvcore_error error;
    whose.unidentified = true;
    if (kvstore_space_open(store, &whose, &space, &error) == KVCORE_OK) return space;
    *code = fail(options->address, &error);
    return NULL;
}

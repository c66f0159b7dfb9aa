/* kvstrata store: put, get, ls, stat, verify, evict and rm, on a directory or a bucket. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include <kvcore/text.h>

#include "shared/block_file.h"
#include "shared/command.h"
#include "shared/progress.h"
#include "store/store_options.h"

static int fail(const char *what, const kvcore_error *error) {
    complain(EXIT_SYSTEM, "%s: %s", what, error->text);
    return exit_code_of(error->code);
}

/* One block, in the thread that polls. */
static kvcore_status move_block(kvstore_space *space, kvhash_plh name, kvstore_span span, bool put, bool force,
                                kvstore_result *result, kvcore_error *error) {
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = &name;
    batch.count = 1;
    batch.spans = &span;
    batch.spans_per_block = 1;
    batch.results = result;
    batch.deadline_ms = 60000;
    batch.force = force;
    return put ? kvstore_put(space, &batch, NULL, error) : kvstore_get(space, &batch, NULL, error);
}

/* ---- put ---- */

static char *read_whole(const char *folder, const char *name, size_t *size_bytes) {
    char path[4096];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = NULL;
    if (file >= 0 && fstat(file, &about) == 0 && (bytes = malloc((size_t)about.st_size + 1)) != NULL) {
        size_t done = 0;
        for (ssize_t got = 1; done < (size_t)about.st_size && got > 0; done += got > 0 ? (size_t)got : 0)
            got = read(file, bytes + done, (size_t)about.st_size - done);
        *size_bytes = done;
    }
    if (file >= 0) close(file);
    if (bytes == NULL) complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
    return bytes;
}

static int is_block(const struct dirent *entry) {
    kvhash_plh name;
    return name_of_file(entry->d_name, &name);
}

static int put_file(kvstore_space *space, const store_options *options, const char *file, uint64_t *counts) {
    kvhash_plh name;
    kvstore_result result;
    kvcore_error error;
    size_t size = 0;
    char *bytes = read_whole(options->arguments[0], file, &size);
    if (bytes == NULL) return EXIT_SYSTEM;
    (void)name_of_file(file, &name);
    kvcore_status status = move_block(space, name, (kvstore_span){bytes, size}, true, options->force, &result, &error);
    free(bytes);
    if (status != KVCORE_OK) return fail(file, &error);
    counts[result.outcome]++;
    if (result.outcome == KVSTORE_STORED || result.outcome == KVSTORE_EXISTS) return EXIT_OK;
    return complain(EXIT_SYSTEM, "%s: %s: %s", file, kvstore_outcome_text(result.outcome),
                    kvcore_status_text(result.status));
}

static int put_folder(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)store;
    struct dirent **entries;
    uint64_t counts[KVSTORE_OUTCOMES] = {0};
    progress_bar bar;
    int code = EXIT_OK, count = scandir(options->arguments[0], &entries, is_block, alphasort);
    if (count < 0) return complain(EXIT_SYSTEM, "%s: %s", options->arguments[0], strerror(errno));
    progress_start(&bar);
    for (int i = 0; i < count; i++) {
        progress_update(&bar, "storing", (uint64_t)i, (uint64_t)count, (uint64_t)i, "blocks");
        if (code == EXIT_OK) code = put_file(space, options, entries[i]->d_name, counts);
        free(entries[i]);
    }
    progress_end(&bar);
    free(entries);
    if (code == EXIT_OK)
        printf("%" PRIu64 " stored, %" PRIu64 " there already\n", counts[KVSTORE_STORED], counts[KVSTORE_EXISTS]);
    return code;
}

/* ---- get ---- */

typedef struct fetch {
    kvstore_space *space;
    const store_options *options;
    kvhash_plh *names;
    uint64_t *sizes;
    size_t count, room;
    int code;
} fetch;

static bool collect(void *ctx, const kvstore_entry *entry) {
    fetch *at = ctx;
    if (at->count == at->room) {
        size_t room = at->room == 0 ? 256 : 2 * at->room;
        kvhash_plh *names = realloc(at->names, room * sizeof *names);
        if (names != NULL) at->names = names;
        uint64_t *sizes = realloc(at->sizes, room * sizeof *sizes);
        if (sizes != NULL) at->sizes = sizes;
        if (names == NULL || sizes == NULL) {
            at->code = complain(EXIT_SYSTEM, "out of memory");
            return false;
        }
        at->room = room;
    }
    at->names[at->count] = entry->name;
    at->sizes[at->count++] = entry->object_bytes;
    return true;
}

static bool is_wanted(const store_options *options, kvhash_plh name) {
    char text[FILE_NAME_BYTES];
    file_name_of(name, text);
    for (unsigned i = 1; i < options->count; i++)
        if (strncmp(options->arguments[i], text, NAME_DIGITS) == 0) return true;
    return options->count == 1;
}

static int write_file(const char *folder, kvhash_plh name, const void *bytes, size_t size) {
    char text[FILE_NAME_BYTES], path[4096];
    file_name_of(name, text);
    snprintf(path, sizeof path, "%s/%s", folder, text);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool written = file >= 0 && write(file, bytes, size) == (ssize_t)size;
    int code = errno;
    if (file >= 0 && close(file) != 0) written = false, code = errno;
    return written ? EXIT_OK : complain(EXIT_SYSTEM, "%s: %s", path, strerror(code));
}

/* A compressed block is longer than its object: the room grows until it fits. */
static int get_block(fetch *at, size_t index, uint64_t *got, uint64_t *bad) {
    kvcore_error error;
    kvstore_result result = {.outcome = KVSTORE_SKIPPED};
    int code = EXIT_OK;
    for (uint64_t room = at->sizes[index]; code == EXIT_OK; room *= 8) {
        uint8_t *bytes = malloc((size_t)room + 1);
        if (bytes == NULL) return complain(EXIT_SYSTEM, "out of memory");
        kvcore_status status =
            move_block(at->space, at->names[index], (kvstore_span){bytes, (size_t)room}, false, false, &result, &error);
        if (status != KVCORE_OK) code = fail(at->options->address, &error);
        if (status == KVCORE_OK && result.outcome == KVSTORE_HIT) {
            code = write_file(at->options->arguments[0], at->names[index], bytes, (size_t)result.bytes);
            ++*got;
        }
        free(bytes);
        bool longer = result.outcome == KVSTORE_DAMAGED && result.status == KVFORMAT_ELENGTH;
        if (!longer || room > UINT64_C(1) << 30) break;
    }
    if (code == EXIT_OK && result.outcome != KVSTORE_HIT) {
        char text[FILE_NAME_BYTES];
        file_name_of(at->names[index], text);
        complain(EXIT_BAD_INPUT, "%.32s: %s: %s", text, kvstore_outcome_text(result.outcome),
                 kvcore_status_text(result.status));
        ++*bad;
    }
    return code;
}

static int get_blocks(kvstore *store, kvstore_space *space, const store_options *options) {
    fetch at = {.space = space, .options = options};
    kvcore_error error;
    progress_bar bar;
    uint64_t got = 0, bad = 0;
    if (mkdir(options->arguments[0], 0777) != 0 && errno != EEXIST)
        return complain(EXIT_SYSTEM, "%s: %s", options->arguments[0], strerror(errno));
    if (kvstore_list(store, space, collect, &at, NULL, &error) != KVCORE_OK) at.code = fail(options->address, &error);
    progress_start(&bar);
    for (size_t i = 0; i < at.count && at.code == EXIT_OK; i++) {
        progress_update(&bar, "fetching", i, at.count, i, "blocks");
        if (is_wanted(options, at.names[i])) at.code = get_block(&at, i, &got, &bad);
    }
    progress_end(&bar);
    free(at.names);
    free(at.sizes);
    if (at.code == EXIT_OK) printf("%" PRIu64 " fetched\n", got);
    if (at.code == EXIT_OK && got < options->count - 1)
        return complain(EXIT_SYSTEM, "%" PRIu64 " not there", options->count - 1 - got);
    return at.code == EXIT_OK && bad > 0 ? EXIT_BAD_INPUT : at.code;
}

/* ---- ls, verify ---- */

typedef struct listing {
    const store_options *options;
    uint64_t blocks, bytes, sound, foreign, damaged;
    progress_bar bar;
} listing;

static void print_entry(const kvstore_entry *entry, bool json, const char *state) {
    char text[FILE_NAME_BYTES];
    file_name_of(entry->name, text);
    text[NAME_DIGITS] = '\0';
    if (!json) {
        printf("%s %12" PRIu64 " %.*s%s%s\n", text, entry->object_bytes,
               (int)(entry->key.size_bytes > NAME_DIGITS + 4 ? entry->key.size_bytes - NAME_DIGITS - 4 : 0),
               (const char *)entry->key.data, state[0] != '\0' ? " " : "", state);
        return;
    }
    json_object *line = json_object_new_object();
    json_object_object_add(line, "name", json_object_new_string(text));
    json_object_object_add(line, "key", json_object_new_string_len(entry->key.data, (int)entry->key.size_bytes));
    json_object_object_add(line, "bytes", json_object_new_uint64(entry->object_bytes));
    json_object_object_add(line, "modified_s", json_object_new_uint64(entry->modified_ns / 1000000000));
    if (state[0] != '\0') json_object_object_add(line, "state", json_object_new_string(state));
    puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(line);
}

static bool list_entry(void *ctx, const kvstore_entry *entry) {
    listing *at = ctx;
    print_entry(entry, at->options->json, "");
    return true;
}

static int list_blocks(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)space;
    listing at = {.options = options};
    kvcore_error error;
    return kvstore_list(store, NULL, list_entry, &at, NULL, &error) == KVCORE_OK ? EXIT_OK
                                                                                 : fail(options->address, &error);
}

static bool judge(void *ctx, const kvstore_verdict *verdict) {
    listing *at = ctx;
    at->blocks++;
    at->bytes += verdict->entry.object_bytes;
    progress_update(&at->bar, "checking", 0, 0, at->blocks, "blocks");
    if (verdict->status == KVCORE_OK) {
        at->sound++;
        return true;
    }
    bool foreign = verdict->status == KVSTORE_EFOREIGN;
    ++*(foreign ? &at->foreign : &at->damaged);
    print_entry(&verdict->entry, at->options->json, foreign ? "foreign" : "damaged");
    return true;
}

static int verify_blocks(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)space;
    listing at = {.options = options};
    kvcore_error error;
    progress_start(&at.bar);
    kvcore_status status = kvstore_verify(store, NULL, options->rate, judge, &at, &error);
    progress_end(&at.bar);
    if (status != KVCORE_OK) return fail(options->address, &error);
    if (!options->json)
        printf("%" PRIu64 " blocks, %" PRIu64 " bytes: %" PRIu64 " sound, %" PRIu64 " foreign, %" PRIu64 " damaged\n",
               at.blocks, at.bytes, at.sound, at.foreign, at.damaged);
    return at.foreign + at.damaged > 0 ? EXIT_BAD_INPUT : EXIT_OK;
}

/* ---- stat, evict, rm ---- */

static bool sum_entry(void *ctx, const kvstore_entry *entry) {
    listing *at = ctx;
    at->blocks++;
    at->bytes += entry->object_bytes;
    return true;
}

static int show_stats(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)space;
    kvcore_error error;
    listing at = {.options = options};
    uint64_t ignored = 0;
    if (options->prometheus) {
        kvstore_stats stats = KVSTORE_STATS_INIT;
        size_t length = 0;
        if (kvstore_scan(store, &error) != KVCORE_OK) return fail(options->address, &error);
        (void)!kvstore_stats_read(store, &stats);
        (void)!kvstore_stats_format(&stats, kvstore_medium(store), NULL, NULL, 0, &length);
        char *text = malloc(length + 1);
        if (text == NULL) return complain(EXIT_SYSTEM, "out of memory");
        (void)!kvstore_stats_format(&stats, kvstore_medium(store), NULL, text, length + 1, &length);
        fputs(text, stdout);
        free(text);
        return EXIT_OK;
    }
    if (kvstore_list(store, NULL, sum_entry, &at, &ignored, &error) != KVCORE_OK) return fail(options->address, &error);
    printf("medium   %s\nblocks   %" PRIu64 "\nbytes    %" PRIu64 "\nignored  %" PRIu64 "\n", kvstore_medium(store),
           at.blocks, at.bytes, ignored);
    return EXIT_OK;
}

static int evict_blocks(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)space;
    kvcore_error error;
    uint64_t evicted = 0;
    if (!options->has_to) return complain(EXIT_USAGE, "evict: --to=BYTES must be given");
    if (kvstore_scan(store, &error) != KVCORE_OK ||
        kvstore_evict_to(store, options->to_bytes, &evicted, &error) != KVCORE_OK)
        return fail(options->address, &error);
    printf("%" PRIu64 " evicted\n", evicted);
    return EXIT_OK;
}

static int remove_blocks(kvstore *store, kvstore_space *space, const store_options *options) {
    (void)store;
    kvcore_error error;
    uint64_t sum = 0;
    if (options->whole_space) {
        if (kvstore_remove_space(space, &sum, &error) != KVCORE_OK) return fail(options->address, &error);
    } else if (options->count == 0) {
        return complain(EXIT_USAGE, "rm: expected names of blocks, or --space");
    }
    for (unsigned i = 0; i < options->count; i++) {
        char file[FILE_NAME_BYTES];
        kvhash_plh name;
        size_t removed = 0;
        snprintf(file, sizeof file, "%.*s.kv", NAME_DIGITS, options->arguments[i]);
        if (!name_of_file(file, &name))
            return complain(EXIT_USAGE, "expected 32 hexadecimal digits of a block name, found '%s'",
                            options->arguments[i]);
        if (kvstore_remove(space, &name, 1, &removed, &error) != KVCORE_OK) return fail(options->arguments[i], &error);
        sum += removed;
    }
    printf("%" PRIu64 " removed\n", sum);
    return EXIT_OK;
}

static const struct {
    const char *name;
    int (*run)(kvstore *store, kvstore_space *space, const store_options *options);
    unsigned least;
} actions[] = {{"put", put_folder, 1},  {"get", get_blocks, 1},       {"ls", list_blocks, 0},
               {"stat", show_stats, 0}, {"verify", verify_blocks, 0}, {"evict", evict_blocks, 0},
               {"rm", remove_blocks, 0}};

static int run_action(const store_options *options, size_t action) {
    int code = EXIT_OK;
    if (options->count < actions[action].least) return complain(EXIT_USAGE, "%s: expected a folder", options->action);
    kvstore *store = store_of(options, &code);
    kvstore_space *space = store == NULL ? NULL : store_space_of(store, options, &code);
    if (space != NULL) code = actions[action].run(store, space, options);
    (void)!kvstore_close(store);
    return code;
}

int command_store(int argc, char **argv) {
    store_options options = {.whose = KVSTORE_SPACE_CONFIG_INIT};
    int code = EXIT_USAGE;
    options.arguments = calloc((size_t)argc + 1, sizeof *options.arguments);
    if (options.arguments == NULL) return complain(EXIT_SYSTEM, "out of memory");
    if (argp_parse(&store_argp, argc, argv, 0, NULL, &options) == 0) {
        size_t i = 0, count = sizeof actions / sizeof *actions;
        while (i < count && strcmp(actions[i].name, options.action) != 0) i++;
        code = i < count ? run_action(&options, i) : complain(EXIT_USAGE, "no such action: '%s'", options.action);
    }
    free(options.arguments);
    return code;
}

/* kvstrata pack, unpack, compact: between a folder of payloads and a KVS1 file. A payload's file is named by its block: the 32
 * hexadecimal digits of the name's wire form, and ".kv". */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kvcore/text.h>
#include <kvformat/kvs1.h>

#include "files/replace.h"
#include "shared/block_file.h"
#include "shared/command.h"
#include "shared/progress.h"

typedef struct pack_options {
    char *paths[2];
    unsigned count;
    bool append;
    kvcore_model_digest model;
    kvcore_layout_tag layout;
    kvformat_kvs1_config config;
} pack_options;

static void parse_number(struct argp_state *state, const char *what, const char *text, uint32_t most, uint32_t *value) {
    uint64_t number;
    if (parse_count(text, &number) != KVCORE_OK || number == 0 || number > most)
        argp_error(state, "--%s: expected a number from 1 to %" PRIu32 ", found '%s'", what, most, text);
    *value = (uint32_t)number;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    pack_options *options = state->input;
    switch (key) {
    case 'a': options->append = true; return 0;
    case 'c': options->config.cut_damaged = true; return 0;
    case 'm':
        if (kvcore_model_digest_parse(kvcore_text(argument), &options->model) != KVCORE_OK)
            argp_error(state, "--model: expected 48 hexadecimal digits, found '%s'", argument);
        options->config.model_digest = &options->model;
        return 0;
    case 'l':
        if (kvcore_layout_tag_make(kvcore_text(argument), &options->layout) != KVCORE_OK)
            argp_error(state, "--layout: expected at most 16 characters of ASCII, found '%s'", argument);
        options->config.layout_tag = &options->layout;
        return 0;
    case 't': parse_number(state, "tokens", argument, UINT32_MAX, &options->config.block_tokens); return 0;
    case 'A':
        parse_number(state, "alignment", argument, KVFORMAT_KVS1_MAX_ALIGNMENT, &options->config.alignment);
        return 0;
    case ARGP_KEY_ARG:
        if (options->count == 2) argp_error(state, "one path too many: '%s'", argument);
        options->paths[options->count++] = argument;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int fail(const char *path, const kvcore_error *error) {
    complain(EXIT_SYSTEM, "%s: %s", path, error->text);
    switch (error->code) {
    case KVCORE_EIO:
    case KVCORE_ENOMEM:
    case KVCORE_EBUSY: return EXIT_SYSTEM;
    case KVCORE_ECONFIG: return EXIT_USAGE;
    default: return EXIT_BAD_INPUT;
    }
}

static int fail_system(const char *path) { return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno)); }

/* --- pack ------------------------------------------------------------------------------------------------------------- */

typedef struct payload_file {
    char text[FILE_NAME_BYTES];
    kvhash_plh name;
} payload_file;

static int compare_files(const void *a, const void *b) {
    return strcmp(((const payload_file *)a)->text, ((const payload_file *)b)->text);
}

/* Every entry but . and .. must be a payload: a folder with something else in it is a mistake. */
static int list_folder(const char *folder, payload_file **files, size_t *count) {
    DIR *entries = opendir(folder);
    if (entries == NULL) return fail_system(folder);
    size_t capacity = 0;
    int code = EXIT_OK;
    for (struct dirent *entry; code == EXIT_OK && (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 256;
            payload_file *larger = realloc(*files, capacity * sizeof **files);
            if (larger == NULL) {
                code = complain(EXIT_SYSTEM, "out of memory");
                break;
            }
            *files = larger;
        }
        payload_file *file = &(*files)[*count];
        if (!name_of_file(entry->d_name, &file->name)) {
            code = complain(EXIT_BAD_INPUT, "%s/%s: expected 32 hexadecimal digits of a block name and .kv", folder,
                            entry->d_name);
            break;
        }
        memcpy(file->text, entry->d_name, sizeof file->text);
        (*count)++;
    }
    closedir(entries);
    if (*count > 0) qsort(*files, *count, sizeof **files, compare_files);
    return code;
}

/* What is behind a path, which is neither waited for nor followed. Gives an exit code. */
static int open_payload(const char *path, int *opened, size_t *size_bytes) {
    int code = EXIT_OK, descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat about;
    if (descriptor < 0 && errno == ELOOP) {
        code = complain(EXIT_BAD_INPUT, "%s: a symbolic link, not a payload", path);
    } else if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        code = fail_system(path);
    } else if (!S_ISREG(about.st_mode)) {
        code = complain(EXIT_BAD_INPUT, "%s: not a regular file", path);
    } else {
        *size_bytes = (size_t)about.st_size;
    }
    *opened = descriptor;
    return code;
}

/* Read, not mapped: a file that somebody cuts off meanwhile is an error and no signal. */
static int read_payload(const char *path, int descriptor, char *bytes, size_t size_bytes) {
    for (size_t done = 0; done < size_bytes;) {
        ssize_t got = read(descriptor, bytes + done, size_bytes - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_system(path);
        if (got == 0) return complain(EXIT_SYSTEM, "%s: cut off while it was read", path);
        done += (size_t)got;
    }
    return EXIT_OK;
}

static int put_file(kvformat_kvs1_writer *writer, const char *folder, const payload_file *file) {
    char *path = malloc(strlen(folder) + 1 + FILE_NAME_BYTES);
    if (path == NULL) return complain(EXIT_SYSTEM, "out of memory");
    sprintf(path, "%s/%s", folder, file->text);
    size_t size_bytes = 0;
    int descriptor, code = open_payload(path, &descriptor, &size_bytes);
    char *bytes = code == EXIT_OK ? malloc(size_bytes + 1) : NULL;
    if (code == EXIT_OK && bytes == NULL) code = complain(EXIT_SYSTEM, "out of memory");
    if (code == EXIT_OK) code = read_payload(path, descriptor, bytes, size_bytes);
    kvcore_error error;
    if (code == EXIT_OK &&
        kvformat_kvs1_put(writer, file->name, (kvcore_bytes){bytes, size_bytes}, &error) != KVCORE_OK)
        code = fail(path, &error);
    if (descriptor >= 0) close(descriptor);
    free(bytes);
    free(path);
    return code;
}

static int pack(const pack_options *options) {
    const char *folder = options->paths[0], *path = options->paths[1];
    payload_file *files = NULL;
    size_t count = 0;
    kvformat_kvs1_writer *writer = NULL;
    kvcore_error error;
    int code = list_folder(folder, &files, &count);
    if (code == EXIT_OK) {
        kvcore_status status = options->append ? kvformat_kvs1_append(path, &options->config, &writer, &error)
                                               : kvformat_kvs1_create(path, &options->config, &writer, &error);
        if (status != KVCORE_OK) code = fail(path, &error);
    }
    progress_bar bar;
    progress_start(&bar);
    for (size_t i = 0; i < count && code == EXIT_OK; i++) {
        progress_update(&bar, path, i, count, i, "blocks");
        code = put_file(writer, folder, &files[i]);
    }
    if (code == EXIT_OK && kvformat_kvs1_commit(writer, &error) != KVCORE_OK) code = fail(path, &error);
    progress_end(&bar);
    if (code != EXIT_OK && writer != NULL && !options->append) unlink(path);
    kvformat_kvs1_writer_close(writer);
    free(files);
    if (code == EXIT_OK) printf("%zu blocks\n", count);
    return code;
}

static const struct argp_option pack_list[] = {
    {"append", 'a', NULL, 0, "Add to a file that is there, as one commit", 0},
    {"cut-damaged", 'c', NULL, 0,
     "With --append: cut off a commit whose record is damaged, instead of refusing the file", 0},
    {"model", 'm', "DIGEST", 0, "Digest of the model that computed the blocks, as 'kvstrata digest' prints it", 0},
    {"layout", 'l', "TAG", 0, "Family of payload layouts, such as ds4-v1", 0},
    {"tokens", 't', "N", 0, "Tokens a block", 0},
    {"alignment", 'A', "BYTES", 0, "Where blocks start: a power of two (default: 4096)", 0},
    {0}};

static const struct argp pack_parser = {
    .options = pack_list,
    .parser = parse_option,
    .args_doc = "FOLDER FILE",
    .doc = "Write the payloads of a folder into a KVS1 file, as one commit: all of them or none.\v"
           "Each file of the folder is a payload, named by the 32 hexadecimal digits of its block's name and .kv. With "
           "--append, --model, --layout and --tokens are what the file must be of.",
};

int command_pack(int argc, char **argv) {
    pack_options options = {.config = KVFORMAT_KVS1_CONFIG_INIT};
    if (argp_parse(&pack_parser, argc, argv, 0, NULL, &options) != 0) return EXIT_USAGE;
    if (options.count != 2) return complain(EXIT_USAGE, "pack: expected a folder and a file");
    return pack(&options);
}

/* --- unpack ------------------------------------------------------------------------------------------------------------- */

static int write_all(const char *path, int descriptor, kvcore_bytes bytes) {
    const char *from = bytes.data;
    for (size_t left = bytes.size_bytes; left > 0;) {
        ssize_t put = write(descriptor, from, left);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_system(path);
        from += put, left -= (size_t)put;
    }
    return fsync(descriptor) == 0 ? EXIT_OK : fail_system(path);
}

/* Under another name until it is whole and on the disk: what has the good name is good. */
static int write_beside(const char *path, const char *beside, kvcore_bytes payload) {
    unlink(beside); /* of a job that died */
    int descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) return fail_system(beside);
    int code = write_all(path, descriptor, payload);
    if (close(descriptor) != 0 && code == EXIT_OK) code = fail_system(path);
    if (code == EXIT_OK && rename_new(beside, path) != 0) code = fail_system(path);
    if (code != EXIT_OK) unlink(beside);
    return code;
}

static int write_payload(const char *folder, const kvformat_kvs1_block *block) {
    static const char suffix[] = ".part";
    char name[FILE_NAME_BYTES];
    size_t path_bytes = strlen(folder) + 1 + sizeof name;
    char *path = malloc(2 * path_bytes + sizeof suffix); /* and behind it the other name */
    if (path == NULL) return complain(EXIT_SYSTEM, "out of memory");
    char *beside = path + path_bytes;
    file_name_of(block->name, name);
    sprintf(path, "%s/%s", folder, name);
    memcpy(beside, path, path_bytes - 1);
    memcpy(beside + path_bytes - 1, suffix, sizeof suffix);
    int code = write_beside(path, beside, block->payload);
    free(path);
    return code;
}

static int sync_folder(const char *folder) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = descriptor >= 0 && fsync(descriptor) == 0 ? EXIT_OK : fail_system(folder);
    if (descriptor >= 0) close(descriptor);
    return code;
}

static int unpack(const char *path, const char *folder) {
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    if (kvformat_kvs1_open(path, NULL, &reader, &error) != KVCORE_OK) return fail(path, &error);
    uint64_t entries = kvformat_kvs1_reader_info(reader).entry_count, done = 0;
    int code = mkdir(folder, 0777) == 0 || errno == EEXIST ? EXIT_OK : fail_system(folder);
    progress_bar bar;
    progress_start(&bar);
    for (uint64_t i = 0; i < entries && code == EXIT_OK; i++) {
        kvformat_kvs1_block block;
        bool newest = false;
        progress_update(&bar, path, i, entries, done, "blocks");
        kvcore_status status = kvformat_kvs1_entry(reader, i, &block, &newest, &error);
        if (status == KVCORE_OK && newest) status = kvformat_kvs1_check(reader, &block, &error);
        if (status != KVCORE_OK) code = fail(path, &error);
        if (code != EXIT_OK || !newest) continue;
        code = write_payload(folder, &block);
        done++;
    }
    progress_end(&bar);
    if (code == EXIT_OK) code = sync_folder(folder);
    kvformat_kvs1_close(reader);
    if (code == EXIT_OK) printf("%" PRIu64 " blocks\n", done);
    return code;
}

static const struct argp unpack_parser = {
    .parser = parse_option,
    .args_doc = "FILE FOLDER",
    .doc = "Write the newest version of every block of a KVS1 file into a folder, each checked, one file a block.\v"
           "The folder is made if it is not there. A file that is there already is not overwritten: it ends the job.",
};

int command_unpack(int argc, char **argv) {
    pack_options options = {.config = KVFORMAT_KVS1_CONFIG_INIT};
    if (argp_parse(&unpack_parser, argc, argv, 0, NULL, &options) != 0) return EXIT_USAGE;
    if (options.count != 2) return complain(EXIT_USAGE, "unpack: expected a file and a folder");
    survive_cut_files();
    return unpack(options.paths[0], options.paths[1]);
}

/* --- compact ------------------------------------------------------------------------------------------------------------ */

/* What a compaction that died left beside the file, which is locked: nobody works on it. Anything else of that name is not ours. */
static int clear_leftover(const char *beside) {
    struct stat about;
    if (lstat(beside, &about) != 0) return errno == ENOENT ? EXIT_OK : fail_system(beside);
    if (!S_ISREG(about.st_mode)) return complain(EXIT_SYSTEM, "%s: in the way, and not a regular file", beside);
    return unlink(beside) == 0 ? EXIT_OK : fail_system(beside);
}

/* The new file is nobody else's to read until it has the permissions of the old one. */
static int compact_beside(const char *path, const char *beside, kvformat_kvs1_compaction *done) {
    kvcore_error error;
    int code = clear_leftover(beside);
    if (code != EXIT_OK) return code;
    mode_t before = umask(077);
    if (kvformat_kvs1_compact(path, beside, NULL, done, &error) != KVCORE_OK) code = fail(path, &error);
    umask(before);
    if (code == EXIT_OK) {
        code = replace_file(beside, path);
        if (code != EXIT_OK) unlink(beside);
    }
    return code;
}

/* The file that a path leads to: a link stays one. A file of several names would come apart: the others would keep the old. */
static int resolve(const char *path, char **resolved) {
    struct stat about;
    if (stat(path, &about) != 0) return fail_system(path);
    if (S_ISREG(about.st_mode) && about.st_nlink > 1)
        return complain(EXIT_BAD_INPUT, "%s: has %ju hard links; compact it into a new file", path,
                        (uintmax_t)about.st_nlink);
    *resolved = realpath(path, NULL);
    return *resolved != NULL ? EXIT_OK : fail_system(path);
}

/* A new file beside the old one takes its place when it is whole; no writer may have the old one meanwhile. */
static int compact_locked(const char *path, kvformat_kvs1_compaction *done) {
    static const char suffix[] = ".compacting";
    kvformat_kvs1_writer *lock;
    kvcore_error error;
    if (kvformat_kvs1_append(path, NULL, &lock, &error) != KVCORE_OK) return fail(path, &error);
    char *beside = malloc(strlen(path) + sizeof suffix);
    int code = EXIT_SYSTEM;
    if (beside != NULL) {
        sprintf(beside, "%s%s", path, suffix);
        code = compact_beside(path, beside, done);
    } else {
        complain(EXIT_SYSTEM, "out of memory");
    }
    kvformat_kvs1_writer_close(lock);
    free(beside);
    return code;
}

static int compact_in_place(const char *given, kvformat_kvs1_compaction *done) {
    char *path = NULL;
    int code = resolve(given, &path);
    if (path != NULL) code = compact_locked(path, done);
    free(path);
    return code;
}

static const struct argp compact_parser = {
    .parser = parse_option,
    .args_doc = "FILE [NEW]",
    .doc =
        "Merge the commits of a KVS1 file into one: the newest version of every block, each checked, under one index.\v"
        "Into the file NEW, or in the place of FILE.",
};

int command_compact(int argc, char **argv) {
    pack_options options = {.config = KVFORMAT_KVS1_CONFIG_INIT};
    kvformat_kvs1_compaction done = KVFORMAT_KVS1_COMPACTION_INIT;
    kvcore_error error;
    if (argp_parse(&compact_parser, argc, argv, 0, NULL, &options) != 0) return EXIT_USAGE;
    if (options.count == 0) return complain(EXIT_USAGE, "compact: expected a file");
    survive_cut_files();
    int code = EXIT_OK;
    if (options.count == 1)
        code = compact_in_place(options.paths[0], &done);
    else if (kvformat_kvs1_compact(options.paths[0], options.paths[1], NULL, &done, &error) != KVCORE_OK)
        code = fail(options.paths[0], &error);
    if (code == EXIT_OK)
        printf("%" PRIu64 " blocks, %" PRIu64 " bytes before, %" PRIu64 " after\n", done.blocks, done.bytes_before,
               done.bytes_after);
    return code;
}

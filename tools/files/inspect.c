/* kvstrata inspect: what a file is, what is in it, and at which byte it breaks. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include <kvcore/text.h>
#include <kvformat/kvs1.h>
#include <kvstore/object.h>
#include <kvwombat/engine.h>
#include <kvwombat/envelope.h>
#include <kvwombat/manifest.h>
#include <kvwombat/segment.h>
#include <kvwombat/wal.h>

#include "shared/command.h"
#include "shared/plain.h"
#include "shared/table.h"

/* What was found in one file. */
typedef struct finding {
    const char *path;
    const char *format; /* "unknown" */
    const char *unit;   /* of what it has `count` */
    uint64_t count;
    uint64_t file_bytes;
    char note[96];
    kvcore_status status;
    kvcore_error error;
    int code;
} finding;

typedef struct inspect_options {
    char **paths;
    size_t count;
    bool json, verify;
} inspect_options;

static void keep(finding *of, kvcore_status status) { of->status = status; }

/* --- one function a format -------------------------------------------------------------------------------------------- */

static void inspect_kvs1(kvcore_bytes file, bool verify, finding *of) {
    kvformat_kvs1_reader *reader;
    of->unit = "entries";
    (void)file; /* by its path, so that the holes of a sparse file cost nothing */
    keep(of, kvformat_kvs1_open(of->path, NULL, &reader, &of->error));
    if (of->status != KVCORE_OK) return;
    kvformat_kvs1_info info = kvformat_kvs1_reader_info(reader);
    char model[KVCORE_MODEL_DIGEST_TEXT_BYTES];
    kvcore_model_digest_format(&info.model_digest, model);
    of->count = info.entry_count;
    snprintf(of->note, sizeof of->note, "%" PRIu64 " commits, model %.12s, layout %.16s, tail %" PRIu64 " bytes",
             info.commit_count, model, info.layout_tag.bytes[0] != 0 ? (const char *)info.layout_tag.bytes : "-",
             info.tail_bytes);
    kvcore_error error;
    kvcore_status status = verify || info.damaged_record_offset != 0 || info.repairable_records != 0
                               ? kvformat_kvs1_check_all(reader, &error)
                               : KVCORE_OK;
    if (status != KVCORE_OK) of->error = error;
    keep(of, status);
    kvformat_kvs1_close(reader);
}

/* A stored block: what it is stands at its end. */
static void inspect_kvo1(kvcore_bytes file, bool verify, finding *of) {
    kvstore_object object;
    kvcore_bytes payload;
    const uint8_t *trailer = (const uint8_t *)file.data + file.size_bytes - KVSTORE_TRAILER_BYTES;
    of->unit = "blocks";
    keep(of, verify ? kvstore_object_check(file, &object, &payload, &of->error)
                    : kvstore_trailer_decode(trailer, &object, &of->error));
    if (of->status != KVCORE_OK) return;
    char model[KVCORE_MODEL_DIGEST_TEXT_BYTES];
    kvcore_model_digest_format(&object.model, model);
    of->count = 1;
    snprintf(of->note, sizeof of->note, "position %" PRIu32 ", model %.12s, layout %.16s, rank %u of %u, group %u",
             kvhash_plh_position(object.name), model,
             object.layout.bytes[0] != 0 ? (const char *)object.layout.bytes : "-", (unsigned)object.rank,
             (unsigned)object.ranks, (unsigned)object.group);
}

static void inspect_wal(kvcore_bytes file, bool verify, finding *of) {
    kvwombat_wal_reader reader;
    kvwombat_wal_record record;
    bool more = true;
    (void)verify; /* reading it is verifying it */
    of->unit = "records";
    keep(of, kvwombat_wal_open(file, &reader, &of->error));
    if (of->status == KVCORE_OK && reader.batch)
        snprintf(of->note, sizeof of->note, "sequence %" PRIu64 " to %" PRIu64, reader.start_seq, reader.end_seq);
    while (of->status == KVCORE_OK) {
        keep(of, kvwombat_wal_next(&reader, &record, &more, &of->error));
        if (of->status != KVCORE_OK || !more) break;
        of->count++;
    }
    if (of->status == KVCORE_OK && !reader.batch && reader.rest.size_bytes > 0) {
        size_t size = 0;
        if (kvwombat_wal_record_decode(file, &record, &size, NULL) == KVCORE_OK && size < file.size_bytes)
            snprintf(of->note, sizeof of->note, "%zu bytes after the record", file.size_bytes - size);
    }
}

static void inspect_segment(kvcore_bytes file, bool verify, finding *of) {
    kvcore_bytes index;
    size_t offset = 0;
    bool more = true;
    of->unit = "blocks";
    keep(of, kvwombat_segment_index(file, &index, &of->error));
    while (of->status == KVCORE_OK) {
        kvwombat_segment_entry entry;
        keep(of, kvwombat_segment_next(index, &offset, &entry, &more, &of->error));
        if (of->status != KVCORE_OK || !more) break;
        of->count++;
    }
    if (of->status == KVCORE_OK && verify) keep(of, kvwombat_segment_check(file, &of->error));
}

static void inspect_kvb1(kvcore_bytes file, bool verify, finding *of) {
    kvwombat_kvb1_header header;
    (void)verify;
    of->unit = "layers";
    keep(of, kvwombat_kvb1_inspect(file, &header, &of->error));
    if (of->status != KVCORE_OK) return;
    of->count = header.layer_count;
    snprintf(of->note, sizeof of->note, "block %" PRIu32 ", %" PRIu32 " tokens", header.block_seq, header.token_count);
}

static void inspect_rtt1(kvcore_bytes file, bool verify, finding *of) {
    kvwombat_rtt1_header header;
    (void)verify;
    of->unit = "layers";
    keep(of, kvwombat_rtt1_inspect(file, &header, &of->error));
    if (of->status != KVCORE_OK) return;
    of->count = header.layer_count;
    snprintf(of->note, sizeof of->note, "%" PRIu32 " raw rows of %" PRIu32 ", %" PRIu32 " tokens", header.raw_row_count,
             header.head_dim, header.total_tokens);
}

static void inspect_wire(kvcore_bytes file, bool verify, finding *of) {
    kvcore_bytes body;
    (void)verify;
    of->unit = "bodies";
    keep(of, kvwombat_wire_decode(file, &body, &of->error));
    if (of->status != KVCORE_OK) return;
    of->count = 1;
    snprintf(of->note, sizeof of->note, "body of %zu bytes", body.size_bytes);
}

static void inspect_batch(kvcore_bytes file, kvwombat_batch kind, finding *of) {
    size_t count = 0;
    of->unit = "items";
    keep(of, kvwombat_batch_decode(kind, file, NULL, 0, &count, &of->error));
    if (of->status == KVCORE_EBUFFER) of->status = KVCORE_OK; /* sound, and no room was given */
    of->count = count;
}

static void inspect_keys(kvcore_bytes file, bool verify, finding *of) {
    (void)verify;
    inspect_batch(file, KVWOMBAT_BATCH_KEYS, of);
}

static void inspect_items(kvcore_bytes file, bool verify, finding *of) {
    (void)verify;
    inspect_batch(file, KVWOMBAT_BATCH_BYTES, of);
}

static void inspect_wbz1(kvcore_bytes file, bool verify, finding *of) {
    size_t raw_bytes = kvwombat_wbz1_raw_bytes(file);
    of->unit = "payloads";
    snprintf(of->note, sizeof of->note, "%zu bytes when unpacked", raw_bytes);
    if (!verify) return;
    void *memory = malloc(raw_bytes > 0 ? raw_bytes : 1);
    kvcore_bytes raw;
    if (memory == NULL)
        keep(of, kvcore_fail(&of->error, &(kvcore_error){.code = KVCORE_ENOMEM}, "no memory to unpack it"));
    else
        keep(of, kvwombat_wbz1_decode_strict(file, memory, raw_bytes, &raw, &of->error));
    free(memory);
    if (of->status == KVCORE_OK) of->count = 1;
}

/* A manifest has entries, a delta has none. */
static void inspect_json(kvcore_bytes file, bool verify, finding *of) {
    const kvwombat_manifest *manifest;
    const kvwombat_delta *delta;
    (void)verify;
    of->unit = "entries";
    keep(of, kvwombat_manifest_parse(file, KVWOMBAT_PARSER_DISPATCH, NULL, &manifest, &of->error));
    if (of->status == KVCORE_OK) {
        of->count = manifest->entry_count;
        snprintf(of->note, sizeof of->note, "epoch %" PRIu64, manifest->epoch_ms);
        kvwombat_manifest_destroy(manifest);
        return;
    }
    kvcore_error other;
    if (kvwombat_delta_parse(file, KVWOMBAT_PARSER_DISPATCH, NULL, &delta, &other) != KVCORE_OK) return;
    of->format = "delta";
    of->unit = "facts";
    of->count = 1;
    snprintf(of->note, sizeof of->note, "epoch %" PRIu64 ", sequence %" PRIu64, delta->epoch_ms, delta->seq);
    keep(of, KVCORE_OK);
    kvwombat_delta_destroy(delta);
}

/* The first that begins like the file. The wire envelope comes after those whose names begin like its magic. */
static const struct {
    const char *magic;
    size_t magic_bytes;
    const char *format;
    void (*inspect)(kvcore_bytes file, bool verify, finding *of);
} formats[] = {
    {"KVS1\r\n\x1a\n", 8, "KVS1", inspect_kvs1},        {"WMBT_KV_WAL1", 12, "WAL record", inspect_wal},
    {"WMBT_KV_WB01", 12, "WAL batch", inspect_wal},     {"WMBT_KV_SGV1", 12, "segment", inspect_segment},
    {"WMBT_KV_KEYS_V1", 16, "key batch", inspect_keys}, {"WMBT_KV_BYTES_V1", 17, "byte batch", inspect_items},
    {"WMBT", 4, "wire envelope", inspect_wire},         {"WBZ1", 4, "compressed", inspect_wbz1},
    {"KVB1", 4, "engine block", inspect_kvb1},          {"1TTR", 4, "engine sidecar", inspect_rtt1}};

static void recognise(kvcore_bytes file, bool verify, finding *of) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (file.size_bytes >= formats[i].magic_bytes &&
            memcmp(file.data, formats[i].magic, formats[i].magic_bytes) == 0) {
            of->format = formats[i].format;
            formats[i].inspect(file, verify, of);
            return;
        }
    if (file.size_bytes >= KVSTORE_TRAILER_BYTES &&
        memcmp((const char *)file.data + file.size_bytes - KVSTORE_TRAILER_BYTES, "KVSO", 4) == 0) {
        of->format = "stored block";
        inspect_kvo1(file, verify, of);
        return;
    }
    const char *text = file.data;
    size_t blank = 0;
    while (blank < file.size_bytes && strchr(" \t\r\n", text[blank]) != NULL && text[blank] != '\0') blank++;
    if (blank < file.size_bytes && text[blank] == '{') {
        of->format = "manifest";
        inspect_json(file, verify, of);
        return;
    }
    keep(of, kvcore_fail(&of->error, &(kvcore_error){.code = KVFORMAT_EMAGIC}, "unknown format"));
}

/* --- files ------------------------------------------------------------------------------------------------------------- */

static finding inspect_file(const char *path, bool verify) {
    finding of = {.path = path, .format = "unknown", .unit = "items"};
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO is not waited for */
    struct stat about;
    void *bytes = NULL;
    bool there = descriptor >= 0 && fstat(descriptor, &about) == 0;
    bool special = there && !S_ISREG(about.st_mode);
    if (there && !special && about.st_size > 0) {
        bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        there = bytes != MAP_FAILED;
    }
    if (special) {
        keep(&of, kvcore_fail(&of.error, &(kvcore_error){.code = KVCORE_EFORMAT}, "not a regular file"));
        of.code = EXIT_BAD_INPUT;
    } else if (there) {
        of.file_bytes = (uint64_t)about.st_size;
        recognise((kvcore_bytes){bytes != NULL ? bytes : "", (size_t)about.st_size}, verify, &of);
        of.code = of.status == KVCORE_OK ? EXIT_OK : of.status == KVCORE_ENOMEM ? EXIT_SYSTEM : EXIT_BAD_INPUT;
        if (bytes != NULL) munmap(bytes, (size_t)about.st_size);
    } else {
        keep(&of, kvcore_fail(&of.error, &(kvcore_error){.code = KVCORE_EIO}, "%s", strerror(errno)));
        of.code = EXIT_SYSTEM;
    }
    if (descriptor >= 0) close(descriptor);
    return of;
}

static void print_json(const finding *of) {
    json_object *line = json_object_new_object();
    json_object_object_add(line, "file", json_object_new_string(of->path));
    json_object_object_add(line, "format", json_object_new_string(of->format));
    json_object_object_add(line, "bytes", json_object_new_uint64(of->file_bytes));
    json_object_object_add(line, "count", json_object_new_uint64(of->count));
    json_object_object_add(line, "unit", json_object_new_string(of->unit));
    json_object_object_add(line, "note", json_object_new_string(of->note));
    json_object_object_add(line, "ok", json_object_new_boolean(of->status == KVCORE_OK));
    if (of->status != KVCORE_OK) {
        json_object_object_add(line, "error", json_object_new_string(of->error.text));
        json_object_object_add(line, "offset", json_object_new_uint64(of->error.offset));
    }
    puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(line);
}

enum { COLUMNS = 5 };

static void fill_row(const finding *of, bool verified, table_cell *row) {
    table_text(of->format, &row[0]);
    table_count(of->file_bytes, &row[1]);
    table_count(of->count, &row[2]);
    table_text(of->unit, &row[3]);
    table_text(of->status != KVCORE_OK ? "BROKEN" : verified ? "verified" : "ok", &row[4]);
}

/* The table, then what is to be said of single files, which has no place in it. */
static int print_table(const inspect_options *options, const finding *findings) {
    table_cell *cells = calloc((options->count + 1) * COLUMNS, sizeof *cells);
    if (cells == NULL) return complain(EXIT_SYSTEM, "out of memory");
    static const char *const heading[COLUMNS] = {"format", "bytes", "count", "of", "state"};
    for (size_t i = 0; i < COLUMNS; i++) table_text(heading[i], &cells[i]);
    for (size_t i = 0; i < options->count; i++) fill_row(&findings[i], options->verify, &cells[(i + 1) * COLUMNS]);
    table_print(stdout, cells, options->count + 1, COLUMNS, 1);
    free(cells);
    putchar('\n');
    for (size_t i = 0; i < options->count; i++) {
        const finding *of = &findings[i];
        print_plain(stdout, of->path);
        fputs(": ", stdout);
        print_plain(stdout, of->status != KVCORE_OK ? of->error.text : of->note[0] != '\0' ? of->note : of->format);
        putchar('\n');
    }
    return EXIT_OK;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    inspect_options *options = state->input;
    switch (key) {
    case 'j': options->json = true; return 0;
    case 'v': options->verify = true; return 0;
    case ARGP_KEY_ARG: options->paths[options->count++] = argument; return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a file"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"json", 'j', NULL, 0, "One JSON object a line instead of a table", 0},
    {"verify", 'v', NULL, 0, "Read everything: payloads, trailers, compressed data", 0},
    {0}};

static const struct argp parser = {
    .options = list,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc = "Say what files are, what is in them, and at which byte they break.\v"
           "Known are KVS1 files, stored blocks (KVO1), and of WombatKV log records and batches, segments, manifests, "
           "deltas, engine blocks and "
           "sidecars, compressed payloads, wire envelopes, batches of keys and of bytes.",
};

int command_inspect(int argc, char **argv) {
    inspect_options options = {.paths = calloc((size_t)argc + 1, sizeof *options.paths)};
    finding *findings = calloc((size_t)argc + 1, sizeof *findings);
    int code = EXIT_OK;
    if (options.paths == NULL || findings == NULL) code = complain(EXIT_SYSTEM, "out of memory");
    if (code == EXIT_OK && argp_parse(&parser, argc, argv, 0, NULL, &options) != 0) code = EXIT_USAGE;
    if (code == EXIT_OK) {
        int worst = EXIT_OK;
        survive_cut_files();
        for (size_t i = 0; i < options.count; i++) {
            findings[i] = inspect_file(options.paths[i], options.verify);
            if (options.json) print_json(&findings[i]);
            if (worst != EXIT_SYSTEM && findings[i].code != EXIT_OK) worst = findings[i].code;
        }
        if (!options.json) code = print_table(&options, findings);
        if (code == EXIT_OK) code = worst;
    }
    free(options.paths);
    free(findings);
    return code;
}

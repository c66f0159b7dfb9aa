/* conformance_wombat FILE…: prefix chains, metadata and byte formats against those of WombatKV. */
#include "wombat.h"

#include <stdio.h>
#include <string.h>

#include <zlib.h>

static const wombat_op *const tables[] = {
    wombat_core_ops, wombat_metadata_ops, wombat_log_ops, wombat_envelope_ops, wombat_engine_ops, wombat_radix_ops,
};

/* Errors as the vectors name them. Where upstream has two names for one thing, the place of the defect tells them apart. */
static const struct {
    const char *name;
    kvcore_status status;
} errors[] = {{"UnexpectedEof", KVCORE_ETRUNCATED},
              {"TooShort", KVCORE_ETRUNCATED},
              {"TooSmall", KVCORE_ETRUNCATED},
              {"Truncated", KVCORE_ETRUNCATED},
              {"InvalidMagic", KVFORMAT_EMAGIC},
              {"BadMagic", KVFORMAT_EMAGIC},
              {"BadVersion", KVFORMAT_EVERSION},
              {"FieldTooLarge", KVFORMAT_ETOO_LARGE},
              {"ChecksumMismatch", KVCORE_ECHECKSUM},
              {"BadCrc", KVCORE_ECHECKSUM},
              {"CrcMismatch", KVCORE_ECHECKSUM},
              {"BadLength", KVFORMAT_ELENGTH},
              {"BodyLenMismatch", KVFORMAT_ELENGTH},
              {"TrailingBytes", KVFORMAT_ETRAILING},
              {"SeqMismatch", KVFORMAT_ESEQUENCE},
              {"TokenCountMismatch", KVFORMAT_ETOKENS},
              {"LayerCountMismatch", KVFORMAT_ELAYERS},
              {"RatioMismatch", KVFORMAT_ERATIO},
              {"RowCountMismatch", KVFORMAT_EROWS},
              {"LayoutMismatch", KVFORMAT_ELAYOUT},
              {"RowsOverWindow", KVFORMAT_EWINDOW},
              {"RowsOverTotal", KVFORMAT_EROWS_TOTAL},
              {"TotalBelowCheckpoint", KVFORMAT_ECHECKPOINT},
              {"NoEndSentinel", KVFORMAT_EEND},
              {"Json", KVFORMAT_EJSON},
              {"MissingField", KVFORMAT_EMISSING},
              {"WrongFieldType", KVFORMAT_ETYPE},
              {"EmptyField", KVFORMAT_EEMPTY},
              {"UnsupportedSchemaVersion", KVFORMAT_ESCHEMA}};

kvcore_status wombat_error(kvtest_vector *v, const char *name) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(name, errors[i].name) == 0) return errors[i].status;
    kvtest_differ(v, "an error \"%s\"", name);
    return KVCORE_OK;
}

kvcore_status wombat_expected(kvtest_vector *v, json_object *expect) {
    return kvtest_has(expect, "error") ? wombat_error(v, kvtest_string(v, expect, "error")) : KVCORE_OK;
}

/* Reads plain and gzipped alike. */
static bool read_whole(kvtest_vector *v, const char *path, kvcore_bytes *bytes) {
    gzFile file = gzopen(path, "rb");
    if (file == NULL) return false;
    size_t size = 0, capacity = 1 << 16;
    char *memory = kvtest_line_alloc(v, capacity);
    for (int got; (got = gzread(file, memory + size, (unsigned)(capacity - size))) > 0;) {
        size += (size_t)got;
        if (size < capacity) continue;
        char *larger = kvtest_line_alloc(v, 2 * capacity);
        memcpy(larger, memory, size);
        memory = larger;
        capacity *= 2;
    }
    *bytes = (kvcore_bytes){memory, size};
    return gzclose(file) == Z_OK;
}

kvcore_bytes wombat_file(kvtest_vector *v, const char *name) {
    const char *slash = strrchr(v->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - v->path) + 1;
    char path[4096];
    kvcore_bytes bytes = {"", 0};
    for (int gzipped = 0; gzipped < 2; gzipped++) {
        snprintf(path, sizeof path, "%.*s%s%s", folder, v->path, name, gzipped ? ".gz" : "");
        if (read_whole(v, path, &bytes)) return bytes;
    }
    kvtest_differ(v, "cannot read %s", name);
    return bytes;
}

kvcore_bytes wombat_bytes_of(kvtest_vector *v, json_object *node) {
    if (!kvtest_has(node, "bin")) return kvtest_hex(v, node, "hex");
    kvcore_bytes bytes = wombat_file(v, kvtest_string(v, node, "bin"));
    kvtest_expect_u64(v, "file size", bytes.size_bytes, kvtest_u64(v, node, "len"));
    return bytes;
}

kvcore_bytes wombat_bytes(kvtest_vector *v, json_object *object, const char *key) {
    return wombat_bytes_of(v, kvtest_field(v, object, key));
}

void wombat_expect_encoded(kvtest_vector *v, kvcore_status asked, kvcore_status written, kvcore_bytes bytes,
                           json_object *expect) {
    kvcore_status expected = wombat_expected(v, expect);
    kvtest_expect_status(v, "size", asked, expected == KVCORE_OK ? KVCORE_EBUFFER : expected);
    kvtest_expect_status(v, "encode", written, expected);
    if (expected != KVCORE_OK) return;
    kvtest_expect_bytes(v, "bytes", bytes.data, bytes.size_bytes, wombat_bytes_of(v, expect));
}

static void check_line(kvtest_vector *v) {
    const char *name = kvtest_string(v, v->line, "op");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const wombat_op *op = tables[i]; op->name != NULL; op++)
            if (strcmp(op->name, name) == 0) {
                op->check(v);
                return;
            }
    kvtest_differ(v, "an operation \"%s\"", name);
}

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {{.name = "*.jsonl", .check = check_line, .context_bytes = 256}};
    return kvtest_run_vectors(argc, argv, kinds, 1);
}

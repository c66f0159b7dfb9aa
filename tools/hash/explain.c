#include "hash/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash/annotate.h"
#include "shared/plain.h"

#define IMAGE_BYTES (80 << 10)
#define ROW_BYTES 16
#define SIDE_BYTES 8
#define SIDE_ROWS 8
#define NOWHERE SIZE_MAX

/* ---- one block ---- */

typedef struct listing {
    FILE *out;
    const uint8_t *bytes;
    size_t mark; /* the byte where it parts from the first, or NOWHERE */
} listing;

static void print_row(const listing *to, size_t offset, size_t length, const char *text) {
    bool marked = to->mark >= offset && to->mark < offset + length;
    fprintf(to->out, "%c %6zu ", marked ? '>' : ' ', offset);
    for (size_t i = 0; i < length; i++) fprintf(to->out, " %02x", to->bytes[offset + i]);
    if (text != NULL) {
        fprintf(to->out, "%*s", (int)(3 * (ROW_BYTES - length) + 2), "");
        print_plain(to->out, text);
    }
    fputc('\n', to->out);
}

static void print_piece(void *context, size_t offset, size_t length, const char *text) {
    const listing *to = context;
    for (size_t at = 0; at < length; at += ROW_BYTES)
        print_row(to, offset + at, length - at < ROW_BYTES ? length - at : ROW_BYTES, at == 0 ? text : NULL);
}

static const char *function_of(kvhash_scheme_kind kind) {
    const char *name = kvhash_scheme_kind_text(kind);
    if (strstr(name, "xxhash") != NULL) return "XXH3-128";
    switch (kind) {
    case KVHASH_SCHEME_LLMD: return "FNV-1a";
    case KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3: return "BLAKE3";
    case KVHASH_SCHEME_AIBRIX: return "XXH64 with the seed";
    default: return "SHA-256";
    }
}

static void print_name(FILE *out, const char *what, const uint8_t *bytes, size_t count, const char *after) {
    fprintf(out, "  %-7s ", what);
    scheme_print_hex(out, bytes, count);
    fprintf(out, "%s\n", after);
}

static const char *cut_of(const scheme_names *names, kvhash_scheme_kind kind) {
    bool cut = names->name_bytes == 8 && kind != KVHASH_SCHEME_LLMD && kind != KVHASH_SCHEME_AIBRIX;
    return cut ? " (the first 8 bytes)" : "";
}

static void print_parent(FILE *out, const scheme_names *names, size_t block) {
    if (block > 0)
        print_name(out, "parent", names->names + (block - 1) * names->name_bytes, names->name_bytes, "");
    else if (names->root_bytes > 0)
        print_name(out, "parent", names->root, names->root_bytes, " (the root)");
    else
        fputs("  parent  none\n", out);
}

/* SGLang's events may carry another chain than the names. */
static void print_64_bits(FILE *out, const scheme_names *names, kvhash_scheme_kind kind, size_t block) {
    const uint8_t *name = names->names + block * names->name_bytes;
    if (kind != KVHASH_SCHEME_SGLANG)
        fprintf(out, "  64 bits %" PRIu64 "\n", kvhash_scheme_event64(names->scheme, name));
    else if (block < names->event_count)
        fprintf(out, "  64 bits %" PRId64 " in events, %" PRId64 " in Dynamo's\n", names->events[0][block],
                names->events[1][block]);
}

static void print_block(FILE *out, const annotate_image *image, const char *title, size_t mark) {
    const scheme_names *names = image->names;
    const uint8_t *name = names->names + image->block * names->name_bytes;
    listing to = {.out = out, .bytes = image->bytes, .mark = mark};
    print_plain(out, title);
    fputc('\n', out);
    print_parent(out, names, image->block);
    fprintf(out, "  bytes   %zu, for %s\n", image->size_bytes, function_of(image->kind));
    annotate(image, print_piece, &to);
    print_name(out, "name", name, names->name_bytes, cut_of(names, image->kind));
    print_64_bits(out, names, image->kind, image->block);
}

/* llm-d: the root depends on the model, so its bytes are shown as well. */
static kvcore_status print_root(explainer *to, FILE *out, const scheme_names *names, kvcore_error *error) {
    annotate_image image = {names, KVHASH_SCHEME_LLMD, KVHASH_SCHEME_ROOT_IMAGE, to->bytes, 0};
    kvcore_status status = kvhash_scheme_preimage(names->scheme, &names->request.request, KVHASH_SCHEME_ROOT_IMAGE,
                                                  NULL, to->bytes, IMAGE_BYTES, &image.size_bytes, error);
    if (status != KVCORE_OK) return status;
    listing listed = {.out = out, .bytes = to->bytes, .mark = NOWHERE};
    fprintf(out, "root of block 0\n  bytes   %zu, for FNV-1a\n", image.size_bytes);
    annotate(&image, print_piece, &listed);
    print_name(out, "name", names->root, names->root_bytes, "");
    return KVCORE_OK;
}

/* ---- two blocks ---- */

static size_t parting(const explainer *to, size_t size_bytes) {
    size_t both = size_bytes < to->first_bytes ? size_bytes : to->first_bytes, i = 0;
    while (i < both && to->first[i] == to->bytes[i]) i++;
    return i < both || size_bytes != to->first_bytes ? i : NOWHERE;
}

static void print_side(FILE *out, const uint8_t *bytes, size_t size_bytes, size_t row, size_t mark) {
    for (size_t i = row; i < row + SIDE_BYTES; i++) {
        fputs(i == mark ? "[" : i == mark + 1 && i > row ? "]" : " ", out);
        if (i < size_bytes)
            fprintf(out, "%02x", bytes[i]);
        else
            fputs(i == mark ? "--" : "  ", out);
    }
    fputs(row + SIDE_BYTES == mark + 1 ? "]" : " ", out);
}

static void print_parting(const explainer *to, FILE *out, size_t size_bytes, size_t mark, bool other_parent) {
    fputs("compared with ", out);
    print_plain(out, to->first_title);
    if (mark == NOWHERE) {
        fputs(": the same bytes\n", out);
        return;
    }
    fprintf(out, ": the first difference is byte %zu\n", mark);
    if (to->block > 0 && other_parent) fprintf(out, "  the parents differ: explain block %zu\n", to->block - 1);
    size_t row = mark / SIDE_BYTES * SIDE_BYTES, most = size_bytes > to->first_bytes ? size_bytes : to->first_bytes;
    row = row > 0 ? row - SIDE_BYTES : row;
    for (size_t i = 0; i < SIDE_ROWS && row < most; i++, row += SIDE_BYTES) {
        fprintf(out, "  %6zu ", row);
        print_side(out, to->first, to->first_bytes, row, mark);
        fputs(" | ", out);
        print_side(out, to->bytes, size_bytes, row, mark);
        fputc('\n', out);
    }
    if (row < most) fprintf(out, "  %6zu  ...\n", row);
}

static const uint8_t *parent_of(const scheme_names *names, size_t block, size_t *size_bytes) {
    *size_bytes = block > 0 ? names->name_bytes : names->root_bytes;
    return block > 0 ? names->names + (block - 1) * names->name_bytes : names->root;
}

static bool differs_before(const explainer *to, const scheme_names *names) {
    size_t size_bytes;
    const uint8_t *parent = parent_of(names, to->block, &size_bytes);
    return size_bytes != to->first_parent_bytes || memcmp(parent, to->first_parent, size_bytes) != 0;
}

static void keep_first(explainer *to, const annotate_image *image, const char *title) {
    const uint8_t *parent = parent_of(image->names, to->block, &to->first_parent_bytes);
    memcpy(to->first_parent, parent, to->first_parent_bytes);
    memcpy(to->first, to->bytes, image->size_bytes);
    snprintf(to->first_title, sizeof to->first_title, "%s", title);
    to->first_bytes = image->size_bytes;
}

/* ---- a request ---- */

static kvcore_status explain_one(explainer *to, FILE *out, const scheme_names *names, kvhash_scheme_kind kind,
                                 const char *place, kvcore_error *error) {
    annotate_image image = {names, kind, to->block, to->bytes, 0};
    char title[sizeof to->first_title];
    if (to->block >= names->count)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT},
                           "expected a request of more than %zu blocks, found %zu", to->block, names->count);
    if (kind == KVHASH_SCHEME_LLMD && to->block == 0) {
        kvcore_status status = print_root(to, out, names, error);
        if (status != KVCORE_OK) return status;
    }
    kvcore_status status = kvhash_scheme_preimage(names->scheme, &names->request.request, to->block, NULL, to->bytes,
                                                  IMAGE_BYTES, &image.size_bytes, error);
    if (status != KVCORE_OK) return status;
    snprintf(title, sizeof title, "%s, %s, block %zu", place, kvhash_scheme_kind_text(kind), to->block);
    bool is_first = to->first_bytes == 0;
    size_t mark = is_first ? NOWHERE : parting(to, image.size_bytes);
    print_block(out, &image, title, mark);
    if (!is_first) print_parting(to, out, image.size_bytes, mark, differs_before(to, names));
    if (is_first) keep_first(to, &image, title);
    return KVCORE_OK;
}

static bool make_room(explainer *to) {
    if (to->bytes == NULL) to->bytes = calloc(1, IMAGE_BYTES);
    if (to->first == NULL) to->first = calloc(1, IMAGE_BYTES);
    return to->bytes != NULL && to->first != NULL;
}

kvcore_status explain(explainer *to, FILE *out, const scheme_set *set, const char *place, kvcore_error *error) {
    if (!make_room(to)) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    for (size_t i = 0; i < set->count; i++) {
        kvcore_status status = explain_one(to, out, &set->names[i], set->kinds[i], place, error);
        if (status != KVCORE_OK) return scheme_refused(status, set->kinds[i], error);
    }
    return KVCORE_OK;
}

void explainer_clear(explainer *to) {
    free(to->bytes);
    free(to->first);
    *to = (explainer){.block = 0};
}

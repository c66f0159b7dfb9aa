#include "vectors.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <kvcore/text.h>

/* --- one line ------------------------------------------------------------------------------------------------------- */

typedef struct kvtest_line_memory {
    struct kvtest_line_memory *next;
    max_align_t bytes[];
} kvtest_line_memory;

static void *allocate(size_t size_bytes) {
    void *memory = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(2);
    }
    return memory;
}

void *kvtest_line_alloc(kvtest_vector *vector, size_t size_bytes) {
    kvtest_line_memory *memory = allocate(sizeof *memory + size_bytes);
    memory->next = vector->memory;
    vector->memory = memory;
    return memory->bytes;
}

static void free_line_memory(kvtest_vector *vector) {
    while (vector->memory != NULL) {
        kvtest_line_memory *next = vector->memory->next;
        free(vector->memory);
        vector->memory = next;
    }
}

void kvtest_differ(kvtest_vector *vector, const char *format, ...) {
    if (vector->failed) return;
    vector->failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(vector->difference, sizeof vector->difference, format, arguments);
    va_end(arguments);
}

/* --- getters -------------------------------------------------------------------------------------------------------- */

bool kvtest_has(json_object *object, const char *key) {
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, key, NULL);
}

json_object *kvtest_field(kvtest_vector *vector, json_object *object, const char *key) {
    json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value))
        kvtest_differ(vector, "field \"%s\" is missing", key);
    return value;
}

bool kvtest_is_null(json_object *object, const char *key) {
    json_object *value = NULL;
    return !json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value) ||
           value == NULL;
}

uint64_t kvtest_u64_of(kvtest_vector *vector, json_object *value, const char *what) {
    if (json_object_is_type(value, json_type_int)) {
        if (json_object_get_int64(value) >= 0) return json_object_get_uint64(value);
    } else if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        char *end;
        errno = 0;
        uint64_t number = strtoull(text, &end, 10);
        if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0) return number;
    }
    kvtest_differ(vector, "\"%s\" is not an unsigned number", what);
    return 0;
}

uint64_t kvtest_u64(kvtest_vector *vector, json_object *object, const char *key) {
    return kvtest_u64_of(vector, kvtest_field(vector, object, key), key);
}

uint64_t kvtest_u64_or(kvtest_vector *vector, json_object *object, const char *key, uint64_t fallback) {
    return kvtest_is_null(object, key) ? fallback : kvtest_u64(vector, object, key);
}

bool kvtest_bool(kvtest_vector *vector, json_object *object, const char *key) {
    json_object *value = kvtest_field(vector, object, key);
    if (json_object_is_type(value, json_type_boolean)) return json_object_get_boolean(value);
    kvtest_differ(vector, "\"%s\" is not true or false", key);
    return false;
}

static kvcore_bytes text_of(kvtest_vector *vector, json_object *value, const char *what) {
    if (value == NULL) return (kvcore_bytes){NULL, 0};
    if (json_object_is_type(value, json_type_string))
        return (kvcore_bytes){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
    kvtest_differ(vector, "\"%s\" is not a string", what);
    return (kvcore_bytes){NULL, 0};
}

kvcore_bytes kvtest_text(kvtest_vector *vector, json_object *object, const char *key) {
    return text_of(vector, kvtest_field(vector, object, key), key);
}

const char *kvtest_string(kvtest_vector *vector, json_object *object, const char *key) {
    kvcore_bytes text = kvtest_text(vector, object, key);
    return text.data == NULL ? "" : text.data;
}

kvcore_bytes kvtest_hex_of(kvtest_vector *vector, json_object *value, const char *what) {
    kvcore_bytes text = text_of(vector, value, what);
    void *bytes = kvtest_line_alloc(vector, text.size_bytes / 2 + 1);
    if (text.data == NULL || kvcore_hex_decode(text.data, text.size_bytes, bytes) != KVCORE_OK) {
        kvtest_differ(vector, "\"%s\" is not hexadecimal", what);
        return (kvcore_bytes){bytes, 0};
    }
    return (kvcore_bytes){bytes, text.size_bytes / 2};
}

kvcore_bytes kvtest_hex(kvtest_vector *vector, json_object *object, const char *key) {
    return kvtest_hex_of(vector, kvtest_field(vector, object, key), key);
}

static json_object *array_of(kvtest_vector *vector, json_object *value, const char *what) {
    if (json_object_is_type(value, json_type_array)) return value;
    if (value != NULL) kvtest_differ(vector, "\"%s\" is not an array", what);
    static json_object *empty; /* read only; lives as long as the driver */
    if (empty == NULL) empty = json_object_new_array();
    return empty;
}

json_object *kvtest_array(kvtest_vector *vector, json_object *object, const char *key) {
    return array_of(vector, kvtest_field(vector, object, key), key);
}

const uint32_t *kvtest_tokens_of(kvtest_vector *vector, json_object *value, const char *what, size_t *count) {
    json_object *array = array_of(vector, value, what);
    *count = json_object_array_length(array);
    uint32_t *tokens = kvtest_line_alloc(vector, *count * sizeof *tokens);
    for (size_t i = 0; i < *count; i++) {
        uint64_t token = kvtest_u64_of(vector, json_object_array_get_idx(array, i), what);
        if (token > UINT32_MAX) kvtest_differ(vector, "\"%s\"[%zu] is more than 32 bits", what, i);
        tokens[i] = (uint32_t)token;
    }
    return tokens;
}

const uint32_t *kvtest_tokens(kvtest_vector *vector, json_object *object, const char *key, size_t *count) {
    return kvtest_tokens_of(vector, kvtest_field(vector, object, key), key, count);
}

/* --- expectations --------------------------------------------------------------------------------------------------- */

void kvtest_expect_true(kvtest_vector *vector, const char *what, bool holds) {
    if (!holds) kvtest_differ(vector, "%s does not hold", what);
}

void kvtest_expect_u64(kvtest_vector *vector, const char *what, uint64_t actual, uint64_t expected) {
    if (actual != expected) kvtest_differ(vector, "%s: got %" PRIu64 ", expected %" PRIu64, what, actual, expected);
}

void kvtest_expect_status(kvtest_vector *vector, const char *what, kvcore_status actual, kvcore_status expected) {
    if (actual != expected)
        kvtest_differ(vector, "%s: got %d (%s), expected %d (%s)", what, actual, kvcore_status_text(actual), expected,
                      kvcore_status_text(expected));
}

void kvtest_expect_text(kvtest_vector *vector, const char *what, const char *actual, const char *expected) {
    if (strcmp(actual, expected) != 0) kvtest_differ(vector, "%s: got \"%s\", expected \"%s\"", what, actual, expected);
}

void kvtest_expect_bytes(kvtest_vector *vector, const char *what, const void *actual, size_t actual_size,
                         kvcore_bytes expected) {
    if (actual_size != expected.size_bytes) {
        kvtest_differ(vector, "%s: got %zu bytes, expected %zu", what, actual_size, expected.size_bytes);
        return;
    }
    const unsigned char *a = actual, *b = expected.data;
    for (size_t i = 0; i < actual_size; i++)
        if (a[i] != b[i]) {
            kvtest_differ(vector, "%s: byte %zu is %02x, expected %02x", what, i, a[i], b[i]);
            return;
        }
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

typedef struct line_buffer {
    char *text;
    size_t length, capacity;
} line_buffer;

/* 1: a line, without its end; 0: no more; −1: the file cannot be read. */
static int read_line(gzFile file, line_buffer *line) {
    line->length = 0;
    for (;;) {
        if (line->capacity - line->length < 2) {
            size_t capacity = line->capacity == 0 ? 1 << 16 : 2 * line->capacity;
            char *text = allocate(capacity);
            if (line->length != 0) memcpy(text, line->text, line->length);
            free(line->text);
            *line = (line_buffer){text, line->length, capacity};
        }
        size_t room = line->capacity - line->length;
        if (gzgets(file, line->text + line->length, (int)(room < 1 << 20 ? room : 1 << 20)) == NULL) {
            int code;
            gzerror(file, &code);
            if (code != Z_OK) return -1;
            return line->length != 0;
        }
        /* from where we were: the text itself may hold NULs only as escapes, so strlen() is right */
        line->length += strlen(line->text + line->length);
        if (line->length != 0 && line->text[line->length - 1] == '\n') {
            line->length--;
            return 1;
        }
    }
}

static json_object *parse(json_tokener *tokener, const line_buffer *line) {
    json_tokener_reset(tokener);
    json_object *value = json_tokener_parse_ex(tokener, line->text, (int)line->length);
    if (value != NULL && json_tokener_get_parse_end(tokener) == line->length) return value;
    json_object_put(value);
    return NULL;
}

typedef struct tally {
    size_t passed, failed;
} tally;

/* Why the whole file fails, apart from its lines; NULL if it does not. */
static const char *run_lines(gzFile file, const char *path, const kvtest_vector_kind *kind, tally *total) {
    json_tokener *tokener = json_tokener_new_ex(4096); /* terms nest deeper than its usual 32 */
    if (tokener == NULL) return "out of memory";
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    line_buffer line = {0};
    kvtest_vector vector = {.path = path, .context = allocate(kind->context_bytes)};
    size_t differing = 0;
    int got;
    while ((got = read_line(file, &line)) > 0) {
        vector.line_number++;
        vector.failed = false;
        vector.line = parse(tokener, &line);
        if (vector.line == NULL)
            kvtest_differ(&vector, "not JSON");
        else
            kind->check(&vector);
        if (vector.failed && differing++ == 0) printf("%s:%zu: %s\n", path, vector.line_number, vector.difference);
        if (!vector.failed) total->passed++;
        json_object_put(vector.line);
        free_line_memory(&vector);
    }
    if (differing > 1) printf("%s: %zu lines differ\n", path, differing);
    total->failed += differing;
    if (kind->end != NULL) kind->end(vector.context);
    free(vector.context);
    free(line.text);
    json_tokener_free(tokener);
    return got < 0 ? "cannot be read to its end" : vector.line_number == 0 ? "is empty" : NULL;
}

static const kvtest_vector_kind *kind_of(const char *path, const kvtest_vector_kind *kinds, size_t kind_count) {
    const char *slash = strrchr(path, '/');
    char name[256];
    int length = snprintf(name, sizeof name, "%s", slash == NULL ? path : slash + 1);
    if (length >= (int)sizeof name) return NULL;
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0) name[length - 3] = '\0';
    for (size_t i = 0; i < kind_count; i++)
        if (fnmatch(kinds[i].name, name, 0) == 0) return &kinds[i];
    return NULL;
}

static const char *run_file(const char *path, const kvtest_vector_kind *kinds, size_t kind_count, tally *total) {
    const kvtest_vector_kind *kind = kind_of(path, kinds, kind_count);
    if (kind == NULL) return "is no vector file that this driver knows";
    gzFile file = gzopen(path, "rb");
    if (file == NULL) return strerror(errno);
    const char *fault = run_lines(file, path, kind, total);
    gzclose(file);
    return fault;
}

int kvtest_run_vectors(int argc, char **argv, const kvtest_vector_kind *kinds, size_t kind_count) {
    if (argc < 2) {
        printf("usage: %s FILE...\n\nvector files that it knows (each may end in .gz):\n", argv[0]);
        for (size_t i = 0; i < kind_count; i++) printf("  %s\n", kinds[i].name);
        return 2;
    }
    tally total = {0};
    for (int i = 1; i < argc; i++) {
        const char *fault = run_file(argv[i], kinds, kind_count, &total);
        if (fault == NULL) continue;
        printf("%s: %s\n", argv[i], fault);
        total.failed++;
    }
    printf("%zu passed, %zu failed\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}

/* --- documents ------------------------------------------------------------------------------------------------------ */

static char *read_all(const char *path, size_t *length) {
    gzFile file = gzopen(path, "rb");
    if (file == NULL) return NULL;
    size_t capacity = 1 << 20;
    char *text = allocate(capacity);
    int got;
    *length = 0;
    while ((got = gzread(file, text + *length, (unsigned)(capacity - *length))) > 0) {
        *length += (size_t)got;
        if (*length < capacity) continue;
        char *grown = allocate(2 * capacity);
        memcpy(grown, text, *length);
        free(text);
        text = grown;
        capacity *= 2;
    }
    gzclose(file);
    if (got == 0) return text;
    free(text);
    return NULL;
}

static json_object *read_document(const char *path) {
    size_t length = 0;
    char *text = read_all(path, &length);
    json_tokener *tokener = json_tokener_new_ex(4096);
    json_object *document = NULL;
    if (text != NULL && tokener != NULL && length < INT32_MAX)
        document = json_tokener_parse_ex(tokener, text, (int)length);
    if (tokener != NULL) json_tokener_free(tokener);
    free(text);
    return document;
}

static void run_one(const char *path, json_object *value, size_t number, void (*check)(kvtest_vector *vector),
                    tally *total) {
    kvtest_vector vector = {.path = path, .line = value, .line_number = number};
    check(&vector);
    if (vector.failed) printf("%s:%zu: %s\n", path, number, vector.difference);
    total->failed += vector.failed;
    total->passed += !vector.failed && !vector.skipped;
    free_line_memory(&vector);
}

int kvtest_run_documents(int argc, char **argv, bool (*wanted)(const char *path),
                         void (*check)(kvtest_vector *vector)) {
    tally total = {0};
    for (int i = 1; i < argc; i++) {
        if (!wanted(argv[i])) continue;
        json_object *document = read_document(argv[i]);
        size_t count = json_object_is_type(document, json_type_array) ? json_object_array_length(document) : 0;
        if (document == NULL) {
            printf("%s: cannot be read as JSON\n", argv[i]);
            total.failed++;
        } else if (count == 0) {
            run_one(argv[i], document, 1, check, &total);
        }
        for (size_t k = 0; k < count; k++)
            run_one(argv[i], json_object_array_get_idx(document, k), k + 1, check, &total);
        json_object_put(document);
    }
    printf("%zu passed, %zu failed\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}

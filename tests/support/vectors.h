/* Vector files for conformance drivers: JSON Lines, plain or gzip, one vector a line.
 *
 * A driver is a table of the files it knows and one function for each:
 *
 *     static void check_salt(kvtest_vector *v) {
 *         kvtest_expect_u64(v, "salt_hash", compute(kvtest_text(v, v->line, "salt")), kvtest_u64(v, v->line, "salt_hash"));
 *     }
 *     int main(int argc, char **argv) {
 *         static const kvtest_vector_kind kinds[] = {{.name = "salt.jsonl", .check = check_salt}};
 *         return kvtest_run_vectors(argc, argv, kinds, 1);
 *     }
 *
 * The first thing that goes wrong in a vector is kept (an expectation that does not hold, or a field that is missing or of the
 * wrong type); what comes later on that line cannot undo it. Getters then give harmless values, so a check need not ask.
 * Whatever a getter gives lives until the line is done.
 */
#ifndef KVTEST_VECTORS_H
#define KVTEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>

typedef struct kvtest_vector {
    const char *path;   /* the file, as it was named: what a vector refers to lies beside it */
    json_object *line;  /* what the line says */
    size_t line_number; /* from 1 */
    void *context;      /* of the file: context_bytes, zero before its first line */
    bool failed;
    bool skipped; /* a check of documents may set it: what the vector needs is not on this machine */
    char difference[400];
    struct kvtest_line_memory *memory;
} kvtest_vector;

typedef struct kvtest_vector_kind {
    const char *name; /* base name without .gz; a pattern as fnmatch() takes it */
    void (*check)(kvtest_vector *vector);
    size_t context_bytes;
    void (*end)(void *context); /* after the last line, may be NULL */
} kvtest_vector_kind;

/* Check the files that argv names from argv[1]: for each that fails, its first difference and the line; at the end "N passed,
 * M failed" over all lines. A file that is unknown, unreadable or empty counts as failed. The exit code: 0 if nothing failed. */
int kvtest_run_vectors(int argc, char **argv, const kvtest_vector_kind *kinds, size_t kind_count);

/* The same for files that are one JSON document each, plain or gzip, over many lines: a list has a vector in each element,
 * anything else is one vector; line_number counts them. Arguments that `wanted` says no to are passed over. */
int kvtest_run_documents(int argc, char **argv, bool (*wanted)(const char *path), void (*check)(kvtest_vector *vector));

/* Record a difference: printf's format. */
void kvtest_differ(kvtest_vector *vector, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory that lives until the line is done; zeroed, never NULL. */
void *kvtest_line_alloc(kvtest_vector *vector, size_t size_bytes);

/* A field of an object. Missing: a difference, and NULL. JSON's null is NULL too, without a difference. */
json_object *kvtest_field(kvtest_vector *vector, json_object *object, const char *key);
bool kvtest_has(json_object *object, const char *key);
/* Missing or null. */
bool kvtest_is_null(json_object *object, const char *key);

/* A number that is written as a number or as a decimal string. */
uint64_t kvtest_u64_of(kvtest_vector *vector, json_object *value, const char *what);
uint64_t kvtest_u64(kvtest_vector *vector, json_object *object, const char *key);
/* null and missing read as `fallback`. */
uint64_t kvtest_u64_or(kvtest_vector *vector, json_object *object, const char *key, uint64_t fallback);
bool kvtest_bool(kvtest_vector *vector, json_object *object, const char *key);
/* A string; null reads as none. */
kvcore_bytes kvtest_text(kvtest_vector *vector, json_object *object, const char *key);
/* The same as a C string, "" for null. */
const char *kvtest_string(kvtest_vector *vector, json_object *object, const char *key);
/* A string of hex digits as bytes. */
kvcore_bytes kvtest_hex(kvtest_vector *vector, json_object *object, const char *key);
kvcore_bytes kvtest_hex_of(kvtest_vector *vector, json_object *value, const char *what);
/* An array, never NULL; null reads as an empty one. */
json_object *kvtest_array(kvtest_vector *vector, json_object *object, const char *key);
/* An array of 32-bit numbers. */
const uint32_t *kvtest_tokens(kvtest_vector *vector, json_object *object, const char *key, size_t *count);
const uint32_t *kvtest_tokens_of(kvtest_vector *vector, json_object *value, const char *what, size_t *count);

void kvtest_expect_true(kvtest_vector *vector, const char *what, bool holds);
void kvtest_expect_u64(kvtest_vector *vector, const char *what, uint64_t actual, uint64_t expected);
void kvtest_expect_status(kvtest_vector *vector, const char *what, kvcore_status actual, kvcore_status expected);
void kvtest_expect_text(kvtest_vector *vector, const char *what, const char *actual, const char *expected);
void kvtest_expect_bytes(kvtest_vector *vector, const char *what, const void *actual, size_t actual_size,
                         kvcore_bytes expected);

#endif

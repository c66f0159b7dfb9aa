/* What the parts of conformance_store share. A part is a table of operations, one function each. */
#ifndef STORE_H
#define STORE_H

#include "vectors.h"

typedef struct store_op {
    const char *name; /* the line's "op" */
    void (*check)(kvtest_vector *v);
} store_op;

extern const store_op store_name_ops[];
extern const store_op store_bucket_ops[];
extern const store_op store_memory_ops[];
extern const store_op store_log_ops[];
extern const store_op store_index_ops[];

/* Objects by key, ascending bytewise. Bytes are borrowed; memory is the line's. */
typedef struct store_objects {
    struct store_object {
        kvcore_bytes key;
        kvcore_bytes bytes;
    } * rows;
    size_t count;
    size_t capacity;
} store_objects;

struct store_object *store_find(const store_objects *objects, kvcore_bytes key);
/* Insert or replace. */
void store_put(kvtest_vector *v, store_objects *objects, kvcore_bytes key, kvcore_bytes bytes);
bool store_delete(store_objects *objects, kvcore_bytes key);
bool store_begins(kvcore_bytes text, kvcore_bytes front);

/* All objects against {"key": "<hex>", …}. */
void store_expect_objects(kvtest_vector *v, const store_objects *objects, json_object *expected);

/* {"<key>": "<hex>"} into objects. */
void store_load(kvtest_vector *v, json_object *from, store_objects *objects);

int store_compare(kvcore_bytes a, kvcore_bytes b);
kvcore_bytes store_copy(kvtest_vector *v, const void *data, size_t size_bytes);
kvcore_bytes store_text_at(kvtest_vector *v, json_object *array, size_t index);

#endif

/* What the parts of conformance_wombat share. A part is a table of operations, one function each. */
#ifndef WOMBAT_H
#define WOMBAT_H

#include "vectors.h"

typedef struct wombat_op {
    const char *name; /* the line's "op" */
    void (*check)(kvtest_vector *v);
} wombat_op;

extern const wombat_op wombat_core_ops[];
extern const wombat_op wombat_metadata_ops[];
extern const wombat_op wombat_log_ops[];
extern const wombat_op wombat_envelope_ops[];
extern const wombat_op wombat_engine_ops[];
extern const wombat_op wombat_radix_ops[];

/* {"hex": …} or {"bin": file beside the vectors, possibly gzipped}. */
kvcore_bytes wombat_bytes_of(kvtest_vector *v, json_object *node);
kvcore_bytes wombat_bytes(kvtest_vector *v, json_object *object, const char *key);
/* A file beside the vectors. */
kvcore_bytes wombat_file(kvtest_vector *v, const char *name);

/* The status that a named error of the vectors is here. */
kvcore_status wombat_error(kvtest_vector *v, const char *name);
/* What `expect` wants: KVCORE_OK, or the status of its "error". */
kvcore_status wombat_expected(kvtest_vector *v, json_object *expect);

/* An encoder that was asked for the size first and then to write: statuses, size and bytes against `expect`. */
void wombat_expect_encoded(kvtest_vector *v, kvcore_status asked, kvcore_status written, kvcore_bytes bytes,
                           json_object *expect);

#endif

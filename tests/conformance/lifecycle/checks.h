/* What the lifecycle driver checks; one function a kind of vector file. */
#ifndef CONFORMANCE_LIFECYCLE_CHECKS_H
#define CONFORMANCE_LIFECYCLE_CHECKS_H

#include "world.h"

/* trace.c */
typedef struct trace_file {
    world world;
    bool broken; /* a step differed: what follows depends on it and cannot be compared */
} trace_file;
void check_trace(kvtest_vector *v);
void end_trace(void *context);

/* frequency.c */
void check_tinylfu(kvtest_vector *v);

/* builder.c */
void check_builder(kvtest_vector *v);

/* panics.c */
void check_panic(kvtest_vector *v);

#endif

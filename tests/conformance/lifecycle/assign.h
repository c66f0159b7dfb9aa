/* The checks of traces of sequence trackers, for the lifecycle driver. */
#ifndef CONFORMANCE_LIFECYCLE_ASSIGN_H
#define CONFORMANCE_LIFECYCLE_ASSIGN_H

#include <kvlogical/assignments.h>
#include <kvlogical/external_assignments.h>

#include "world.h"

/* assign_external.c */
#define ASSIGN_TRACKERS 16
typedef struct assign_external_file {
    world world; /* only its names */
    kvlogical_external_assignments *trackers[ASSIGN_TRACKERS];
    bool broken;
} assign_external_file;
void check_assign_external(kvtest_vector *v);
void end_assign_external(void *context);

/* assign_logical.c */
typedef struct assign_logical_file {
    world world;
    kvlogical_assignments *tracker;
    bool broken;
} assign_logical_file;
void check_assign_logical(kvtest_vector *v);
void end_assign_logical(void *context);

#endif

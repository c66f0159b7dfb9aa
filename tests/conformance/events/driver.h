/* The events-wire vectors: what the files of the driver share. */
#ifndef CONFORMANCE_EVENTS_DRIVER_H
#define CONFORMANCE_EVENTS_DRIVER_H

#include "vectors.h"

#include <kvevents/batch.h>

/* Read a payload with as much memory as it takes; the batch lives until the line is done. */
kvcore_status read_payload(kvtest_vector *v, kvcore_bytes payload, kvevents_batch *batch, kvcore_error *error);

/* A meaning, as the README of the vectors has it, beside a batch. */
void expect_batch(kvtest_vector *v, const char *what, const kvevents_batch *batch, json_object *expected);

void check_stream(kvtest_vector *v);
void check_dynamo(kvtest_vector *v);

#endif

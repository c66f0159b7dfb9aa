/* What the tests of events share: messages made of events, and a listener that keeps the names it is told. */
#ifndef EVENTS_SUPPORT_H
#define EVENTS_SUPPORT_H

#include "kvtest.h"

#include <kvevents/source.h>
#include <kvhash/request.h>

#define LISTENER_NAMES 4096

typedef struct listener {
    kvhash_plh names[KVEVENTS_TIERS][LISTENER_NAMES];
    size_t counts[KVEVENTS_TIERS];
    size_t cleared;
} listener;

/* A kvevents_change_callback; ctx is a listener. A name that comes twice or goes without having come fails the test. */
void listener_change(void *ctx, const kvevents_change *change);
bool listener_has(const listener *of, kvevents_tier tier, kvhash_plh name);

/* Take a message of these events, at this time. */
kvevents_step take_events(kvevents_source *source, uint64_t number, double ts, const kvevents_event *events,
                          size_t count);

/* The names of all complete blocks of tokens. */
size_t names_of_tokens(const uint32_t *tokens, size_t count, uint32_t block_tokens, const char *salt, kvhash_plh *names,
                       size_t capacity);

#endif

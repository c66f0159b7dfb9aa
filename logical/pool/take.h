/* Blocks by index, under the lock, for callers that keep no guards: they are the holders by themselves. Private to logical. */
#ifndef LOGICAL_TAKE_H
#define LOGICAL_TAKE_H

#include "pool/manager.h"

/* Take so many blocks, which must be available; they are mutable. Returns how many were evicted: their keys are in `evicted`. */
size_t kvlogical__take_blocks(kvlogical_manager *m, size_t count, uint32_t *blocks, kvlogical_key *evicted,
                              uint32_t now);
/* A mutable block gets a key: primary or, beside another one, duplicate. The manager does not reject duplicates. */
void kvlogical__give_key(kvlogical_manager *m, uint32_t block, kvhash_plh name, uint32_t group, uint32_t *front,
                         uint32_t now);
/* Every inactive block becomes free, in the order in which it would have been evicted. */
void kvlogical__reset_inactive(kvlogical_manager *m);

#endif

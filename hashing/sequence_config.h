/* What a sequence is made from, checked. Private to hashing. */
#ifndef HASHING_SEQUENCE_CONFIG_H
#define HASHING_SEQUENCE_CONFIG_H

#include <kvhash/sequence.h>

#include "run_walk.h"

/* The caller's config in this version's shape, everything in it checked in the order of the header; the walk stands at the
 * first run and is to be ended; not on failure. */
kvcore_status kvhash__sequence_config_read(kvhash_sequence_config *config, run_walk *walk,
                                           const kvhash_sequence_config *given, kvcore_error *error);

/* The most tokens there can be: one more would complete a block beyond the limit. */
uint64_t kvhash__sequence_max_tokens(uint32_t block_tokens);

#endif

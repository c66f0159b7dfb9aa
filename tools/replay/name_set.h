/* A growing set of block names that remembers which were asked for again: a cache without bounds. */
#ifndef TOOLS_NAME_SET_H
#define TOOLS_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/plh.h>

/* All zero is an empty one. */
typedef struct name_set {
    kvhash_plh *names; /* open addressing, linear probing, at most half full */
    uint8_t *states;   /* NAME_… of each place */
    size_t places;     /* 0 or a power of two */
    size_t count;
} name_set;

/* The last two are flags beside NAME_NEW. */
enum { NAME_ABSENT = 0, NAME_NEW = 1, NAME_USED_AGAIN = 2, NAME_CACHED = 4, NAME_REFUSED = 8 };

/* The state of a name, for the caller to change, not to NAME_ABSENT; NULL when it is absent. Valid until the next insert. */
uint8_t *name_set_find(const name_set *set, kvhash_plh name);

/* Add a name that may be there already; *added tells. Errors: KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status name_set_insert(name_set *set, kvhash_plh name, bool *added);

void name_set_clear(name_set *set);

#endif

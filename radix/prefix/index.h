/* The positional index from inside. Private to radix/prefix.
 *
 * Each file sees those below it alone:
 *
 *     validate.c  dump.c  feed.c  match.c      what is broken; bytes; what events tell; readers
 *     index.h, index.c                         what callers tell
 *     holders.h, lineage.h                     who is known; names, rows, orphans
 *     columns.h                                a bit for each holder
 *     table/                                   records that readers find without a lock */
#ifndef RADIX_INDEX_H
#define RADIX_INDEX_H

#include <pthread.h>

#include <kvradix/index.h>

#include "prefix/holders.h"
#include "prefix/lineage.h"

struct kvradix_index {
    lineage lineage;
    holder_list holders;
    pthread_mutex_t writers;
    size_t name_limit, holder_name_limit; /* SIZE_MAX: none */
};

/* Whether the holder may have this name without passing a limit. */
bool kvradix__index_allows(const kvradix_index *index, const holder_state *state, kvhash_plh name);
/* The holder has this name, for which there is room. */
void kvradix__index_hold(kvradix_index *index, holder_state *state, kvhash_plh name);

static inline uint64_t index_epoch(const kvradix_index *index) { return epoch_now(&index->lineage.table.epochs); }

/* The writers' lock of an index that the caller promised not to change: locking changes nothing of what it knows. */
static inline pthread_mutex_t *index_lock(const kvradix_index *index) {
    pthread_mutex_t *writers = (pthread_mutex_t *)&index->writers;
    pthread_mutex_lock(writers);
    return writers;
}

#endif

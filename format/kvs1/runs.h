/* KVS1: the names of a file in few sorted runs. Private to the reader.
 *
 * A commit's index is a sorted run as it lies in the file. A file of many commits would have a search go through all of them, so
 * runs are merged: each is at least twice as large as the next newer one, and there are as many as the entries have binary
 * digits. A large old commit is never copied. */
#ifndef KVFORMAT_KVS1_RUNS_H
#define KVFORMAT_KVS1_RUNS_H

#include "layout.h"

typedef struct kvs1_run {
    const uint8_t *keys;     /* ascending; of merged runs each once, in its newest version */
    const uint64_t *entries; /* which entry of the file a key is; NULL: the keys of one commit, from first_entry on */
    size_t count;
    size_t room;   /* keys and entries that a merged run has memory for */
    size_t commit; /* of a run that is one commit: its place in the reader's table */
    uint64_t first_entry;
} kvs1_run;

typedef struct kvs1_runs {
    kvs1_run *runs; /* oldest first */
    size_t count, room;
    bool merge;
} kvs1_runs;

/* Room for as many commits; the runs of few commits are not merged. KVCORE_ENOMEM: there is nothing to drop. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_runs_begin(kvs1_runs *runs, size_t commits, const kvcore_allocator *from);
/* The next newer commit. After KVCORE_ENOMEM the runs are still to be dropped. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_runs_add(kvs1_runs *runs, const kvs1_run *commit,
                                                       const kvcore_allocator *from);
void kvformat__kvs1_runs_drop(kvs1_runs *runs, const kvcore_allocator *from);

/* Which entry of the file the key at this place is. */
static inline uint64_t kvs1_run_entry(const kvs1_run *run, size_t place) {
    return run->entries != NULL ? run->entries[place] : run->first_entry + place;
}

#endif

/* What metadata.c (entries) and candidates.c (choosing among them) share. Private to radix. */
#ifndef RADIX_METADATA_H
#define RADIX_METADATA_H

#include <pthread.h>

#include <kvradix/metadata.h>

#include "table/table.h"

/* A block and its metadata. Written before it is published and never changed, but for the stamp. */
typedef struct metadata_record {
    kvcore_hash256 hash;
    kvcore_hash256 parent_hash;
    uint64_t payload_bytes;
    _Atomic uint64_t last_access_ns;
    kvcore_model_digest model_digest;
    kvcore_layout_tag layout_tag;
    uint32_t block_seq;
    uint32_t ext_flags;
} metadata_record;

struct kvradix_metadata {
    pthread_mutex_t writers;
    table table;
};

kvcore_block_meta kvradix__metadata_of(const metadata_record *of);

/* The writers' lock of an index that the caller promised not to change: locking changes none of its entries. */
static inline pthread_mutex_t *metadata_lock(const kvradix_metadata *index) {
    pthread_mutex_t *writers = (pthread_mutex_t *)&index->writers;
    pthread_mutex_lock(writers);
    return writers;
}

#endif

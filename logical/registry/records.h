/* Records: the names that handles, weak guards or attachments keep registered, a row each. Private to logical. */
#ifndef LOGICAL_RECORDS_H
#define LOGICAL_RECORDS_H

#include <kvcore/allocator.h>
#include <kvlogical/registry.h>

#include "pool/name_table.h"

typedef struct attachment {
    struct attachment *next;     /* in the order of attaching */
    struct attachment *next_key; /* the first of the next key, of one that is the first of its key */
    kvlogical_attachment_key key;
    bool unique;
    void *value;
    kvlogical_attachment_destructor destructor;
} attachment;

typedef struct touch_callback {
    struct touch_callback *next;
    kvlogical_touch_callback call;
    void *ctx;
} touch_callback;

/* Lists with their ends, so that they grow and join without a walk. */
typedef struct attachments {
    attachment *first, *last;
} attachments;

typedef struct touch_callbacks {
    touch_callback *first, *last;
} touch_callbacks;

typedef struct record {
    kvhash_plh name;
    uint32_t holds;      /* handles and weak guards */
    uint32_t generation; /* moves on when the record is freed */
    uint32_t next_unused;
    bool used;
    bool silent; /* transferred: never announced, so never taken back */
    attachments attachments;
    touch_callbacks callbacks;
} record;

/* What is to be destroyed once the lock is given. */
typedef struct doomed {
    attachments attachments;
    touch_callbacks callbacks;
} doomed;

typedef struct records {
    record *rows;
    uint32_t capacity, count, used; /* used: rows that ever were */
    uint32_t unused;                /* the first of the rows that are free again */
    name_table names;
    doomed doomed;
    bool fixed; /* in the caller's memory: cannot grow */
    kvcore_allocator allocator;
} records;

/* None yet; their table's hash has this key. */
void kvlogical__records_init(records *all, name_key key, const kvcore_allocator *allocator);
/* Memory for so many rows (8-byte aligned), and its use; rows that there are already stay. */
uint64_t kvlogical__records_bytes(uint64_t capacity);
void kvlogical__records_place(records *all, void *memory, uint32_t capacity);
void kvlogical__records_clear(records *all);

/* Room for so many more. KVCORE_ENOMEM; KVCORE_ENOSPACE when fixed. */
kvcore_status kvlogical__records_reserve(records *all, size_t count);

/* The row of a name, or NO_ROW. */
static inline uint32_t records_find(const records *all, kvhash_plh name) {
    return all->count == 0 ? NO_ROW : name_find(&all->names, all->rows, sizeof(record), name);
}

/* Is the row in use and held, and of this generation? */
bool kvlogical__record_valid(const records *all, uint32_t row, uint32_t generation);
/* One more hold on the record of a name, made if need be. KVCORE_EOVERFLOW, or as reserve. */
kvcore_status kvlogical__record_hold(records *all, kvhash_plh name, uint32_t *row);
/* The row is free again; what was attached to it is doomed. */
void kvlogical__record_free(records *all, uint32_t row);
/* Destroy what is doomed; without the lock. */
void kvlogical__doomed_destroy(doomed dead, const kvcore_allocator *allocator);

#endif

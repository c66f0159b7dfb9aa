/* Reading a caller's attributes, and what a batch is registered with. Private to logical. */
#ifndef LOGICAL_ATTRIBUTES_H
#define LOGICAL_ATTRIBUTES_H

#include <kvcore/status.h>
#include <kvlogical/manager.h>

/* The caller's attributes, zeros for NULL. How many facts and proofs the call takes, or none. Refuses what is not supported yet,
 * and proofs for a manager (NULL: the call answers that) that verifies nothing. */
kvcore_status kvlogical__attributes_read(kvlogical_attributes *attributes, const kvlogical_attributes *given,
                                         const kvlogical_manager *manager, size_t fact_count, size_t proof_count,
                                         kvcore_error *error);

/* The status of a call without an error record, put into one when it failed. */
kvcore_status kvlogical__explained(kvcore_error *error, kvcore_status status);

/* What the blocks of a batch are registered with, besides their names. */
typedef struct lent {
    const kvhash_proof *proofs; /* one a block, or NULL */
    /* Facts, which are read only while a listener is there: an array of the caller's, or a function that fills them in. */
    const kvhash_block_facts *facts; /* or NULL */
    void (*fill)(const void *ctx, size_t index,
                 kvhash_block_facts *facts); /* or NULL; facts are as of the _INIT macro */
    const void *ctx;
} lent;

#define NOTHING_LENT ((lent){NULL, NULL, NULL, NULL})

/* The facts of the block at this index, or NULL. */
static inline const kvhash_block_facts *facts_at(const lent *with, size_t i, kvhash_block_facts *room) {
    if (with->facts != NULL)
        return (const kvhash_block_facts *)(const void *)((const char *)with->facts + i * with->facts->struct_size);
    if (with->fill == NULL) return NULL;
    *room = (kvhash_block_facts)KVHASH_BLOCK_FACTS_INIT;
    with->fill(with->ctx, i, room);
    return room;
}

/* kvlogical_allocate() with an error record. */
kvcore_status kvlogical__allocate(kvlogical_manager *m, size_t count, kvlogical_mutable *blocks,
                                  kvlogical_evicted *evicted, kvcore_error *error);

/* Does registering a name that is there give the caller the block that has it? */
bool kvlogical__rejects_duplicates(const kvlogical_manager *m);

/* kvlogical_register() with what is lent. */
kvcore_status kvlogical__register(kvlogical_manager *m, kvlogical_complete *staged, size_t count, lent with,
                                  kvlogical_immutable *held);

#endif

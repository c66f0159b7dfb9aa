/* Reading a caller's attributes. Private to logical. */
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

/* The facts of the block at this index, or NULL. */
static inline const kvhash_block_facts *facts_at(const kvlogical_attributes *attributes, size_t i) {
    if (attributes->facts == NULL) return NULL;
    return (const kvhash_block_facts *)(const void *)((const char *)attributes->facts +
                                                      i * attributes->facts->struct_size);
}

#endif

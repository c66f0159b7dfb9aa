/* Reading a caller's attributes. Private to logical. */
#ifndef LOGICAL_ATTRIBUTES_H
#define LOGICAL_ATTRIBUTES_H

#include <kvcore/status.h>
#include <kvlogical/attributes.h>

/* The caller's attributes, zeros for NULL. fact_count: how many facts the call takes. Refuses what is not supported yet. */
kvcore_status kvlogical__attributes_read(kvlogical_attributes *attributes, const kvlogical_attributes *given,
                                         size_t fact_count, kvcore_error *error);

/* The status of a call without an error record, put into one when it failed. */
kvcore_status kvlogical__explained(kvcore_error *error, kvcore_status status);

/* The facts of the block at this index, or NULL. */
static inline const kvhash_block_facts *facts_at(const kvlogical_attributes *attributes, size_t i) {
    if (attributes->facts == NULL) return NULL;
    return (const kvhash_block_facts *)(const void *)((const char *)attributes->facts +
                                                      i * attributes->facts->struct_size);
}

#endif

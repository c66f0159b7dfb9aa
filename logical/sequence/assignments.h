/* What requests need of the tracker of guards. Private to logical. */
#ifndef LOGICAL_ASSIGNMENTS_H
#define LOGICAL_ASSIGNMENTS_H

#include <kvlogical/assignments.h>

#include "pool/attributes.h"
#include "sequence/ledger.h"

struct kvlogical_assignments {
    ledger blocks; /* its values are guards */
    kvlogical_manager *manager;
    uint64_t manager_id;
};

/* Within memory of the caller's; the ledger's allocator is given. */
void kvlogical__assignments_init(kvlogical_assignments *a, kvlogical_manager *manager,
                                 const kvcore_allocator *allocator);
/* kvlogical_assignments_register() with what is lent for the staged blocks. */
kvcore_status kvlogical__assignments_register(kvlogical_assignments *a, lent with, size_t *registered);
/* The last `count` staged blocks back to unassigned. */
void kvlogical__assignments_unstage(kvlogical_assignments *a, size_t count);
/* Release the last `count` unassigned blocks. */
void kvlogical__assignments_drop(kvlogical_assignments *a, size_t count);
/* Release everything, the assigned blocks with the last one first if so told. */
void kvlogical__assignments_clear(kvlogical_assignments *a, bool tail_first);

#endif

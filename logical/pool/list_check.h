/* Checks of a list, and the record of a broken invariant. Private to logical. */
#ifndef LOGICAL_LIST_CHECK_H
#define LOGICAL_LIST_CHECK_H

#include <kvcore/status.h>

#include "pool/list.h"

/* KVCORE_EINVARIANT, with the invariant's name and a slot or KVCORE_NO_INDEX. */
kvcore_status kvlogical__broken(kvcore_error *error, uint64_t index, const char *invariant);

/* The list is linked both ways and holds only slots of this state; *count says how many. */
kvcore_status kvlogical__list_check(const list *l, const slot *slots, uint32_t slot_count, enum slot_state state,
                                    uint32_t *count, const char *invariant, kvcore_error *error);

#endif

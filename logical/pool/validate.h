/* What must hold between the records of a manager; each check names its invariant. Private to logical. */
#ifndef LOGICAL_VALIDATE_H
#define LOGICAL_VALIDATE_H

#include "pool/manager.h"

kvcore_status kvlogical__broken(kvcore_error *error, uint64_t index, const char *invariant);

/* The list is linked both ways and holds only slots of this state; *count says how many. */
kvcore_status kvlogical__validate_list(const manager *m, const list *l, enum slot_state state, uint32_t *count,
                                       const char *invariant, kvcore_error *error);

#endif

/* What promises take from registering, and give to withdrawing. Private to logical. */
#ifndef LOGICAL_PROMISE_H
#define LOGICAL_PROMISE_H

#include "pool/manager.h"

/* A slot gets a name of group 0, not shared yet. */
void kvlogical__set_name(kvlogical_manager *m, uint32_t index, kvhash_plh name);
/* Share a slot that counts as staged. Returns the slot that the holder has now. */
uint32_t kvlogical__share(kvlogical_manager *m, uint32_t index, uint32_t *front, uint32_t now);
/* A promised name is not found any more. Returns how many blocks that concerns. */
size_t kvlogical__withdraw_pending(kvlogical_manager *m, kvhash_plh name);

#endif

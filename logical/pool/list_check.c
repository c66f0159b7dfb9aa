#include "pool/list_check.h"

kvcore_status kvlogical__broken(kvcore_error *error, uint64_t index, const char *invariant) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVARIANT, .index = index}, "%s", invariant);
}

/* Both links of every member agree and the walk ends at the tail: so no slot can be met twice. */
kvcore_status kvlogical__list_check(const list *l, const slot *slots, uint32_t slot_count, enum slot_state state,
                                    uint32_t *count, const char *invariant, kvcore_error *error) {
    uint32_t previous = NO_SLOT;
    *count = 0;
    for (uint32_t at = l->head; at != NO_SLOT; at = slots[at].next) {
        if (at >= slot_count || slots[at].state != state || slots[at].previous != previous || ++*count > slot_count)
            return kvlogical__broken(error, at, invariant);
        previous = at;
    }
    return l->tail == previous ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

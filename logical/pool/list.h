/* A list of slots, threaded through them by index. Private to logical.
 *
 * Walking a list is a chain of cache misses, so each slot also knows a slot LIST_AHEAD places later: only to prefetch it.
 * The hint may be stale or never set (0); a wrong prefetch costs nothing. */
#ifndef LOGICAL_LIST_H
#define LOGICAL_LIST_H

#include "pool/slot.h"

#define LIST_AHEAD 8 /* a power of two */

typedef struct list {
    uint32_t head, tail;
    uint32_t pushes;             /* how many ever, to turn the ring */
    uint32_t recent[LIST_AHEAD]; /* the ring of the last slots pushed */
} list;

static inline void list_init(list *l) { *l = (list){.head = NO_SLOT, .tail = NO_SLOT}; }

static inline void list_push(list *l, slot *slots, uint32_t index) {
    slot *s = &slots[index];
    s->previous = l->tail;
    s->next = NO_SLOT;
    if (l->tail == NO_SLOT)
        l->head = index;
    else
        slots[l->tail].next = index;
    l->tail = index;
    uint32_t *turn = &l->recent[l->pushes++ % LIST_AHEAD];
    slots[*turn].ahead = index;
    *turn = index;
}

/* Behind this member, or at the head behind NO_SLOT. */
static inline void list_insert(list *l, slot *slots, uint32_t behind, uint32_t index) {
    uint32_t next = behind == NO_SLOT ? l->head : slots[behind].next;
    slots[index].previous = behind;
    slots[index].next = next;
    if (behind == NO_SLOT)
        l->head = index;
    else
        slots[behind].next = index;
    if (next == NO_SLOT)
        l->tail = index;
    else
        slots[next].previous = index;
}

static inline void list_remove(list *l, slot *slots, uint32_t index) {
    const slot *s = &slots[index];
    if (s->previous == NO_SLOT)
        l->head = s->next;
    else
        slots[s->previous].next = s->next;
    if (s->next == NO_SLOT)
        l->tail = s->previous;
    else
        slots[s->next].previous = s->previous;
}

/* The list must not be empty. */
static inline uint32_t list_pop(list *l, slot *slots) {
    uint32_t index = l->head;
    const slot *s = &slots[index];
    __builtin_prefetch(&slots[s->ahead], 1);
    l->head = s->next;
    if (s->next == NO_SLOT)
        l->tail = NO_SLOT;
    else
        slots[s->next].previous = NO_SLOT;
    return index;
}

#endif

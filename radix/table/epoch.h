/* Who may still be looking: epochs for any number of readers and one writer at a time. Private to radix.
 *
 * A reader enters, looks at what is published, leaves; it takes no lock and never waits. A writer unlinks what it removes,
 * notes the present epoch beside it, and may reuse the memory two epochs later:
 *
 *     unlinked in epoch e ── advance to e + 1 ── advance to e + 2: nobody who could have seen it is inside
 *
 * Readers count themselves in and out under the parity of the epoch they entered in. The step to e + 1 is taken only when
 * nobody who entered in e − 1 is left, so at most two epochs are ever inhabited and two counters suffice. A reader checks
 * the epoch again after it has counted itself in: had it moved on meanwhile, nobody may be waiting for that counter any
 * more, and the reader counts itself under the new one instead. All of this is ordered by the atomics themselves
 * (sequentially consistent where the argument above compares two variables), there are no fences.
 */
#ifndef RADIX_EPOCH_H
#define RADIX_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Readers on different threads mostly count on different cache lines. */
#define EPOCH_STRIPES 16

typedef struct epoch_stripe {
    _Alignas(64) _Atomic uint32_t inside[2]; /* by parity of the epoch */
} epoch_stripe;

typedef struct epochs {
    _Alignas(64) _Atomic uint64_t now;
    epoch_stripe stripes[EPOCH_STRIPES];
} epochs;

/* What a reader holds while it is inside. */
typedef _Atomic uint32_t *epoch_ticket;

static inline void epoch_init(epochs *e) {
    atomic_init(&e->now, 2); /* so that "two epochs ago" is never negative */
    for (int i = 0; i < EPOCH_STRIPES; i++)
        for (int parity = 0; parity < 2; parity++) atomic_init(&e->stripes[i].inside[parity], 0);
}

/* Reader: from here to epoch_leave() nothing that is reachable is reused. */
static inline epoch_ticket epoch_enter(const epochs *shared) {
    epochs *e = (epochs *)(uintptr_t)shared; /* counting readers does not change what an index holds */
    /* Stacks of different threads lie far apart: a stripe without thread-local storage. */
    uint64_t spot = (uint64_t)(uintptr_t)__builtin_frame_address(0) >> 14;
    epoch_stripe *stripe = &e->stripes[spot * UINT64_C(0x9E3779B97F4A7C15) >> 60];
    for (;;) {
        uint64_t now = atomic_load(&e->now);
        epoch_ticket ticket = &stripe->inside[now & 1];
        atomic_fetch_add(ticket, 1);
        if (atomic_load(&e->now) == now) return ticket;
        atomic_fetch_sub_explicit(ticket, 1, memory_order_release);
    }
}

static inline void epoch_leave(epoch_ticket ticket) { atomic_fetch_sub_explicit(ticket, 1, memory_order_release); }

/* Writer: the epoch to note beside what was just unlinked. */
static inline uint64_t epoch_now(const epochs *e) { return atomic_load_explicit(&e->now, memory_order_relaxed); }

/* Writer: one step on, if nobody is left who entered before the present epoch. */
static inline bool epoch_advance(epochs *e) {
    uint64_t now = epoch_now(e);
    for (int i = 0; i < EPOCH_STRIPES; i++)
        if (atomic_load(&e->stripes[i].inside[(now + 1) & 1]) != 0) return false;
    atomic_store(&e->now, now + 1);
    return true;
}

#endif

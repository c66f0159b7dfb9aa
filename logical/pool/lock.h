/* A mutex for critical sections of well under a microsecond. Private to logical.
 *
 * Taking it is one atomic exchange, giving it one store: no waiter ever has to be woken, because those that spin in vain for
 * some microseconds go to sleep for a time of their own, and look again. */
#ifndef LOGICAL_LOCK_H
#define LOGICAL_LOCK_H

#include <stdatomic.h>

typedef struct lock {
    atomic_uint taken;
} lock;

/* When it is taken; kept out of line. */
void kvlogical__lock_wait(lock *l);

static inline void lock_take(lock *l) {
    if (__builtin_expect(atomic_exchange_explicit(&l->taken, 1, memory_order_acquire) != 0, 0)) kvlogical__lock_wait(l);
}

static inline void lock_give(lock *l) { atomic_store_explicit(&l->taken, 0, memory_order_release); }

#endif

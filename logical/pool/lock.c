#include "pool/lock.h"

#include <sched.h>
#include <time.h>

static inline void pause_once(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Look first, so that waiters share the line until it is free. */
static int try_take(lock *l) {
    return atomic_load_explicit(&l->taken, memory_order_relaxed) == 0 &&
           atomic_exchange_explicit(&l->taken, 1, memory_order_acquire) == 0;
}

void kvlogical__lock_wait(lock *l) {
    for (unsigned pauses = 4; pauses <= 1024; pauses *= 2) {
        for (unsigned i = 0; i < pauses; i++) pause_once();
        if (try_take(l)) return;
    }
    for (long sleep_ns = 0;; sleep_ns = sleep_ns < 100000 ? sleep_ns + 10000 : sleep_ns) {
        if (sleep_ns == 0)
            sched_yield();
        else
            nanosleep(&(struct timespec){0, sleep_ns}, NULL);
        if (try_take(l)) return;
    }
}

#include "lock.h"

static inline void pause_once(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

void kvlogical__lock_wait(lock *l) {
    for (unsigned pauses = 4; pauses <= 1024; pauses *= 2) {
        for (unsigned i = 0; i < pauses; i++) pause_once();
        if (pthread_mutex_trylock(&l->mutex) == 0) return;
    }
    pthread_mutex_lock(&l->mutex);
}

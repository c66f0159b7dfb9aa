/* A mutex for critical sections of well under a microsecond: spin with growing pauses, then sleep. Private to logical. */
#ifndef LOGICAL_LOCK_H
#define LOGICAL_LOCK_H

#include <pthread.h>

typedef struct lock {
    pthread_mutex_t mutex;
} lock;

/* When it is taken; kept out of line. */
void kvlogical__lock_wait(lock *l);

static inline void lock_take(lock *l) {
    if (__builtin_expect(pthread_mutex_trylock(&l->mutex) != 0, 0)) kvlogical__lock_wait(l);
}

static inline void lock_give(lock *l) { pthread_mutex_unlock(&l->mutex); }

#endif

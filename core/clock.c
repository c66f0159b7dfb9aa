#include <kvcore/clock.h>

#include <time.h>

static uint64_t wall_now(void *ctx) {
    (void)ctx;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0) return 0;
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

kvcore_clock kvcore_clock_wall(void) { return (kvcore_clock){0, wall_now}; }

/**
 * @file
 * Where the time comes from, so that tests and replays can bring their own.
 *
 * Owns: a user copies the struct; what `ctx` points to must outlive the user. Threads: as now_ns says.
 */
#ifndef KVCORE_CLOCK_H
#define KVCORE_CLOCK_H

#include <stdint.h>

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where the time comes from. */
typedef struct kvcore_clock {
    void *ctx; /**< given back to now_ns */
    /** Nanoseconds since the Unix epoch. */
    uint64_t (*now_ns)(void *ctx);
} kvcore_clock;

/** The system's wall clock; 0 before 1970, cut to 64 bits. What a NULL clock means everywhere. Safe in any thread. */
KVCORE_API kvcore_clock kvcore_clock_wall(void);

#ifdef __cplusplus
}
#endif

#endif

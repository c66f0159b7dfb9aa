/**
 * @file
 * Who wrote first: the order of facts that several writers publish without talking to one another.
 *
 * Owns:    nothing; plain values. Threads: any.
 * Source:  WombatKV, FactRef, pick_winner.
 */
#ifndef KVWOMBAT_FACT_H
#define KVWOMBAT_FACT_H

#include <stddef.h>
#include <stdint.h>

#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** When something was written, and by which write. */
typedef struct kvwombat_fact {
    uint64_t epoch_ms;    /**< Milliseconds since the Unix epoch. */
    uint8_t write_id[16]; /**< Which write it was. */
} kvwombat_fact;

/** Negative, 0 or positive: by epoch, then by write id bytewise. */
KVWOMBAT_API int kvwombat_fact_compare(const kvwombat_fact *a, const kvwombat_fact *b);

/** The index of the winner: the smallest fact, the first one of equals; `count` when there is none. Cost: O(count). */
KVWOMBAT_API size_t kvwombat_fact_winner(const kvwombat_fact *facts, size_t count);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file
 * Who wrote first: the order of facts that several writers publish without talking to one another.
 *
 * Owns:    nothing; plain values. Threads: any.
 * Source:  WombatKV, FactRef, pick_winner.
 */
#ifndef KVCORE_FACT_H
#define KVCORE_FACT_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvcore_fact {
    uint64_t epoch_ms;
    uint8_t write_id[16];
} kvcore_fact;

/** Negative, 0 or positive: by epoch, then by write id bytewise. */
KVCORE_API int kvcore_fact_compare(const kvcore_fact *a, const kvcore_fact *b);

/** The index of the winner: the smallest fact, the first one of equals; `count` when there is none. Cost: O(count). */
KVCORE_API size_t kvcore_fact_winner(const kvcore_fact *facts, size_t count);

#ifdef __cplusplus
}
#endif

#endif

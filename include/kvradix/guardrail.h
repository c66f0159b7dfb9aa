/**
 * @file
 * The memory guardrail: how many entries an index may have, in exact arithmetic.
 *
 *     budget      = (host − reserved) · percent / 100
 *     entry bytes = 32 + 8 + overhead
 *     estimate    = entry bytes · entries
 *
 * 64 bits, saturating at 0 and 2^64 − 1, division rounding down. It is the shared contract of the system it comes from,
 * not a measurement: kvradix_residency_memory_bytes() says what an index really takes.
 *
 * Owns: nothing; a guardrail is a value. Threads: any. Cost: O(1).
 * Source: WombatKV, MemoryGuardrail; pinned by guardrail and upsert_guarded_sequence of the radix vectors.
 */
#ifndef KVRADIX_GUARDRAIL_H
#define KVRADIX_GUARDRAIL_H

#include <stdint.h>

#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How much memory an index may take on its host, by estimate. */
typedef struct kvradix_guardrail {
    uint64_t host_bytes;     /**< memory of the host */
    uint64_t reserved_bytes; /**< of the host, for everything else */
    uint64_t overhead_bytes; /**< that a map is thought to add to each entry */
    uint8_t percent;         /**< of what is left; may exceed 100 */
} kvradix_guardrail;

/** A host of 96 GiB of which 48 are spoken for, 30 % of the rest, 64 bytes of overhead: 148,671,944 entries. */
#define KVRADIX_GUARDRAIL_INIT \
    { UINT64_C(96) << 30, UINT64_C(48) << 30, 64, 30 }
/** KVRADIX_GUARDRAIL_INIT as a function, for other languages. */
KVRADIX_API kvradix_guardrail kvradix_guardrail_init(void);

/** percent of what is left of the host after the reserve; saturating. NULL reads as 0. */
KVRADIX_API uint64_t kvradix_guardrail_budget_bytes(const kvradix_guardrail *guardrail);
/** Bytes that one entry is thought to take: key, entry and overhead; saturating. NULL reads as 0. */
KVRADIX_API uint64_t kvradix_guardrail_entry_bytes(const kvradix_guardrail *guardrail);
/** Bytes that so many entries are thought to take; saturating. NULL reads as 0. */
KVRADIX_API uint64_t kvradix_guardrail_estimate_bytes(const kvradix_guardrail *guardrail, uint64_t entries);
/** The most entries whose estimate is within the budget. */
KVRADIX_API uint64_t kvradix_guardrail_max_entries(const kvradix_guardrail *guardrail);

#ifdef __cplusplus
}
#endif

#endif

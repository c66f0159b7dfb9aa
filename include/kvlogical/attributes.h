/**
 * @file
 * What a call on blocks may say beyond its arguments: a small struct that can grow, or NULL.
 *
 * kvlogical_allocate_with(), kvlogical_register_with() and kvlogical_match_prefix_with() take it. Values that this version
 * does not act on yet are refused, never ignored.
 *
 * Owns: nothing; everything is borrowed for the call. Threads: any.
 */
#ifndef KVLOGICAL_ATTRIBUTES_H
#define KVLOGICAL_ATTRIBUTES_H

#include <stddef.h>
#include <stdint.h>

#include <kvhash/event.h>
#include <kvhash/proof.h>
#include <kvlogical/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start from KVLOGICAL_ATTRIBUTES_INIT. */
typedef struct kvlogical_attributes {
    size_t struct_size;
    uint32_t priority;        /**< reserved: 0. Another value is refused */
    uint32_t group;           /**< reserved: 0. Another value is refused */
    uint64_t tenant;          /**< reserved: 0. Another value is refused */
    uint64_t time_to_live_ns; /**< reserved: 0. Another value is refused */
    /** Of register: what events tell beyond the names, one a block in the order of the call, or NULL. An event is made only
     * while somebody listens; nothing is read otherwise. Elements are facts->struct_size bytes apart. */
    const kvhash_block_facts *facts;
    size_t fact_count; /**< as many as blocks; 0 with NULL */
    /** Of register and match, in the order of the call, or NULL: what the block must have been registered with, besides its
     * name (kvhash/proof.h). A name that is here with another proof is a miss, and the new block registers beside it. A
     * manager that verifies nothing refuses them. */
    const kvhash_proof *proofs;
    size_t proof_count; /**< as many as blocks or names; 0 with NULL */
} kvlogical_attributes;

/** The values to start from. */
#define KVLOGICAL_ATTRIBUTES_INIT \
    { sizeof(kvlogical_attributes), 0, 0, 0, 0, NULL, 0, NULL, 0 }

/** KVLOGICAL_ATTRIBUTES_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_attributes kvlogical_attributes_init(void);

#ifdef __cplusplus
}
#endif

#endif

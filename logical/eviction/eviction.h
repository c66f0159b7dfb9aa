/* Eviction policies: a table of descriptors over an order. Private to logical.
 *
 * A policy is one source file, one row of the table (table.c) and one value of KVLOGICAL_EVICT_…; nothing else tells policies
 * apart. The manager calls the hooks under its lock. Batches are applied in input order. A slot's name is set throughout.
 *
 * A name of a manager is found from `registered` until `chosen` or `removed`. Its slot is inactive from `released` until
 * `revived`, `chosen`. A policy owns the fields `previous`, `next`, `ahead` and `level` of found slots, and `lineage` of all
 * when it says so. */
#ifndef LOGICAL_EVICTION_H
#define LOGICAL_EVICTION_H

#include <kvcore/status.h>
#include <kvlogical/metrics.h>

#include "eviction/order.h"

typedef struct eviction {
    uint32_t policy;        /* KVLOGICAL_EVICT_… */
    const char *name;       /* for options and rows: lower case, no blanks */
    const char *alias;      /* another name for the same, or NULL */
    const char *label;      /* for legends */
    const char *help;       /* one line */
    bool names_by_lineage;  /* the name table gives names of one position and sequence hash one home */
    bool uses_slot_lineage; /* it owns slot.lineage; otherwise the sketch's counters are there */

    /* Are the options of this policy good? May set defaults. NULL: it has none. */
    kvcore_status (*check)(kvlogical_config *config, kvcore_error *error);
    /* Memory of its own for so many slots. */
    uint64_t (*bytes)(uint64_t slots);
    /* An order without names, over that memory. */
    void (*init)(order *o, const kvlogical_config *config);

    /* These slots have become inactive. O(1) each. */
    void (*released)(order *o, const uint32_t *slots, size_t count);
    /* These slots are inactive no more: they were looked up, or their name was registered again. O(1) each. */
    void (*revived)(order *o, const uint32_t *slots, size_t count);
    /* Take the next `count` victims in order; so many are inactive. O(1) or O(log n) each, over many calls. */
    void (*choose)(order *o, uint32_t *victims, size_t count);
    /* A look-up of names begins. NULL: no matter. */
    void (*begins)(order *o);
    /* These slots were looked up, held or not; a slot may repeat. Before `revived`. NULL: no matter. */
    void (*hit)(order *o, const uint32_t *slots, size_t count);
    /* The names of these slots are about to be registered: time to prefetch. NULL: no matter. */
    void (*registering)(order *o, const uint32_t *slots, size_t count);
    /* This slot is the first of its name here. NULL: no matter. */
    void (*registered)(order *o, uint32_t slot);
    /* The name of this slot, not inactive, is about to leave the names, other than by choose(). NULL: no matter. */
    void (*removed)(order *o, uint32_t slot);

    /* Does the order hold exactly the inactive slots, which are so many? */
    kvcore_status (*validate)(const order *o, uint32_t inactive, kvcore_error *error);
    /* Which of several lists an inactive slot is in, for the operator. NULL: 0. */
    unsigned (*level)(const order *o, uint32_t slot);
    /* The victim behind this inactive slot, or the next one of all behind NO_SLOT, if no slot comes, goes or is looked up
     * meanwhile; NO_SLOT: there is none. O(1) each, over a walk. NULL: not known beforehand. */
    uint32_t (*after)(const order *o, uint32_t slot);
    /* Fill in the metrics that only this policy has. NULL: none. */
    void (*measure)(const order *o, kvlogical_metrics *metrics);
} eviction;

/* The row of a policy; KVLOGICAL_EVICT_DEFAULT has one, too. NULL when there is none. */
const eviction *kvlogical__eviction(uint32_t policy);

#endif

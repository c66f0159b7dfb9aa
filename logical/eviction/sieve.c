/* SIEVE: one queue in the order of registration, a visited bit a name, and a hand that moves from the oldest to the youngest.
 * The hand evicts the first name that was not looked up since it last came by, and clears the bits of those that were. A
 * look-up moves nothing.
 *
 * Source: Zhang and others, "SIEVE is Simpler than LRU", NSDI 2024. A cache there holds nothing back; here a held block stays
 * in the queue, and the hand passes over it without a change. */
#include "eviction/eviction.h"
#include "eviction/ring.h"
#include "pool/list_check.h"

/* slot.level */
#define VISITED 1

typedef struct sieve {
    ring queue;    /* of found slots; the inactive ones are marked */
    uint32_t hand; /* the slot to look at next; NO_SLOT: the oldest */
} sieve;

static sieve *the_sieve(const order *o) { return o->memory; }

/* A multiple of a line. */
static uint64_t head_bytes(void) { return (sizeof(sieve) + 63) / 64 * 64; }

static uint64_t sieve_bytes(uint64_t slots) { return head_bytes() + ring_bytes(slots); }

static void sieve_init(order *o, const kvlogical_config *config) {
    (void)config;
    the_sieve(o)->hand = NO_SLOT;
    ring_init(&the_sieve(o)->queue, (char *)o->memory + head_bytes(), o->slot_count);
}

static void sieve_registered(order *o, uint32_t index) {
    o->slots[index].level = 0;
    ring_insert(&the_sieve(o)->queue, o->slots, index);
}

static void sieve_hit(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) o->slots[slots[i]].level = VISITED;
}

static void sieve_released(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) ring_mark(&the_sieve(o)->queue, o->slots, slots[i]);
}

static void sieve_revived(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) ring_unmark(&the_sieve(o)->queue, o->slots, slots[i]);
}

/* A hand that points to the slot goes on to the next one. */
static void sieve_removed(order *o, uint32_t index) {
    sieve *s = the_sieve(o);
    if (s->hand == index) s->hand = ring_after(&s->queue, o->slots, index);
    ring_remove(&s->queue, o->slots, index);
}

/* Each bit that is cleared was set by a look-up: so a choice is O(log n) over many calls. */
static uint32_t choose_one(order *o) {
    sieve *s = the_sieve(o);
    uint64_t place = s->hand == NO_SLOT ? s->queue.oldest : o->slots[s->hand].previous;
    for (;;) {
        place = ring_next(&s->queue, &s->queue.leaves, place);
        slot *at = &o->slots[s->queue.slots[place]];
        if (at->level != VISITED) break;
        at->level = 0;
        place = ring_forward(&s->queue, place, 1);
    }
    s->hand = s->queue.slots[place];
    return s->hand;
}

static void sieve_choose(order *o, uint32_t *victims, size_t count) {
    for (size_t i = 0; i < count; i++) {
        victims[i] = choose_one(o);
        sieve_removed(o, victims[i]);
    }
}

static kvcore_status sieve_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the queue holds exactly the found slots, and marks the inactive ones";
    const sieve *s = the_sieve(o);
    uint32_t found = 0, marked = 0;
    for (uint32_t i = 0; i < o->slot_count; i++) {
        const slot *at = &o->slots[i];
        if (at->state != SLOT_PRIMARY && at->state != SLOT_INACTIVE) continue;
        if (!ring_holds(&s->queue, o->slots, i, at->state == SLOT_INACTIVE) || at->level > VISITED)
            return kvlogical__broken(error, i, invariant);
        found++;
        marked += at->state == SLOT_INACTIVE;
    }
    if (found != ring_count(&s->queue) || marked != inactive)
        return kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    if (s->hand != NO_SLOT && (s->hand >= o->slot_count || s->queue.slots[o->slots[s->hand].previous] != s->hand))
        return kvlogical__broken(error, s->hand, "the hand points into the queue");
    return KVCORE_OK;
}

const eviction kvlogical__sieve = {
    .policy = KVLOGICAL_EVICT_SIEVE,
    .name = "sieve",
    .label = "SIEVE",
    .help = "the first that was not looked up since the hand last came by",
    .bytes = sieve_bytes,
    .init = sieve_init,
    .released = sieve_released,
    .revived = sieve_revived,
    .choose = sieve_choose,
    .hit = sieve_hit,
    .registered = sieve_registered,
    .removed = sieve_removed,
    .validate = sieve_validate,
};

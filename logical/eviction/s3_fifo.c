/* S3-FIFO: a small queue for new names, a main queue for those that proved useful, and a list of the names that the small one
 * lost last, its ghosts. A name of the ghosts enters the main queue, any other the small one. Uses are counted by look-ups, up
 * to 3.
 *
 *     small  a tenth of the blocks. Its oldest goes to main when it was used more than once, with its count cleared; else it is
 *            evicted and becomes a ghost
 *     main   the rest. Its oldest goes to the end again, counted one use less, while it has uses; else it is evicted
 *     ghosts as many as main is meant to hold, by the number of evictions since
 *
 * A victim comes from small while that has its tenth, else from main.
 *
 * Source: Yang and others, "FIFO queues are all you need for cache eviction", SOSP 2023. A cache there holds nothing back; here
 * a held block stays in its queue, counts for its size, and is passed over without a change. */
#include "eviction/eviction.h"
#include "eviction/ring.h"
#include "pool/list_check.h"

/* slot.level: uses, and which queue */
#define USES 3
#define IN_MAIN 4

typedef struct s3_fifo {
    ring small, main; /* of found slots; the inactive ones are marked */
    uint32_t small_count, small_target;
    kvhash_plh *ghosts; /* in turn; one that was registered again is in the table no more */
    name_table ghost_names;
    uint32_t ghost_limit, ghost_rows, next_ghost; /* rows: ever used */
} s3_fifo;

static s3_fifo *the_queues(const order *o) { return o->memory; }

/* ---- memory ---- */

/* A multiple of a line. */
static uint64_t head_bytes(void) { return (sizeof(s3_fifo) + 63) / 64 * 64; }

static uint64_t small_target(uint64_t slots) { return slots < 10 ? 1 : slots / 10; }

static uint64_t ghost_limit(uint64_t slots) { return slots == 1 ? 1 : slots - small_target(slots); }

static uint64_t queue_bytes(uint64_t slots) { return (ring_bytes(slots) + 7) / 8 * 8; }

static uint64_t s3_fifo_bytes(uint64_t slots) {
    uint64_t ghosts = ghost_limit(slots);
    return head_bytes() + 2 * queue_bytes(slots) + ghosts * sizeof(kvhash_plh) +
           name_table_capacity((size_t)ghosts) * sizeof(name_entry);
}

static void s3_fifo_init(order *o, const kvlogical_config *config) {
    s3_fifo *q = the_queues(o);
    char *at = (char *)o->memory + head_bytes();
    uint64_t ghosts = ghost_limit(o->slot_count);
    (void)config;
    *q = (s3_fifo){.small_target = (uint32_t)small_target(o->slot_count), .ghost_limit = (uint32_t)ghosts};
    ring_init(&q->small, at, o->slot_count);
    ring_init(&q->main, at + queue_bytes(o->slot_count), o->slot_count);
    q->ghosts = (kvhash_plh *)(void *)(at + 2 * queue_bytes(o->slot_count));
    q->ghost_names = (name_table){.entries = (name_entry *)(void *)(q->ghosts + ghosts),
                                  .capacity = name_table_capacity((size_t)ghosts),
                                  .key = o->names->key};
    name_table_clear(&q->ghost_names);
}

/* ---- ghosts ---- */

static uint32_t find_ghost(const s3_fifo *q, kvhash_plh name) {
    return name_find(&q->ghost_names, q->ghosts, sizeof *q->ghosts, name);
}

static void forget_ghost(s3_fifo *q, uint32_t row) {
    name_erase(&q->ghost_names, name_tag(&q->ghost_names, q->ghosts[row]), row);
}

static void add_ghost(s3_fifo *q, kvhash_plh name) {
    uint32_t row = q->next_ghost;
    if (row == q->ghost_rows)
        q->ghost_rows++;
    else if (find_ghost(q, q->ghosts[row]) == row)
        forget_ghost(q, row);
    q->ghosts[row] = name;
    name_insert(&q->ghost_names, name_tag(&q->ghost_names, name), row);
    q->next_ghost = row + 1 == q->ghost_limit ? 0 : row + 1;
}

/* ---- queues ---- */

static ring *queue_of(s3_fifo *q, const slot *s) { return s->level & IN_MAIN ? &q->main : &q->small; }

static void enter(order *o, uint32_t index, uint8_t level) {
    s3_fifo *q = the_queues(o);
    o->slots[index].level = level;
    if (!(level & IN_MAIN)) q->small_count++;
    ring_insert(queue_of(q, &o->slots[index]), o->slots, index);
}

static void leave(order *o, uint32_t index) {
    s3_fifo *q = the_queues(o);
    if (!(o->slots[index].level & IN_MAIN)) q->small_count--;
    ring_remove(queue_of(q, &o->slots[index]), o->slots, index);
}

static void enter_main_inactive(order *o, uint32_t index, unsigned uses) {
    enter(o, index, (uint8_t)(IN_MAIN | uses));
    ring_mark(&the_queues(o)->main, o->slots, index);
}

static void s3_fifo_registered(order *o, uint32_t index) {
    s3_fifo *q = the_queues(o);
    uint32_t ghost = find_ghost(q, o->slots[index].name);
    if (ghost != NO_ROW) forget_ghost(q, ghost);
    enter(o, index, ghost != NO_ROW ? IN_MAIN : 0);
}

static void s3_fifo_hit(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) {
        slot *s = &o->slots[slots[i]];
        if ((s->level & USES) < USES) s->level++;
    }
}

static void s3_fifo_released(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) ring_mark(queue_of(the_queues(o), &o->slots[slots[i]]), o->slots, slots[i]);
}

static void s3_fifo_revived(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) ring_unmark(queue_of(the_queues(o), &o->slots[slots[i]]), o->slots, slots[i]);
}

/* ---- victims ---- */

/* NO_SLOT: all that small had for us is in main now. Each name moves once. */
static uint32_t victim_of_small(order *o) {
    s3_fifo *q = the_queues(o);
    uint32_t index;
    while ((index = ring_first(&q->small)) != NO_SLOT) {
        unsigned uses = o->slots[index].level & USES;
        leave(o, index);
        if (uses <= 1) {
            add_ghost(q, o->slots[index].name);
            return index;
        }
        enter_main_inactive(o, index, 0);
    }
    return NO_SLOT;
}

/* NO_SLOT: main has no inactive one. Each turn takes a use that a look-up gave. */
static uint32_t victim_of_main(order *o) {
    uint32_t index;
    while ((index = ring_first(&the_queues(o)->main)) != NO_SLOT) {
        unsigned uses = o->slots[index].level & USES;
        leave(o, index);
        if (uses == 0) return index;
        enter_main_inactive(o, index, uses - 1);
    }
    return NO_SLOT;
}

static void s3_fifo_choose(order *o, uint32_t *victims, size_t count) {
    const s3_fifo *q = the_queues(o);
    for (size_t i = 0; i < count; i++) {
        bool small_first = q->small_count >= q->small_target;
        uint32_t victim = small_first ? victim_of_small(o) : victim_of_main(o);
        if (victim == NO_SLOT) victim = small_first ? victim_of_main(o) : victim_of_small(o);
        if (victim == NO_SLOT) victim = victim_of_main(o); /* small had only useful ones */
        victims[i] = victim;
    }
}

/* ---- for validation and the operator ---- */

static kvcore_status s3_fifo_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the two queues hold exactly the found slots, and mark the inactive ones";
    s3_fifo *q = the_queues(o);
    uint32_t small = 0, main = 0, marked = 0;
    for (uint32_t i = 0; i < o->slot_count; i++) {
        const slot *s = &o->slots[i];
        if (s->state != SLOT_PRIMARY && s->state != SLOT_INACTIVE) continue;
        if (!ring_holds(queue_of(q, s), o->slots, i, s->state == SLOT_INACTIVE))
            return kvlogical__broken(error, i, invariant);
        /* a proven block may be another life of the name that left */
        if (!s->proven && find_ghost(q, s->name) != NO_ROW)
            return kvlogical__broken(error, i, "a ghost is not found as a block");
        if (s->level & IN_MAIN)
            main++;
        else
            small++;
        marked += s->state == SLOT_INACTIVE;
    }
    if (small != ring_count(&q->small) || main != ring_count(&q->main) || small != q->small_count || marked != inactive)
        return kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    return KVCORE_OK;
}

static unsigned s3_fifo_level(const order *o, uint32_t index) { return o->slots[index].level & IN_MAIN ? 1 : 0; }

const eviction kvlogical__s3_fifo = {
    .policy = KVLOGICAL_EVICT_S3_FIFO,
    .name = "s3-fifo",
    .label = "S3-FIFO",
    .help = "the first of a small queue of new names, or of a main queue of names that were looked up",
    .bytes = s3_fifo_bytes,
    .init = s3_fifo_init,
    .released = s3_fifo_released,
    .revived = s3_fifo_revived,
    .choose = s3_fifo_choose,
    .hit = s3_fifo_hit,
    .registered = s3_fifo_registered,
    .removed = leave,
    .validate = s3_fifo_validate,
    .level = s3_fifo_level,
};

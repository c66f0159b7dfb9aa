#include "registry/frequency.h"

#include <stdbool.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvhash/hash.h>

#define HASHES 4
#define MOST 15 /* of a counter of 4 bits */

struct kvlogical_frequency {
    uint8_t secrets[HASHES][KVHASH_SECRET_BYTES];
    kvcore_allocator allocator;
    uint64_t words; /* of 16 counters */
    uint64_t mask;  /* words − 1 if they are a power of two above 1, which spares a division; else 0 */
    uint32_t size, decay_threshold;
    uint64_t table[];
};

static uint64_t words_for(size_t capacity) { return capacity / 4 > 0 ? capacity / 4 : 1; }

uint64_t kvlogical__frequency_bytes(size_t capacity) {
    return sizeof(kvlogical_frequency) + words_for(capacity) * sizeof(uint64_t);
}

kvlogical_frequency *kvlogical__frequency_init(void *memory, size_t capacity, uint32_t decay_threshold) {
    kvlogical_frequency *f = memory;
    memset(f, 0, (size_t)kvlogical__frequency_bytes(capacity));
    for (unsigned i = 0; i < HASHES; i++) kvhash_secret(i, f->secrets[i]);
    f->words = words_for(capacity);
    f->mask = (f->words & (f->words - 1)) == 0 ? f->words - 1 : 0;
    uint64_t samples = capacity < UINT32_MAX / 10 ? (uint64_t)capacity * 10 : UINT32_MAX;
    f->decay_threshold = decay_threshold != 0 ? decay_threshold : (uint32_t)samples;
    return f;
}

kvcore_status kvlogical_frequency_create(size_t capacity, uint32_t decay_threshold, const kvcore_allocator *allocator,
                                         kvlogical_frequency **frequency) {
    if (frequency == NULL) return KVCORE_EINVAL;
    *frequency = NULL;
    kvcore_allocator used = allocator != NULL ? *allocator : kvcore_allocator_libc();
    bool fits = words_for(capacity) <= (SIZE_MAX - sizeof(kvlogical_frequency)) / sizeof(uint64_t);
    uint64_t bytes = fits ? kvlogical__frequency_bytes(capacity) : 0;
    void *memory = !fits ? NULL : kvcore_alloc(&used, 1, (size_t)bytes, _Alignof(kvlogical_frequency));
    if (memory == NULL) return KVCORE_ENOMEM;
    *frequency = kvlogical__frequency_init(memory, capacity, decay_threshold);
    (*frequency)->allocator = used;
    return KVCORE_OK;
}

void kvlogical_frequency_destroy(kvlogical_frequency *f) {
    if (f == NULL || f->allocator.free == NULL) return; /* none, or one that lives in a manager's memory */
    kvcore_allocator allocator = f->allocator;
    kvcore_free(&allocator, f, 1, (size_t)(sizeof *f + f->words * sizeof(uint64_t)), _Alignof(kvlogical_frequency));
}

static uint64_t word_of(const kvlogical_frequency *f, uint64_t hash) {
    return f->mask != 0 ? hash & f->mask : hash % f->words;
}

/* Where the four counters of a key are: word · 16 + counter, each. */
static void places_of(const kvlogical_frequency *f, const uint64_t *hashes, uint64_t *places) {
    for (unsigned i = 0; i < HASHES; i++) {
        places[i] = word_of(f, hashes[i]) * 16 + (hashes[i] & 15);
        __builtin_prefetch(&f->table[places[i] / 16], 1);
    }
}

static void halve(kvlogical_frequency *f) {
    uint32_t odd = 0;
    for (uint64_t i = 0; i < f->words; i++) {
        odd += (uint32_t)__builtin_popcountll(f->table[i] & UINT64_C(0x1111111111111111));
        f->table[i] = f->table[i] >> 1 & UINT64_C(0x7777777777777777);
    }
    uint32_t half = f->size >> 1;
    f->size = half > odd >> 2 ? half - (odd >> 2) : 0;
}

/* One counter up, unless it is full. */
static inline int bump(kvlogical_frequency *f, uint64_t place) {
    uint64_t *word = &f->table[place / 16];
    unsigned shift = 4 * (unsigned)(place & 15);
    if ((*word >> shift & MOST) == MOST) return 0;
    *word += UINT64_C(1) << shift;
    return 1;
}

static inline unsigned counter_at(const kvlogical_frequency *f, uint64_t place) {
    return (unsigned)(f->table[place / 16] >> 4 * (place & 15) & MOST);
}

static inline void touched(kvlogical_frequency *f) {
    if (f->size < UINT32_MAX) f->size++;
    if (f->size >= f->decay_threshold) halve(f);
}

static void touch(kvlogical_frequency *f, const uint64_t *hashes) {
    uint64_t places[HASHES];
    int added = 0;
    places_of(f, hashes, places);
    for (unsigned i = 0; i < HASHES; i++) added |= bump(f, places[i]);
    if (added) touched(f);
}

static unsigned count(const kvlogical_frequency *f, const uint64_t *hashes) {
    uint64_t places[HASHES];
    unsigned least = MOST;
    places_of(f, hashes, places);
    for (unsigned i = 0; i < HASHES; i++) {
        unsigned counter = counter_at(f, places[i]);
        if (counter < least) least = counter;
    }
    return least;
}

/* A name as a number of 128 bits, little-endian. */
static void hash_name(const kvlogical_frequency *f, kvhash_plh name, uint64_t *hashes) {
    uint8_t key[16];
    kvcore_store_le64(key, name.low);
    kvcore_store_le64(key + 8, name.high);
    kvhash_xxh3_secrets(key, f->secrets, HASHES, hashes);
}

static void hash_number(const kvlogical_frequency *f, uint64_t number, uint64_t *hashes) {
    uint8_t key[8];
    kvcore_store_le64(key, number);
    for (unsigned i = 0; i < HASHES; i++) hashes[i] = kvhash_xxh3_secret((kvcore_bytes){key, 8}, f->secrets[i]);
}

void kvlogical_frequency_touch(kvlogical_frequency *f, kvhash_plh name) {
    if (f == NULL) return;
    uint64_t hashes[HASHES];
    hash_name(f, name, hashes);
    touch(f, hashes);
}

unsigned kvlogical_frequency_count(const kvlogical_frequency *f, kvhash_plh name) {
    if (f == NULL) return 0;
    uint64_t hashes[HASHES];
    hash_name(f, name, hashes);
    return count(f, hashes);
}

void kvlogical_frequency_touch_u64(kvlogical_frequency *f, uint64_t number) {
    if (f == NULL) return;
    uint64_t hashes[HASHES];
    hash_number(f, number, hashes);
    touch(f, hashes);
}

unsigned kvlogical_frequency_count_u64(const kvlogical_frequency *f, uint64_t number) {
    if (f == NULL) return 0;
    uint64_t hashes[HASHES];
    hash_number(f, number, hashes);
    return count(f, hashes);
}

/* ---- places that a caller keeps ---- */

bool kvlogical__frequency_compact(const kvlogical_frequency *f) { return f->words <= UINT32_MAX / 16; }

void kvlogical__frequency_places(const kvlogical_frequency *f, kvhash_plh name, uint32_t places[HASHES]) {
    uint64_t hashes[HASHES], wide[HASHES];
    hash_name(f, name, hashes);
    places_of(f, hashes, wide);
    for (unsigned i = 0; i < HASHES; i++) places[i] = (uint32_t)wide[i];
}

void kvlogical__frequency_prefetch(const kvlogical_frequency *f, const uint32_t places[HASHES]) {
    for (unsigned i = 0; i < HASHES; i++) __builtin_prefetch(&f->table[places[i] / 16], 1);
}

void kvlogical__frequency_touch_at(kvlogical_frequency *f, const uint32_t places[HASHES]) {
    int added = 0;
    for (unsigned i = 0; i < HASHES; i++) added |= bump(f, places[i]);
    if (added) touched(f);
}

unsigned kvlogical__frequency_count_at(const kvlogical_frequency *f, const uint32_t places[HASHES]) {
    unsigned least = MOST;
    for (unsigned i = 0; i < HASHES; i++) {
        unsigned counter = counter_at(f, places[i]);
        if (counter < least) least = counter;
    }
    return least;
}

uint32_t kvlogical_frequency_size(const kvlogical_frequency *f) { return f != NULL ? f->size : 0; }

static void tracker_touch(void *ctx, kvhash_plh name) { kvlogical_frequency_touch(ctx, name); }
static unsigned tracker_count(void *ctx, kvhash_plh name) { return kvlogical_frequency_count(ctx, name); }

kvlogical_tracker kvlogical_frequency_tracker(kvlogical_frequency *f) {
    return (kvlogical_tracker){f, tracker_touch, tracker_count};
}

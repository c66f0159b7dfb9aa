#include "frequency.h"

#include <string.h>

#include <kvcore/bytes.h>
#include <kvhash/hash.h>

#define HASHES 4
#define MOST 15 /* of a counter of 4 bits */

struct kvlogical_frequency {
    uint8_t secrets[HASHES][KVHASH_SECRET_BYTES];
    kvcore_allocator allocator;
    uint64_t words; /* of 16 counters */
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
    uint64_t samples = capacity < UINT32_MAX / 10 ? (uint64_t)capacity * 10 : UINT32_MAX;
    f->decay_threshold = decay_threshold != 0 ? decay_threshold : (uint32_t)samples;
    return f;
}

kvcore_status kvlogical_frequency_create(size_t capacity, uint32_t decay_threshold, const kvcore_allocator *allocator,
                                         kvlogical_frequency **frequency) {
    if (frequency == NULL) return KVCORE_EINVAL;
    *frequency = NULL;
    kvcore_allocator used = allocator != NULL ? *allocator : kvcore_allocator_libc();
    uint64_t bytes = kvlogical__frequency_bytes(capacity);
    void *memory = bytes > SIZE_MAX ? NULL : kvcore_alloc(&used, 1, (size_t)bytes, _Alignof(kvlogical_frequency));
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

/* Where the i-th counter of a key is: which word, and the shift in it. */
typedef struct place {
    uint64_t word;
    unsigned shift;
} place;

static void places_of(const kvlogical_frequency *f, const void *key, size_t size, place places[HASHES]) {
    for (unsigned i = 0; i < HASHES; i++) {
        uint64_t hash = kvhash_xxh3_secret((kvcore_bytes){key, size}, f->secrets[i]);
        places[i] = (place){hash % f->words, 4 * (unsigned)(hash & 15)};
        __builtin_prefetch(&f->table[places[i].word]);
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

static void touch(kvlogical_frequency *f, const void *key, size_t size) {
    place places[HASHES];
    places_of(f, key, size, places);
    int added = 0;
    for (unsigned i = 0; i < HASHES; i++) {
        uint64_t *word = &f->table[places[i].word];
        if ((*word >> places[i].shift & MOST) == MOST) continue;
        *word += UINT64_C(1) << places[i].shift;
        added = 1;
    }
    if (!added) return;
    if (f->size < UINT32_MAX) f->size++;
    if (f->size >= f->decay_threshold) halve(f);
}

static unsigned count(const kvlogical_frequency *f, const void *key, size_t size) {
    place places[HASHES];
    places_of(f, key, size, places);
    unsigned least = MOST;
    for (unsigned i = 0; i < HASHES; i++) {
        unsigned counter = (unsigned)(f->table[places[i].word] >> places[i].shift & MOST);
        if (counter < least) least = counter;
    }
    return least;
}

/* A name as a number of 128 bits, little-endian. */
static void name_key(kvhash_plh name, uint8_t key[16]) {
    kvcore_store_le64(key, name.low);
    kvcore_store_le64(key + 8, name.high);
}

void kvlogical_frequency_touch(kvlogical_frequency *f, kvhash_plh name) {
    uint8_t key[16];
    name_key(name, key);
    touch(f, key, sizeof key);
}

unsigned kvlogical_frequency_count(const kvlogical_frequency *f, kvhash_plh name) {
    uint8_t key[16];
    name_key(name, key);
    return count(f, key, sizeof key);
}

void kvlogical_frequency_touch_u64(kvlogical_frequency *f, uint64_t number) {
    uint8_t key[8];
    kvcore_store_le64(key, number);
    touch(f, key, sizeof key);
}

unsigned kvlogical_frequency_count_u64(const kvlogical_frequency *f, uint64_t number) {
    uint8_t key[8];
    kvcore_store_le64(key, number);
    return count(f, key, sizeof key);
}

uint32_t kvlogical_frequency_size(const kvlogical_frequency *f) { return f->size; }

static void tracker_touch(void *ctx, kvhash_plh name) { kvlogical_frequency_touch(ctx, name); }
static unsigned tracker_count(void *ctx, kvhash_plh name) { return kvlogical_frequency_count(ctx, name); }

kvlogical_tracker kvlogical_frequency_tracker(kvlogical_frequency *f) {
    return (kvlogical_tracker){f, tracker_touch, tracker_count};
}

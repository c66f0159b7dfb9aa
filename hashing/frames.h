/* The bytes of slots that are hashed: plain (u32 LE) or framed (13 bytes a slot). Private to hashing. */
#ifndef HASHING_FRAMES_H
#define HASHING_FRAMES_H

#include <kvcore/bytes.h>

#include "run_walk.h"

#define PLAIN_BYTES 4
#define FRAME_BYTES 13

static inline void plain_write(uint8_t *to, const uint32_t *tokens, size_t count) {
    for (size_t i = 0; i < count; i++) kvcore_store_le32(to + PLAIN_BYTES * i, tokens[i]);
}

/* A frame is two overlapping stores: tag, u32 and the first 3 bytes of the u64; then the whole u64 at byte 5. */
static inline void frame_write(uint8_t *to, uint64_t tag, uint32_t value, uint64_t hash) {
    kvcore_store_le64(to, tag | (uint64_t)value << 8 | hash << 40);
    kvcore_store_le64(to + 5, hash);
}

/* Frames of the slots first … end−1; tokens[0] is that of slot `first`. The walk stands at the first run that ends after
 * `first` (its runs are valid) and is left at the first that ends after `end`. */
static inline void frames_write(uint8_t *to, const uint32_t *tokens, uint64_t first, uint64_t end, run_walk *walk) {
    for (uint64_t slot = first; slot < end;) {
        const kvhash_mm_run *run = run_walk_done(walk) ? NULL : walk->current;
        uint64_t stop = end;
        if (run != NULL && slot >= run->offset) {
            uint64_t run_end = run->offset + run->length, mm_hash = run->mm_hash;
            uint32_t place = (uint32_t)(slot - run->offset);
            if (run_end < stop) stop = run_end;
            for (; slot < stop; slot++, to += FRAME_BYTES) frame_write(to, 1, place++, mm_hash);
            if (slot == run_end) run_walk_next(walk);
        } else {
            if (run != NULL && run->offset < stop) stop = run->offset;
            for (; slot < stop; slot++, to += FRAME_BYTES) frame_write(to, 0, tokens[slot - first], 0);
        }
    }
}

#endif

/**
 * @file
 * The positional lineage hash (PLH): the name of a block, 128 bits.
 *
 * From the top bit: mode (2), position (8, 16 or 24), the block's sequence hash (64, complete), parent fragment (the low
 * 54, 46 or 38 bits of the parent's sequence hash; 0 at a root):
 *
 *     mode 0   position 0 … 255           | 2 | 8  |      64      |   54   |
 *     mode 1   position 256 … 65,535      | 2 | 16 |      64      |  46    |
 *     mode 2   position 65,536 … 2^24 − 1 | 2 | 24 |      64      | 38     |
 *     mode 3   means nothing; refused when a name is decoded
 *
 * The width of the fragment belongs to the child's position, so a parent never stores its own hash cut.
 *
 * Owns:    nothing; a name is a value. Threads: any. Units: positions count blocks from 0.
 * Cost:    a few shifts each; kvhash_plh_extend() one XXH3 of 16 bytes; nothing allocates.
 * Source:  dynamo-tokens 1.5.0, PositionalLineageHash; pinned by plh_new, plh_chain, plh_raw, plh_order of the hashing
 *          vectors.
 */
#ifndef KVHASH_PLH_H
#define KVHASH_PLH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A name: its value is high · 2^64 + low. All zero is a valid name (position 0, sequence hash 0). */
typedef struct kvhash_plh {
    uint64_t high; /**< mode, position and part of the sequence hash */
    uint64_t low;  /**< the rest of it, and the parent fragment */
} kvhash_plh;

/** The last position that a name can hold. */
#define KVHASH_PLH_MAX_POSITION UINT64_C(0xFFFFFF)
/** Bytes of the wire form. */
#define KVHASH_PLH_BYTES 16
/** Room that always suffices for the display form and its NUL: "16777215:" + 11 + ":" + 11. */
#define KVHASH_PLH_TEXT_BYTES 34

/** Bits of a parent's sequence hash that a child at this position keeps; positions past the limit count as mode 2. */
KVHASH_INLINE unsigned kvhash_plh_fragment_bits(uint64_t child_position) {
    return child_position < 256 ? 54 : child_position < 65536 ? 46 : 38;
}

/** Which of the three layouts the name uses: 0, 1 or 2; 3 is no name. */
KVHASH_INLINE unsigned kvhash_plh_mode(kvhash_plh name) { return (unsigned)(name.high >> 62); }

/** Mode 3 is the one value space that is not a name. Every other function here expects a valid one. */
KVHASH_INLINE bool kvhash_plh_valid(kvhash_plh name) { return kvhash_plh_mode(name) != 3; }

/** The position of the block in its sequence, counted from 0. */
KVHASH_INLINE uint32_t kvhash_plh_position(kvhash_plh name) {
    unsigned bits = 8 * (kvhash_plh_mode(name) + 1);
    return (uint32_t)(name.high << 2 >> (64 - bits));
}

/** The sequence hash: of everything up to and with this block. */
KVHASH_INLINE uint64_t kvhash_plh_sequence_hash(kvhash_plh name) {
    unsigned bits = 62 - 8 * (kvhash_plh_mode(name) + 1); /* of the parent fragment */
    return name.high << (64 - bits) | name.low >> bits;
}

/** The low bits of the parent's sequence hash, as many as the mode keeps; 0 at position 0. */
KVHASH_INLINE uint64_t kvhash_plh_parent_fragment(kvhash_plh name) {
    unsigned bits = 62 - 8 * (kvhash_plh_mode(name) + 1);
    return name.low & ((UINT64_C(1) << bits) - 1);
}

/** The parent fragment that a child of `name` at child_position carries. */
KVHASH_INLINE uint64_t kvhash_plh_fragment_for_child(kvhash_plh name, uint64_t child_position) {
    return kvhash_plh_sequence_hash(name) & ((UINT64_C(1) << kvhash_plh_fragment_bits(child_position)) - 1);
}

/** Are both names the same? */
KVHASH_INLINE bool kvhash_plh_equal(kvhash_plh a, kvhash_plh b) { return a.high == b.high && a.low == b.low; }

/** −1, 0 or 1: by position, then sequence hash, then the whole value. A total order that agrees with equality. */
KVHASH_API int kvhash_plh_compare(kvhash_plh a, kvhash_plh b);

/**
 * A name from its parts. A root gives parent_sequence_hash 0.
 *
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EPOSITION beyond KVHASH_PLH_MAX_POSITION.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_plh_make(uint64_t sequence_hash, uint64_t parent_sequence_hash,
                                                          uint64_t position, kvhash_plh *name);

/** The name of a first block: position 0, sequence hash = block hash, no parent. */
KVHASH_API kvhash_plh kvhash_plh_root(uint64_t block_hash);

/**
 * The name of the block that follows `parent`: sequence hash = XXH3(parent's LE ‖ block hash LE, seed 1337).
 *
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EPOSITION when parent stands at KVHASH_PLH_MAX_POSITION; KVHASH_EMODE when
 *         parent is not a name.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_plh_extend(kvhash_plh parent, uint64_t block_hash, kvhash_plh *name);

/** The wire form: the 128-bit value, big-endian. */
KVHASH_API void kvhash_plh_encode(kvhash_plh name, uint8_t bytes[KVHASH_PLH_BYTES]);

/**
 * The reverse. Non-canonical names (a small position in a wide mode) are accepted as they are.
 *
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EMODE for mode 3.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_plh_decode(const uint8_t bytes[KVHASH_PLH_BYTES], kvhash_plh *name);

/**
 * The display form, `position:base58(sequence hash)` and, past position 0, `:base58(parent fragment)`, NUL terminated.
 * Base58 is of the 8 big-endian bytes. Returns the number of characters without the NUL.
 */
KVHASH_API size_t kvhash_plh_format(kvhash_plh name, char text[KVHASH_PLH_TEXT_BYTES]);

/**
 * The display form back into a name in the mode of its position: exact for every name of a chain. (A parent fragment at
 * position 0, or a small position in a wide mode, is not in the text.)
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EFORMAT for anything kvhash_plh_format() does not write (signs, leading zeros,
 *         blanks, a fragment wider than the position allows); KVHASH_EPOSITION beyond the limit.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_plh_parse(const char *text, size_t length, kvhash_plh *name);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file
 * Terms of the Erlang virtual machine, built in memory and written in its external term format: what content keys hash.
 *
 * A builder holds terms; a kvcontent_term is the number of one in its builder. Build leaves first, then what holds them; a
 * term may be part of many others. Nesting has no limit but memory: nothing here recurses.
 *
 * Three profiles, because running systems disagree about atoms and maps:
 *
 *     PORTABLE   UTF-8 atoms, maps in exact key order: what `term_to_binary(t, [deterministic])` writes. The default.
 *     OTP26      what term_to_binary/1 writes from OTP 26 on. A map of more than 32 keys, or with atoms in two keys or more,
 *                has no one form there: it is refused unless its order was given.
 *     OTP25      what term_to_binary/1 writes up to OTP 25: Latin-1 atoms under their old tag. A map of more than 32 keys is
 *                refused unless its order was given.
 *
 * Owns:    the builder owns its terms; they live until it is cleared or destroyed. Inputs are copied.
 * Threads: compatible: different builders at once; every call on one builder (comparing and writing too) needs the
 *          caller's lock.
 * Errors:  a failed call leaves the builder as it was. KVCORE_EINVAL for NULL and for a term that is none or not of this
 *          builder, in every call; KVCORE_ENOMEM in every call that makes a term; KVCORE_EOVERFLOW for counts and sizes
 *          beyond 2^32 − 1 and encodings beyond 2^64.
 * Source:  External Term Format (Erlang/OTP), checked against OTP 25.2 and 27.3; pinned by the orchid vectors.
 */
#ifndef KVCONTENT_TERM_H
#define KVCONTENT_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcontent/export.h>
#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. A place where terms are built; made by kvcontent_terms_create(). */
typedef struct kvcontent_terms kvcontent_terms;

/** A term of a builder. Zero is none. */
typedef struct kvcontent_term {
    uint32_t number; /**< private; 0: no term */
} kvcontent_term;

/** Which of the three external forms is written; see the top of this file. */
typedef enum kvcontent_term_profile {
    KVCONTENT_TERM_PORTABLE = 0, /**< deterministic, the default */
    KVCONTENT_TERM_OTP26 = 1,    /**< Erlang/OTP 26 and later */
    KVCONTENT_TERM_OTP25 = 2     /**< Erlang/OTP up to 25 */
} kvcontent_term_profile;

/** allocator may be NULL (libc); it is copied. Errors: KVCORE_EINVAL when terms is NULL; KVCORE_ENOMEM. */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_terms_create(const kvcore_allocator *allocator,
                                                                    kvcontent_terms **terms);
/** NULL is ignored. */
KVCONTENT_API void kvcontent_terms_destroy(kvcontent_terms *terms);
/** Forget every term, keep the memory: building as much again allocates nothing. */
KVCONTENT_API void kvcontent_terms_clear(kvcontent_terms *terms);

/** An atom from UTF-8 text. Errors: KVCORE_EFORMAT when it is not UTF-8; KVCORE_EOVERFLOW past 255 characters. */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_atom(kvcontent_terms *terms, kvcore_bytes text,
                                                                 kvcontent_term *term);

/**
 * An integer.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_integer(kvcontent_terms *terms, int64_t value,
                                                                    kvcontent_term *term);
/**
 * An integer of any size from its magnitude, little-endian; leading zero bytes are dropped, −0 is 0.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 bytes or terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_big_integer(kvcontent_terms *terms, bool negative,
                                                                        kvcore_bytes magnitude, kvcontent_term *term);
/** Errors: KVCORE_EINVAL for NaN and infinities, which no term can be. */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_float(kvcontent_terms *terms, double value,
                                                                  kvcontent_term *term);

/**
 * A binary: the bytes, copied.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 bytes or terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_binary(kvcontent_terms *terms, kvcore_bytes bytes,
                                                                   kvcontent_term *term);
/**
 * The first bit_count bits, high bits first; a whole number of bytes gives a binary.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 bytes or terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_bits(kvcontent_terms *terms, const void *bytes,
                                                                 uint64_t bit_count, kvcontent_term *term);

/**
 * A tuple of terms that were built before.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 elements or terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_tuple(kvcontent_terms *terms,
                                                                  const kvcontent_term *elements, size_t count,
                                                                  kvcontent_term *term);

/**
 * A list. `tail` none: a proper one. A tail that is a list itself continues it, as [a | [b]] is [a, b]; any other tail makes
 * it improper. No elements give the tail, or the empty list.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM; KVCORE_EOVERFLOW
 *         beyond 2^32 − 1 elements or terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_list(kvcontent_terms *terms, const kvcontent_term *elements,
                                                                 size_t count, kvcontent_term tail,
                                                                 kvcontent_term *term);

/**
 * A map.
 *
 * Takes:  order_given: the pairs are written in the order given, in every profile, because the caller knows the order of a
 *         running system; otherwise in exact key order.
 * Errors: KVCORE_EINVAL when two keys are equal.
 * Cost:   O(count · log count) comparisons.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_map(kvcontent_terms *terms, const kvcontent_term *keys,
                                                                const kvcontent_term *values, size_t count,
                                                                bool order_given, kvcontent_term *term);

/** An external function, &module.function/arity. Errors: KVCORE_EINVAL unless both are atoms and arity is at most 255. */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_function(kvcontent_terms *terms, kvcontent_term module,
                                                                     kvcontent_term function, uint32_t arity,
                                                                     kvcontent_term *term);

/**
 * The standard order: number < atom < function < tuple < map < [] < list < bits; 1 and 1.0 are equal.
 *
 * Gives:  *order negative, 0 or positive.
 * Cost:   O(smaller encoding), never allocates.
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_compare(kvcontent_terms *terms, kvcontent_term a,
                                                                    kvcontent_term b, int *order);
/**
 * The exact order, that of map keys: as above, but every integer comes before every float.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_compare_exact(kvcontent_terms *terms, kvcontent_term a,
                                                                          kvcontent_term b, int *order);

/**
 * The stable ascending sort by standard order, as indices into items: order[0] is the index of the smallest.
 *
 * Errors: KVCORE_EINVAL for NULL and for a term that is none or of another builder; KVCORE_ENOMEM.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_sort(kvcontent_terms *terms, const kvcontent_term *items,
                                                                 uint32_t count, uint32_t *order);

/**
 * The external form: byte 131 and the term.
 *
 * Gives:  *size_bytes of it in bytes[capacity]; capacity 0 asks for the size (and gets KVCORE_EBUFFER).
 * Errors: KVCORE_EBUFFER when it does not fit, the size in *size_bytes; KVCORE_ENOTSUP when the profile has no one form for
 *         a map in it; KVCORE_EINVAL for a profile that is none.
 * Cost:   O(size), never allocates. A term that holds others many times over is as large as its text.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_term_encode(kvcontent_terms *terms, kvcontent_term term,
                                                                   kvcontent_term_profile profile, void *bytes,
                                                                   size_t capacity, uint64_t *size_bytes);

#ifdef __cplusplus
}
#endif

#endif

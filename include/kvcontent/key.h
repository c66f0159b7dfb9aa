/**
 * @file
 * Keys of cached steps and blobs, by content: SHA-256 of a term's external form, as OrchidStratum derives them.
 *
 *     payload key   H(ETF(payload))
 *     blob key      H(ETF({step_key, key_name}))
 *     parameter     a payload {ref, _, key} is its own key; any other payload is hashed
 *     step key      H(ETF({implementation, [parameter keys sorted by name], [chosen options, sorted]}))
 *
 * Running systems before and from OTP 26 differ about atoms, so their keys differ; see the profiles in term.h.
 *
 * Owns:    terms belong to their builder. Temporary terms are gone again when a call returns.
 * Threads: as the builder: one call on it at a time.
 * Errors:  those of term.h everywhere: KVCORE_EINVAL, KVCORE_ENOMEM, KVCORE_EOVERFLOW, KVCORE_ENOTSUP (the profile has no
 *          one form for a map in it); those of kvcore_sha256().
 * Source:  orchid_stratum, OrchidStratum.HashKeyBuilder; pinned by the orchid vectors.
 */
#ifndef KVCONTENT_KEY_H
#define KVCONTENT_KEY_H

#include <kvcontent/term.h>
#include <kvcore/hash256.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Of any term, references included. Cost: O(encoded size).
 *
 * Errors: those of kvcontent_term_encode(); KVCORE_ENOMEM; KVCORE_ENOTSUP also when OpenSSL refuses.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_payload_key(kvcontent_terms *terms, kvcontent_term payload,
                                                                   kvcontent_term_profile profile, kvcore_hash256 *key);

/**
 * step_key is normally the binary of a step's key, key_name an atom; neither is asked to be.
 *
 * Errors: those of kvcontent_term_encode(); KVCORE_ENOMEM; KVCORE_ENOTSUP also when OpenSSL refuses.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_blob_key(kvcontent_terms *terms, kvcontent_term step_key,
                                                                kvcontent_term key_name, kvcontent_term_profile profile,
                                                                kvcore_hash256 *key);

/**
 * What a parameter with this payload contributes: the third element of {ref, _, key}, else the payload key as a binary.
 *
 * Errors: those of kvcontent_term_encode(); KVCORE_ENOMEM; KVCORE_ENOTSUP also when OpenSSL refuses.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_parameter_key(kvcontent_terms *terms, kvcontent_term payload,
                                                                     kvcontent_term_profile profile,
                                                                     kvcontent_term *key);

/** A function of arity 2 that implements a step. `environment` is the list of captured values. */
typedef struct kvcontent_step_function {
    kvcontent_term module;      /**< An atom. */
    kvcontent_term name;        /**< An atom. */
    uint32_t arity;             /**< 2. */
    kvcontent_term environment; /**< as the caller built it */
} kvcontent_step_function;

/** One named input of a step. */
typedef struct kvcontent_step_input {
    kvcontent_term name;    /**< any term */
    kvcontent_term payload; /**< any term */
} kvcontent_step_input;

/** One option of a step. */
typedef struct kvcontent_step_option {
    kvcontent_term key;   /**< any term */
    kvcontent_term value; /**< any term */
} kvcontent_step_option;

/** A step to be keyed. Arrays are borrowed for the call. */
typedef struct kvcontent_step {
    kvcontent_term module;              /**< The atom of a module that implements the step; none: `function` does. */
    kvcontent_step_function function;   /**< Read only when `module` is none. */
    const kvcontent_step_input *inputs; /**< borrowed for the call */
    size_t input_count;                 /**< how many inputs */
    /** The keys when the inputs were a map, else NULL. Inputs of one name keep the order given; from a map, the exact order
     *  of their keys (upstream: however the VM lists the map). */
    const kvcontent_term *input_keys;
    const kvcontent_step_option *options; /**< In their order, repetitions included. */
    size_t option_count;                  /**< how many options */
    const kvcontent_term *cache_keys; /**< Which options count, by exact equality; order and repetition mean nothing. */
    size_t cache_key_count;           /**< how many cache keys */
} kvcontent_step;

/**
 * The term whose external form is hashed.
 *
 * Errors: KVCORE_EINVAL also for an implementation that is neither an atom nor a function of arity 2 with a list of captured
 *         values; the error record says which field.
 * Cost:   O(encoded size + n log n) for n inputs and options; allocates terms.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_step_term(kvcontent_terms *terms, const kvcontent_step *step,
                                                                 kvcontent_term_profile profile, kvcontent_term *term,
                                                                 kvcore_error *error);

/**
 * SHA-256 of kvcontent_step_term()'s external form.
 *
 * Errors: those of kvcontent_step_term() and kvcontent_term_encode(); KVCORE_ENOTSUP also when OpenSSL refuses.
 */
KVCONTENT_API KVCORE_NODISCARD kvcore_status kvcontent_step_key(kvcontent_terms *terms, const kvcontent_step *step,
                                                                kvcontent_term_profile profile, kvcore_hash256 *key,
                                                                kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

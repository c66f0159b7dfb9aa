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
#ifndef KVCORE_CONTENT_KEY_H
#define KVCORE_CONTENT_KEY_H

#include <kvcore/hash256.h>
#include <kvcore/term.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of any term, references included. Cost: O(encoded size). */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_payload_key(kvcore_terms *terms, kvcore_term payload,
                                                             kvcore_term_profile profile, kvcore_hash256 *key);

/** step_key is normally the binary of a step's key, key_name an atom; neither is asked to be. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_blob_key(kvcore_terms *terms, kvcore_term step_key,
                                                          kvcore_term key_name, kvcore_term_profile profile,
                                                          kvcore_hash256 *key);

/** What a parameter with this payload contributes: the third element of {ref, _, key}, else the payload key as a binary. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_parameter_key(kvcore_terms *terms, kvcore_term payload,
                                                               kvcore_term_profile profile, kvcore_term *key);

/** A function of arity 2 that implements a step. `environment` is the list of captured values. */
typedef struct kvcore_step_function {
    kvcore_term module; /**< An atom. */
    kvcore_term name;   /**< An atom. */
    uint32_t arity;     /**< 2. */
    kvcore_term environment;
} kvcore_step_function;

typedef struct kvcore_step_input {
    kvcore_term name;
    kvcore_term payload;
} kvcore_step_input;

typedef struct kvcore_step_option {
    kvcore_term key;
    kvcore_term value;
} kvcore_step_option;

/** A step to be keyed. Arrays are borrowed for the call. */
typedef struct kvcore_step {
    kvcore_term module;            /**< The atom of a module that implements the step; none: `function` does. */
    kvcore_step_function function; /**< Read only when `module` is none. */
    const kvcore_step_input *inputs;
    size_t input_count;
    /** The keys when the inputs were a map, else NULL. Inputs of one name keep the order given; from a map, the exact order
     *  of their keys (upstream: however the VM lists the map). */
    const kvcore_term *input_keys;
    const kvcore_step_option *options; /**< In their order, repetitions included. */
    size_t option_count;
    const kvcore_term *cache_keys; /**< Which options count, by exact equality; order and repetition mean nothing. */
    size_t cache_key_count;
} kvcore_step;

/**
 * The term whose external form is hashed.
 *
 * Errors: KVCORE_EINVAL also for an implementation that is neither an atom nor a function of arity 2 with a list of captured
 *         values; the error record says which field.
 * Cost:   O(encoded size + n log n) for n inputs and options; allocates terms.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_step_term(kvcore_terms *terms, const kvcore_step *step,
                                                           kvcore_term_profile profile, kvcore_term *term,
                                                           kvcore_error *error);

/** SHA-256 of kvcore_step_term()'s external form. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_step_key(kvcore_terms *terms, const kvcore_step *step,
                                                          kvcore_term_profile profile, kvcore_hash256 *key,
                                                          kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

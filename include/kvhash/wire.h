/**
 * @file
 * Names, records and runs as JSON and MessagePack: the bytes that processes built on the reference crates send and read.
 *
 *                    JSON                                   MessagePack
 *     PLH, PSH       array of 16 numbers, big-endian        bin 8 of 16 bytes, big-endian
 *     block          {"block_hash":…,"plh":[…]}             array [block_hash, plh], or a map of the two
 *     run            {"mm_hash":…,"offset":…,"length":…}    array of the three, or a map
 *     list of names  array                                  array
 *
 * Writing gives exactly those bytes, without blanks, integers in the shortest form. Reading takes the value that fills the
 * input to its last byte and accepts what the reference's decoders do: a hash as 16 raw bytes or as an array of 16 numbers up
 * to 255, a record as an array or under its names in any order, MessagePack integers and headers of any width, JSON blanks
 * between tokens. A key that is unknown, missing or there twice is refused, and so are escapes within keys.
 *
 * Owns:    nothing. Threads: any. Nothing allocates; nesting is fixed, so hostile bytes cost O(size).
 * Errors:  of writing: KVCORE_EBUFFER when the bytes are more than `capacity`, with *size_bytes as many as they are and nothing
 *          written; KVCORE_EINVAL for NULLs and unknown formats.
 *          Of reading: KVCORE_ETRUNCATED when the input ends early, KVCORE_EFORMAT when it is something else (a hash of another
 *          length: error->expected 16, error->actual its length), KVCORE_EOVERFLOW for a number past 2^64 − 1, KVHASH_EMODE for
 *          a PLH of mode 3, KVCORE_EINVAL as above. error->offset is the byte where reading stopped. Outputs are untouched.
 * Source:  dynamo-tokens and dynamo-kv-hashing 1.5.0 with serde_json and rmp-serde; pinned by serde of the hashing vectors.
 */
#ifndef KVHASH_WIRE_H
#define KVHASH_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvhash/block.h>
#include <kvhash/export.h>
#include <kvhash/multimodal.h>
#include <kvhash/plh.h>
#include <kvhash/psh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How values are written. */
typedef enum kvhash_wire_format {
    KVHASH_WIRE_JSON = 1,          /**< as serde_json does */
    KVHASH_WIRE_MSGPACK = 2,       /**< as rmp_serde does, records as arrays */
    KVHASH_WIRE_MSGPACK_NAMED = 3, /**< records as maps; the same as KVHASH_WIRE_MSGPACK when reading */
} kvhash_wire_format;

/** Room that suffices for any one value (not for a list of names). */
#define KVHASH_WIRE_MAX_BYTES 128

/** @name Writing. Gives *size_bytes and the bytes. @{ */
/** A name. Errors: KVCORE_EBUFFER with the size in *size_bytes; KVCORE_EINVAL for NULLs and an unknown format. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_write_plh(kvhash_wire_format format, kvhash_plh name, void *bytes,
                                                                size_t capacity, size_t *size_bytes);

/** A PSH. Errors: those of kvhash_wire_write_plh(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_write_psh(kvhash_wire_format format, kvhash_psh psh, void *bytes,
                                                                size_t capacity, size_t *size_bytes);
/** Only block_hash and plh of the record are sent. Errors: those of kvhash_wire_write_plh(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_write_block(kvhash_wire_format format, const kvhash_block *block,
                                                                  void *bytes, size_t capacity, size_t *size_bytes);

/** A multimodal run. Errors: those of kvhash_wire_write_plh(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_write_run(kvhash_wire_format format, kvhash_mm_run run,
                                                                void *bytes, size_t capacity, size_t *size_bytes);

/** A list of names. Errors: those of kvhash_wire_write_plh(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_write_names(kvhash_wire_format format, const kvhash_plh *names,
                                                                  size_t count, void *bytes, size_t capacity,
                                                                  size_t *size_bytes);
/** @} */

/** @name Reading. @{ */
/**
 * A name.
 *
 * Errors: KVCORE_ETRUNCATED when the input ends early; KVCORE_EFORMAT when it is something else; KVCORE_EOVERFLOW for a
 *         number past 2^64 − 1; KVHASH_EMODE for a value that is no name; KVCORE_EINVAL for NULLs and an unknown
 *         format.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_read_plh(kvhash_wire_format format, kvcore_bytes from,
                                                               kvhash_plh *name, kvcore_error *error);

/** A PSH. Errors: those of kvhash_wire_read_plh() but KVHASH_EMODE. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_read_psh(kvhash_wire_format format, kvcore_bytes from,
                                                               kvhash_psh *psh, kvcore_error *error);
/** The rest of the record follows from the two fields that are sent. Errors: those of kvhash_wire_read_plh(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_read_block(kvhash_wire_format format, kvcore_bytes from,
                                                                 kvhash_block *block, kvcore_error *error);
/** The run is not validated; that needs the tokens. Errors: those of kvhash_wire_read_plh() but KVHASH_EMODE. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_read_run(kvhash_wire_format format, kvcore_bytes from,
                                                               kvhash_mm_run *run, kvcore_error *error);
/** A list of names. Errors: those of kvhash_wire_read_plh(); KVCORE_EBUFFER when there are more names than `capacity`: *count is how many, nothing else is written. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_wire_read_names(kvhash_wire_format format, kvcore_bytes from,
                                                                 kvhash_plh *names, size_t capacity, size_t *count,
                                                                 kvcore_error *error);
/** @} */

#ifdef __cplusplus
}
#endif

#endif

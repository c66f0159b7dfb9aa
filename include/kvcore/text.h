/**
 * @file
 * Bytes as text: hexadecimal and base58.
 *
 * Owns: nothing. Threads: any. Never allocates. Output text carries no NUL unless said.
 */
#ifndef KVCORE_TEXT_H
#define KVCORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Two lower-case digits a byte, first byte first, into 2 * size_bytes characters. Cost: O(size). */
KVCORE_API void kvcore_hex_encode(const void *bytes, size_t size_bytes, char *text);

/**
 * Digits of either case into length / 2 bytes.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EFORMAT when the length is odd or a character is not a digit; `bytes` is then
 *         untouched.
 * Cost:   O(length), two passes.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_hex_decode(const char *text, size_t length, void *bytes);

/** The largest value that the base58 functions take, and the text it may become. */
#define KVCORE_BASE58_MAX_BYTES 64
/** The longest base58 text that is read. */
#define KVCORE_BASE58_MAX_CHARACTERS 88

/**
 * Base58 with the Bitcoin alphabet: the bytes as one big-endian number, and one leading '1' for each leading zero byte.
 *
 * Gives:  *length characters in text, which has room for `capacity` (KVCORE_BASE58_MAX_CHARACTERS is always enough).
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EOVERFLOW for more than KVCORE_BASE58_MAX_BYTES bytes; KVCORE_EBUFFER when it
 *         does not fit, with the needed number in *length.
 * Cost:   O(size²), at most 64 bytes.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_base58_encode(const void *bytes, size_t size_bytes, char *text,
                                                               size_t capacity, size_t *length);

/**
 * The reverse, into exactly size_bytes bytes.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EFORMAT for a character outside the alphabet, or a text that is not what
 *         kvcore_base58_encode() gives for some size_bytes bytes (too large a number, too few or too many leading '1');
 *         KVCORE_EOVERFLOW for more than KVCORE_BASE58_MAX_BYTES bytes. `bytes` is then untouched.
 * Cost:   O(length · size).
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_base58_decode(const char *text, size_t length, void *bytes,
                                                               size_t size_bytes);

#ifdef __cplusplus
}
#endif

#endif

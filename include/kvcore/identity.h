/**
 * @file
 * Whose bytes these are: the model they were computed with, and how they are laid out.
 *
 * Owns:    nothing; tags and digests are values.
 * Threads: any.
 * Source:  WombatKV, LayoutTag and ModelDigest. That system never derives a digest (its writers store zeros); the
 *          derivations here are kvstrata's own: the first 24 bytes of a SHA-256.
 */
#ifndef KVCORE_IDENTITY_H
#define KVCORE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The family of payload layouts a block belongs to: ASCII, NUL padded. All zero: not said. */
typedef struct kvcore_layout_tag {
    uint8_t bytes[16]; /**< ASCII, padded with NULs */
} kvcore_layout_tag;

/** The two families that have a name. */
#define KVCORE_LAYOUT_DS4 "ds4-v1"
/** The pages of SGLang. */
#define KVCORE_LAYOUT_SGLANG_PAGE "sglang-page-v1"

/** NULL is equal to NULL alone. */
KVCORE_INLINE bool kvcore_layout_tag_equal(const kvcore_layout_tag *a, const kvcore_layout_tag *b) {
    if (a == NULL || b == NULL) return a == b;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/** Errors: KVCORE_EINVAL for more than 16 characters, or one outside printable ASCII. "" is the zero tag. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_layout_tag_make(kvcore_bytes text, kvcore_layout_tag *tag);

/** Which model: the first 24 bytes of a SHA-256. All zero: not said. */
typedef struct kvcore_model_digest {
    uint8_t bytes[24]; /**< the first 24 bytes of a SHA-256 */
} kvcore_model_digest;

/** 48 lower-case digits and a NUL. */
#define KVCORE_MODEL_DIGEST_TEXT_BYTES 49

/** NULL is equal to NULL alone. */
KVCORE_INLINE bool kvcore_model_digest_equal(const kvcore_model_digest *a, const kvcore_model_digest *b) {
    if (a == NULL || b == NULL) return a == b;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/** The digest as lower-case hexadecimal digits and a NUL. A NULL digest gives "". */
KVCORE_API void kvcore_model_digest_format(const kvcore_model_digest *digest,
                                           char text[KVCORE_MODEL_DIGEST_TEXT_BYTES]);

/** 48 digits of either case. Errors: KVCORE_EINVAL for NULL; KVCORE_EFORMAT for anything else; *digest is then
 * untouched. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_model_digest_parse(kvcore_bytes text, kvcore_model_digest *digest);

/** Of bytes in memory: SHA-256 of them, cut. Errors: KVCORE_EINVAL for NULL; those of kvcore_sha256(). */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_model_digest_of_bytes(kvcore_bytes bytes, kvcore_model_digest *digest);

/**
 * Of one file: what kvcore_model_digest_of_bytes() gives for its content, read in pieces.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EIO when it cannot be opened or read (error->actual is the errno);
 *         KVCORE_ENOMEM and KVCORE_ENOTSUP when OpenSSL refuses.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_model_digest_of_file(const char *path, kvcore_model_digest *digest,
                                                                      kvcore_error *error);

/** A file of a model. The name is what counts ("tokenizer.json"); the path is only where it lies today. */
typedef struct kvcore_model_file {
    const char *name; /**< NUL terminated; part of the digest */
    const char *path; /**< NUL terminated; not part of the digest */
} kvcore_model_file;

/**
 * Of a set of files (weights, tokenizer, configuration), so that all of them together are one identity.
 *
 *     SHA-256( "kvstrata-model-set-1" ‖ count u64 LE ‖ each file: name length u64 LE ‖ name ‖ SHA-256(content) ), cut
 *
 * with the files in ascending bytewise order of their names, whatever order they are given in.
 *
 * Errors: KVCORE_EINVAL for count 0, a NULL, an empty name, or two files of one name (error->index: the second);
 *         KVCORE_EIO, KVCORE_ENOMEM, KVCORE_ENOTSUP as for one file, error->index saying which file.
 * Cost:   O(content) + O(count²) name comparisons.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_model_digest_of_files(const kvcore_model_file *files, size_t count,
                                                                       kvcore_model_digest *digest,
                                                                       kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

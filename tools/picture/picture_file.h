/* The file of a picture: SVG as text, or PNG made of it by rsvg-convert. */
#ifndef TOOLS_PICTURE_FILE_H
#define TOOLS_PICTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <kvcore/status.h>

/* A picture being made. All zero is none. */
typedef struct picture_file {
    const char *path;
    FILE *file;
    bool png;
    bool created; /* by us, so a failed command takes it away again */
} picture_file;

/* Take the path before the long work starts, so that what cannot be written is known at once; a file that is there keeps its
 * bytes until picture_write().
 *
 * Errors: KVCORE_ECONFIG for a name that ends neither in .svg nor in .png; KVCORE_EIO with the system's reason;
 *         KVCORE_ENOTSUP for a PNG without rsvg-convert. */
KVCORE_NODISCARD kvcore_status picture_open(picture_file *picture, const char *path, kvcore_error *error);

/* Write a whole SVG document, or the PNG of it, and close. Errors: KVCORE_EIO, KVCORE_ENOTSUP when rsvg-convert fails,
 * KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status picture_write(picture_file *picture, const char *svg, size_t size_bytes,
                                             kvcore_error *error);

/* Give up, if not written. */
void picture_discard(picture_file *picture);

#endif

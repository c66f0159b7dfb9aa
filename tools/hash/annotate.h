/* What the bytes say that a scheme hashes for a block: cut into pieces, each with a text. */
#ifndef TOOLS_ANNOTATE_H
#define TOOLS_ANNOTATE_H

#include "hash/scheme_names.h"

/* Called for piece after piece, from byte 0 to the end, without gaps. */
typedef void annotate_piece(void *context, size_t offset, size_t length, const char *text);

typedef struct annotate_image {
    const scheme_names *names;
    kvhash_scheme_kind kind;
    size_t block; /* KVHASH_SCHEME_ROOT_IMAGE: of the root */
    const uint8_t *bytes;
    size_t size_bytes;
} annotate_image;

void annotate(const annotate_image *image, annotate_piece *piece, void *context);

#endif

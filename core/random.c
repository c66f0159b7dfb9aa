#include <kvcore/random.h>

#include <string.h>
#include <unistd.h>

#define MOST 256 /* bytes that getentropy() gives at once */

kvcore_status kvcore_random_fill(void *bytes, size_t size_bytes) {
    unsigned char *next = bytes;
    if (bytes == NULL && size_bytes != 0) return KVCORE_EINVAL;
    while (size_bytes > 0) {
        size_t piece = size_bytes < MOST ? size_bytes : MOST;
        if (getentropy(next, piece) != 0) return KVCORE_EIO;
        next += piece;
        size_bytes -= piece;
    }
    return KVCORE_OK;
}

void kvcore_wipe(void *bytes, size_t size_bytes) {
    if (bytes != NULL) explicit_bzero(bytes, size_bytes);
}

/* Listings and error documents of a server: no text is longer than what was sent. */
#include <stdlib.h>

#include "fuzz.h"
#include "s3.h"

static bool visit(void *ctx, const char *key, size_t key_bytes, uint64_t size_bytes, uint64_t modified_s) {
    size_t *left = ctx;
    volatile char sum = 0;
    (void)size_bytes;
    (void)modified_s;
    if (key_bytes > *left) abort();
    for (size_t i = 0; i < key_bytes; i++) sum = (char)(sum + key[i]);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char token[2048], code[64];
    (void)kvstore_s3__parse_list((const char *)data, size, visit, &size, token, sizeof token);
    kvstore_s3__parse_error((const char *)data, size, code, sizeof code);
    return 0;
}

/* Keys of objects: what is accepted is what is written for its parts, and has no segment that a server could misread. The first
 * byte is the length of the prefix. */
#include <stdlib.h>
#include <string.h>

#include <kvstore/name.h>

#include "fuzz.h"

static void expect_same(kvcore_status status, const char *text, size_t length, const uint8_t *data, size_t size) {
    if (status != KVCORE_OK || length != size || memcmp(text, data, size) != 0) abort();
}

static void look_for_tricks(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') abort();
        if (text[i] == '/' && (i == 0 || i + 1 == length || text[i + 1] == '/')) abort();
        if (text[i] == '.' && i + 1 < length && text[i + 1] == '.') abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvstore_identity identity;
    kvhash_plh name;
    kvcore_hash256 hash;
    kvcore_error error;
    int32_t rank;
    char text[KVSTORE_KEY_BYTES];
    size_t length = 0;
    if (size == 0) return 0;
    size_t front = data[0] < size ? data[0] : 0;
    data++, size--;
    kvcore_bytes prefix = {data, front < size ? front : 0}, key = {data, size};
    bool sound = kvstore_prefix_check(prefix, &error) == KVCORE_OK;
    if (sound && kvstore_block_key_parse(prefix, key, &identity, &name)) {
        kvcore_status status = kvstore_block_key(prefix, &identity, name, text, sizeof text, &length);
        expect_same(status, text, length, data, size);
        if (kvstore_identity_check(&identity, &error) != KVCORE_OK) abort();
        look_for_tricks(text, length);
    }
    if (kvstore_dynamo_key_parse(key, &rank, &name)) {
        kvcore_status status = kvstore_dynamo_key(rank, name, text, sizeof text, &length);
        expect_same(status, text, length, data, size);
    }
    (void)kvstore_wombat_key_parse(key, &hash);
    if (size > 0 && kvstore_tenant_text_check(key, &error) == KVCORE_OK) {
        identity = (kvstore_identity){.tenant = key, .ranks = 1};
        if (kvstore_space_key((kvcore_bytes){NULL, 0}, &identity, text, sizeof text, &length) != KVCORE_OK) abort();
        look_for_tricks(text, length);
    }
    return 0;
}

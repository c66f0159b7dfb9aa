/* A stranger's program over core and hash, as C and (names.cpp) as C++: the names of three blocks, as dynamo-tokens 1.5.0
 * gave them. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <kvcore/text.h>
#include <kvcore/version.h>
#include <kvhash/plh.h>

static int is_named(kvhash_plh name, const char *expected) {
    uint8_t bytes[KVHASH_PLH_BYTES];
    char hex[2 * KVHASH_PLH_BYTES + 1] = {0}, text[KVHASH_PLH_TEXT_BYTES];
    kvhash_plh_encode(name, bytes);
    kvcore_hex_encode(bytes, sizeof bytes, hex);
    kvhash_plh_format(name, text);
    printf("%s  %s\n", hex, text);
    return strcmp(hex, expected) == 0;
}

int main(void) {
    kvhash_plh first = kvhash_plh_root(UINT64_C(13353222901210191715)), second, third;
    if (kvhash_plh_extend(first, UINT64_C(3899889066266781243), &second) != KVCORE_OK) return 1;
    if (kvhash_plh_extend(second, UINT64_C(12623394767231685507), &third) != KVCORE_OK) return 1;
    if (kvhash_plh_sequence_hash(third) != UINT64_C(7163020707176668647)) return 1;
    if (!is_named(second, "007135c1edb57046f4d02d7af13e9763")) return 1;
    if (!is_named(third, "0098da0a5870821779d707b6d5c11bd3")) return 1;
    printf("kvstrata %s\n", kvcore_version_text());
    return kvcore_version_number() == KVCORE_VERSION_NUMBER ? 0 : 1;
}

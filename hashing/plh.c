#include <kvhash/plh.h>

#include <stdio.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvcore/text.h>

#include "chain.h"
#include "plh_pack.h"

/* What callers inline is compiled here once, to be exported. */
extern inline unsigned kvhash_plh_fragment_bits(uint64_t child_position);
extern inline unsigned kvhash_plh_mode(kvhash_plh name);
extern inline bool kvhash_plh_valid(kvhash_plh name);
extern inline uint32_t kvhash_plh_position(kvhash_plh name);
extern inline uint64_t kvhash_plh_sequence_hash(kvhash_plh name);
extern inline uint64_t kvhash_plh_parent_fragment(kvhash_plh name);
extern inline uint64_t kvhash_plh_fragment_for_child(kvhash_plh name, uint64_t child_position);
extern inline bool kvhash_plh_equal(kvhash_plh a, kvhash_plh b);

int kvhash_plh_compare(kvhash_plh a, kvhash_plh b) {
    uint32_t pa = kvhash_plh_position(a), pb = kvhash_plh_position(b);
    if (pa != pb) return pa < pb ? -1 : 1;
    uint64_t sa = kvhash_plh_sequence_hash(a), sb = kvhash_plh_sequence_hash(b);
    if (sa != sb) return sa < sb ? -1 : 1;
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

kvcore_status kvhash_plh_make(uint64_t sequence_hash, uint64_t parent_sequence_hash, uint64_t position,
                              kvhash_plh *name) {
    if (name == NULL) return KVCORE_EINVAL;
    if (position > KVHASH_PLH_MAX_POSITION) return KVHASH_EPOSITION;
    *name = plh_pack(sequence_hash, parent_sequence_hash, (uint32_t)position);
    return KVCORE_OK;
}

kvhash_plh kvhash_plh_root(uint64_t block_hash) { return plh_pack(block_hash, 0, 0); }

kvcore_status kvhash_plh_extend(kvhash_plh parent, uint64_t block_hash, kvhash_plh *name) {
    if (name == NULL) return KVCORE_EINVAL;
    if (!kvhash_plh_valid(parent)) return KVHASH_EMODE;
    uint64_t hash = kvhash_plh_sequence_hash(parent);
    return kvhash_plh_make(chain_next(hash, block_hash), hash, (uint64_t)kvhash_plh_position(parent) + 1, name);
}

void kvhash_plh_encode(kvhash_plh name, uint8_t bytes[KVHASH_PLH_BYTES]) {
    if (bytes == NULL) return;
    kvcore_store_be64(bytes, name.high);
    kvcore_store_be64(bytes + 8, name.low);
}

kvcore_status kvhash_plh_decode(const uint8_t bytes[KVHASH_PLH_BYTES], kvhash_plh *name) {
    if (bytes == NULL || name == NULL) return KVCORE_EINVAL;
    kvhash_plh read = {kvcore_load_be64(bytes), kvcore_load_be64(bytes + 8)};
    if (!kvhash_plh_valid(read)) return KVHASH_EMODE;
    *name = read;
    return KVCORE_OK;
}

/* ':' and base58 of the 8 big-endian bytes; 11 characters at most, as 58^11 > 2^64. */
static size_t append_base58(char *text, uint64_t value) {
    uint8_t bytes[8];
    kvcore_store_be64(bytes, value);
    size_t length = 0;
    text[0] = ':';
    kvcore_status status = kvcore_base58_encode(bytes, sizeof bytes, text + 1, 11, &length);
    return status == KVCORE_OK ? length + 1 : 0;
}

size_t kvhash_plh_format(kvhash_plh name, char text[KVHASH_PLH_TEXT_BYTES]) {
    if (text == NULL) return 0;
    size_t length = (size_t)snprintf(text, KVHASH_PLH_TEXT_BYTES, "%u", (unsigned)kvhash_plh_position(name));
    length += append_base58(text + length, kvhash_plh_sequence_hash(name));
    if (kvhash_plh_position(name) != 0) length += append_base58(text + length, kvhash_plh_parent_fragment(name));
    text[length] = '\0';
    return length;
}

static kvcore_status read_base58(const char *from, const char *to, uint64_t *value) {
    uint8_t bytes[8];
    kvcore_status status = kvcore_base58_decode(from, (size_t)(to - from), bytes, sizeof bytes);
    if (status == KVCORE_OK) *value = kvcore_load_be64(bytes);
    return status;
}

kvcore_status kvhash_plh_parse(const char *text, size_t length, kvhash_plh *name) {
    if (text == NULL || name == NULL) return KVCORE_EINVAL;
    const char *end = text + length;
    const char *colon = memchr(text, ':', length);
    if (colon == NULL || colon == text || colon - text > 8) return KVCORE_EFORMAT;
    if (text[0] == '0' && colon - text > 1) return KVCORE_EFORMAT;
    uint64_t position = 0;
    for (const char *at = text; at < colon; at++) {
        if (*at < '0' || *at > '9') return KVCORE_EFORMAT;
        position = 10 * position + (uint64_t)(*at - '0');
    }
    const char *current = colon + 1;
    const char *second = memchr(current, ':', (size_t)(end - current));
    if ((second != NULL) != (position != 0)) return KVCORE_EFORMAT;
    uint64_t sequence_hash, fragment = 0;
    kvcore_status status = read_base58(current, second ? second : end, &sequence_hash);
    if (status == KVCORE_OK && second != NULL) status = read_base58(second + 1, end, &fragment);
    if (status != KVCORE_OK) return status;
    if (fragment >> kvhash_plh_fragment_bits(position) != 0) return KVCORE_EFORMAT;
    return kvhash_plh_make(sequence_hash, fragment, position, name);
}

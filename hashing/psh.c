#include <kvhash/psh.h>

#include <inttypes.h>
#include <stdio.h>

#include <kvcore/bytes.h>

#include "psh_pack.h"

/* What callers inline is compiled here once, to be exported. */
extern inline unsigned kvhash_psh_mode(kvhash_psh psh);
extern inline unsigned kvhash_psh_position_bits(unsigned mode);
extern inline uint32_t kvhash_psh_position(kvhash_psh psh);
extern inline uint64_t kvhash_psh_sequence_hash(kvhash_psh psh);
extern inline uint64_t kvhash_psh_block_hash(kvhash_psh psh);
extern inline bool kvhash_psh_equal(kvhash_psh a, kvhash_psh b);

kvcore_status kvhash_psh_make(uint64_t sequence_hash, uint64_t position, uint64_t block_hash, kvhash_psh *psh) {
    if (psh == NULL) return KVCORE_EINVAL;
    if (position > KVHASH_PSH_MAX_POSITION) return KVHASH_EPOSITION;
    *psh = psh_pack(sequence_hash, (uint32_t)position, block_hash);
    return KVCORE_OK;
}

void kvhash_psh_encode(kvhash_psh psh, uint8_t bytes[KVHASH_PSH_BYTES]) {
    if (bytes == NULL) return;
    kvcore_store_be64(bytes, psh.high);
    kvcore_store_be64(bytes + 8, psh.low);
}

kvhash_psh kvhash_psh_decode(const uint8_t bytes[KVHASH_PSH_BYTES]) {
    if (bytes == NULL) return (kvhash_psh){0, 0};
    return (kvhash_psh){kvcore_load_be64(bytes), kvcore_load_be64(bytes + 8)};
}

size_t kvhash_psh_format(kvhash_psh psh, char text[KVHASH_PSH_TEXT_BYTES]) {
    if (text == NULL) return 0;
    return (size_t)snprintf(text, KVHASH_PSH_TEXT_BYTES,
                            "PositionalSequenceHash { sequence_hash: %" PRIu64 ", local_block_hash: %" PRIu64
                            ", position: %" PRIu32 " }",
                            kvhash_psh_sequence_hash(psh), kvhash_psh_block_hash(psh), kvhash_psh_position(psh));
}

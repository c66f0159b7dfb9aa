#include <kvanswers/request.h>

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

kvcore_status kvanswers_names(const uint64_t *ids, size_t count, uint64_t *names) {
    if (count != 0 && (ids == NULL || names == NULL)) return KVCORE_EINVAL;
    uint64_t parent = UINT64_C(0x243F6A8885A308D3); /* any number: what a chain begins with */
    for (size_t i = 0; i < count; i++) {
        parent = mix(mix(parent + UINT64_C(0x9E3779B97F4A7C15)) ^ mix(ids[i] + UINT64_C(0xD1B54A32D192ED03)));
        names[i] = parent;
    }
    return KVCORE_OK;
}

size_t kvanswers_group_names(const uint64_t *names, size_t full_blocks, size_t blocks, uint64_t *groups) {
    if (blocks == 0 || names == NULL || groups == NULL) return 0;
    size_t count = full_blocks / blocks;
    for (size_t i = 0; i < count; i++) groups[i] = names[(i + 1) * blocks - 1];
    return count;
}

size_t kvanswers_full_blocks(uint64_t input_tokens, uint32_t block_tokens, size_t count) {
    uint64_t full = block_tokens == 0 ? 0 : input_tokens / block_tokens;
    return full < count ? (size_t)full : count;
}

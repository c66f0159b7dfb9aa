#include <kvwombat/block_key.h>

int kvwombat_block_key_compare(const kvwombat_block_key *a, const kvwombat_block_key *b) {
    if (a == NULL || b == NULL) return (a != NULL) - (b != NULL);
    int order = kvcore_bytes_compare(a->tenant_id, b->tenant_id);
    if (order == 0) order = kvcore_hash256_compare(&a->fingerprint, &b->fingerprint);
    if (order == 0) order = kvcore_hash256_compare(&a->prefix_hash, &b->prefix_hash);
    return order != 0 ? order : (a->block_index > b->block_index) - (a->block_index < b->block_index);
}

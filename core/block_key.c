#include <kvcore/block_key.h>

/* What callers inline is compiled here once, to be exported. */
extern inline int kvcore_hash256_compare(const kvcore_hash256 *a, const kvcore_hash256 *b);
extern inline kvcore_bytes kvcore_text(const char *text);

int kvcore_bytes_compare(kvcore_bytes a, kvcore_bytes b) {
    size_t common = a.size_bytes < b.size_bytes ? a.size_bytes : b.size_bytes;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size_bytes > b.size_bytes) - (a.size_bytes < b.size_bytes);
}

int kvcore_block_key_compare(const kvcore_block_key *a, const kvcore_block_key *b) {
    if (a == NULL || b == NULL) return (a != NULL) - (b != NULL);
    int order = kvcore_bytes_compare(a->tenant_id, b->tenant_id);
    if (order == 0) order = kvcore_hash256_compare(&a->fingerprint, &b->fingerprint);
    if (order == 0) order = kvcore_hash256_compare(&a->prefix_hash, &b->prefix_hash);
    return order != 0 ? order : (a->block_index > b->block_index) - (a->block_index < b->block_index);
}

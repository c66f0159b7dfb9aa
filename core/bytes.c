#include <kvcore/bytes.h>

#include <kvcore/hash256.h>

/* What callers inline is compiled here once, to be exported. */
extern inline int kvcore_hash256_compare(const kvcore_hash256 *a, const kvcore_hash256 *b);
extern inline kvcore_bytes kvcore_text(const char *text);

int kvcore_bytes_compare(kvcore_bytes a, kvcore_bytes b) {
    size_t common = a.size_bytes < b.size_bytes ? a.size_bytes : b.size_bytes;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size_bytes > b.size_bytes) - (a.size_bytes < b.size_bytes);
}

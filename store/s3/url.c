/* URLs that are canonical before libcurl sees them: it signs the text as it stands. */
#include <stdio.h>
#include <string.h>

#include "s3.h"

static bool is_plain(char c, bool slash) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~' || (slash && c == '/');
}

void kvstore_s3__escape(const char *text, bool slash, char *to, size_t capacity) {
    static const char digits[] = "0123456789ABCDEF";
    size_t length = 0;
    for (; *text != '\0' && length + 4 <= capacity; text++) {
        if (is_plain(*text, slash)) {
            to[length++] = *text;
            continue;
        }
        to[length++] = '%';
        to[length++] = digits[(unsigned char)*text >> 4];
        to[length++] = digits[*text & 15];
    }
    to[length] = '\0';
}

bool kvstore_s3__write_url(const kvs3 *self, const char *key, const char *query, char *url, size_t capacity) {
    char path[3 * KVSTORE_KEY_BYTES + 16] = "", whole[KVSTORE_KEY_BYTES + KVSTORE_PREFIX_MAX_BYTES + 16];
    if (key != NULL) {
        int length = snprintf(whole, sizeof whole, "%s%s%s", self->prefix, self->prefix[0] != '\0' ? "/" : "", key);
        if (length < 0 || (size_t)length >= sizeof whole) return false;
        kvstore_s3__escape(whole, true, path, sizeof path);
    }
    int length = snprintf(url, capacity, "%s/%s%s%s%s%s", self->base, self->virtual_host ? "" : self->bucket,
                          self->virtual_host || key == NULL ? "" : "/", path, query != NULL ? "?" : "",
                          query != NULL ? query : "");
    return length > 0 && (size_t)length < capacity;
}

#include <kvcore/text.h>

#include <string.h>

void kvcore_hex_encode(const void *bytes, size_t size_bytes, char *text) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < size_bytes; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
}

/* 0 to 15, or -1. */
static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

kvcore_status kvcore_hex_decode(const char *text, size_t length, void *bytes) {
    if (length > 0 && (text == NULL || bytes == NULL)) return KVCORE_EINVAL;
    if (length % 2 != 0) return KVCORE_EFORMAT;
    for (size_t i = 0; i < length; i++)
        if (hex_value(text[i]) < 0) return KVCORE_EFORMAT;
    unsigned char *to = bytes;
    for (size_t i = 0; i < length; i += 2)
        to[i / 2] = (unsigned char)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    return KVCORE_OK;
}

static const char base58_alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

kvcore_status kvcore_base58_encode(const void *bytes, size_t size_bytes, char *text, size_t capacity, size_t *length) {
    if (length == NULL || (bytes == NULL && size_bytes > 0) || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    if (size_bytes > KVCORE_BASE58_MAX_BYTES) return KVCORE_EOVERFLOW;
    const unsigned char *from = bytes;
    size_t zeros = 0;
    while (zeros < size_bytes && from[zeros] == 0) zeros++;

    /* digits, least significant first */
    unsigned char digits[KVCORE_BASE58_MAX_CHARACTERS];
    size_t count = 0;
    for (size_t i = zeros; i < size_bytes; i++) {
        unsigned carry = from[i];
        for (size_t j = 0; j < count; j++) {
            carry += (unsigned)digits[j] << 8;
            digits[j] = (unsigned char)(carry % 58);
            carry /= 58;
        }
        for (; carry > 0; carry /= 58) digits[count++] = (unsigned char)(carry % 58);
    }
    *length = zeros + count;
    if (*length > capacity) return KVCORE_EBUFFER;
    if (zeros > 0) memset(text, '1', zeros);
    for (size_t i = 0; i < count; i++) text[zeros + i] = base58_alphabet[digits[count - 1 - i]];
    return KVCORE_OK;
}

kvcore_status kvcore_base58_decode(const char *text, size_t length, void *bytes, size_t size_bytes) {
    if ((text == NULL && length > 0) || (bytes == NULL && size_bytes > 0)) return KVCORE_EINVAL;
    if (size_bytes > KVCORE_BASE58_MAX_BYTES) return KVCORE_EOVERFLOW;
    size_t zeros = 0;
    while (zeros < length && text[zeros] == '1') zeros++;
    if (zeros > size_bytes) return KVCORE_EFORMAT;

    /* the number, big-endian at the end of `value`; `first` is its most significant byte */
    unsigned char value[KVCORE_BASE58_MAX_BYTES] = {0};
    size_t first = size_bytes;
    for (size_t i = zeros; i < length; i++) {
        const char *at = text[i] == '\0' ? NULL : strchr(base58_alphabet, text[i]);
        if (at == NULL) return KVCORE_EFORMAT;
        unsigned carry = (unsigned)(at - base58_alphabet);
        for (size_t j = size_bytes; j-- > first;) {
            carry += value[j] * 58u;
            value[j] = (unsigned char)carry;
            carry >>= 8;
        }
        for (; carry > 0; carry >>= 8) {
            if (first == 0) return KVCORE_EFORMAT;
            value[--first] = (unsigned char)carry;
        }
    }
    if (first != zeros) return KVCORE_EFORMAT;
    if (size_bytes > 0) memcpy(bytes, value, size_bytes);
    return KVCORE_OK;
}

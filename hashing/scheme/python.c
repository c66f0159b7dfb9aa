/* CPython's hash: what LMCache's builtin names are made of. */
#include <kvhash/scheme.h>

#include "text.h"

#define PYTHON_PRIME ((UINT64_C(1) << 61) - 1)

static int64_t not_minus_one(uint64_t hash) { return hash == UINT64_MAX ? -2 : (int64_t)hash; }

int64_t kvhash_python_hash_integer(bool negative, uint64_t amount) {
    uint64_t rest = amount % PYTHON_PRIME;
    return not_minus_one(negative ? 0 - rest : rest);
}

/* 10 * rest + digit, mod 2^61 - 1, for rest below that. */
static uint64_t next_rest(uint64_t rest, unsigned digit) {
    rest = (2 * rest) % PYTHON_PRIME;
    return ((4 * rest) % PYTHON_PRIME + rest + digit) % PYTHON_PRIME;
}

kvcore_status kvhash_python_hash_decimal(kvcore_bytes text, int64_t *hash) {
    const char *at = text.data;
    uint64_t rest = 0;
    if (at == NULL || hash == NULL) return KVCORE_EINVAL;
    size_t first = text.size_bytes != 0 && at[0] == '-';
    if (first == text.size_bytes) return KVCORE_EFORMAT;
    for (size_t i = first; i < text.size_bytes; i++) {
        if (at[i] < '0' || at[i] > '9') return KVCORE_EFORMAT;
        rest = next_rest(rest, (unsigned)(at[i] - '0'));
    }
    *hash = kvhash_python_hash_integer(first != 0, rest);
    return KVCORE_OK;
}

static uint64_t rotate(uint64_t value, unsigned bits) { return value << bits | value >> (64 - bits); }

#define TUPLE_START UINT64_C(2870177450012600261)

uint64_t kvhash__python_tuple_add(uint64_t sum, int64_t hash) {
    return rotate(sum + (uint64_t)hash * UINT64_C(14029467366897019727), 31) * UINT64_C(11400714785074694791);
}

int64_t kvhash__python_tuple_end(uint64_t sum, size_t count) {
    sum += count ^ (TUPLE_START ^ UINT64_C(3527539));
    return sum == UINT64_MAX ? INT64_C(1546275796) : (int64_t)sum;
}

int64_t kvhash_python_hash_tuple(const int64_t *hashes, size_t count) {
    uint64_t sum = TUPLE_START;
    if (hashes == NULL) count = 0;
    for (size_t i = 0; i < count; i++) sum = kvhash__python_tuple_add(sum, hashes[i]);
    return kvhash__python_tuple_end(sum, count);
}

/* --- texts: SipHash-1-3 ----------------------------------------------------------------------------------------------- */

typedef struct siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t word;
    uint64_t size;
} siphash;

static void sip_round(siphash *sip) {
    sip->v0 += sip->v1;
    sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotate(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotate(sip->v2, 32);
}

static void sip_word(siphash *sip, uint64_t word) {
    sip->v3 ^= word;
    sip_round(sip);
    sip->v0 ^= word;
}

static void sip_byte(siphash *sip, uint8_t byte) {
    sip->word |= (uint64_t)byte << (8 * (sip->size % 8));
    if (++sip->size % 8 != 0) return;
    sip_word(sip, sip->word);
    sip->word = 0;
}

static uint64_t sip_end(siphash *sip) {
    sip_word(sip, sip->word | sip->size << 56);
    sip->v2 ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(sip);
    return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

static siphash sip_begin(uint64_t k0, uint64_t k1) {
    return (siphash){.v0 = k0 ^ UINT64_C(0x736f6d6570736575),
                     .v1 = k1 ^ UINT64_C(0x646f72616e646f6d),
                     .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
                     .v3 = k1 ^ UINT64_C(0x7465646279746573)};
}

/* The number that PYTHONHASHSEED says. */
static bool read_seed(kvcore_bytes seed, uint32_t *number) {
    uint64_t value = 0;
    if (seed.size_bytes == 0) return false;
    for (size_t i = 0; i < seed.size_bytes; i++) {
        uint8_t digit = (uint8_t)(((const uint8_t *)seed.data)[i] - '0');
        if (digit > 9) return false;
        value = 10 * value + digit;
        if (value > UINT32_MAX) return false;
    }
    *number = (uint32_t)value;
    return true;
}

static void make_key(uint32_t number, uint8_t key[16]) {
    uint32_t x = number;
    for (int i = 0; i < 16; i++) {
        x = x * 214013 + 2531011;
        key[i] = number == 0 ? 0 : (uint8_t)(x >> 16);
    }
}

kvcore_status kvhash_python_hash_text(kvcore_bytes text, kvcore_bytes seed, int64_t *hash) {
    uint32_t number = 0, largest = 0, character;
    uint8_t key[16];
    if (hash == NULL || (text.data == NULL && text.size_bytes != 0)) return KVCORE_EINVAL;
    if (!kvhash__is_utf8(text)) return KVCORE_EFORMAT;
    if (seed.data == NULL || !read_seed(seed, &number)) return KVCORE_ENOTSUP;
    *hash = 0;
    if (text.size_bytes == 0) return KVCORE_OK;
    const uint8_t *end = (const uint8_t *)text.data + text.size_bytes;
    for (const uint8_t *at = text.data; at < end;) {
        at = utf8_next(at, &character);
        if (character > largest) largest = character;
    }
    unsigned unit = largest <= 0xff ? 1 : largest <= 0xffff ? 2 : 4;
    make_key(number, key);
    siphash sip = sip_begin(kvcore_load_le64(key), kvcore_load_le64(key + 8));
    for (const uint8_t *at = text.data; at < end;) {
        at = utf8_next(at, &character);
        for (unsigned i = 0; i < unit; i++) sip_byte(&sip, (uint8_t)(character >> (8 * i)));
    }
    *hash = not_minus_one(sip_end(&sip));
    return KVCORE_OK;
}

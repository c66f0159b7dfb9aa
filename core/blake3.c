#include <kvcore/digest.h>

#include <string.h>

#ifdef KVCORE_SYSTEM_BLAKE3
#include <blake3.h>
typedef blake3_hasher hasher_state;

static void begin(hasher_state *hasher) { blake3_hasher_init(hasher); }

static void add(hasher_state *hasher, kvcore_bytes piece) {
    blake3_hasher_update(hasher, piece.data, piece.size_bytes);
}

static kvcore_hash256 end(const hasher_state *hasher) {
    kvcore_hash256 hash;
    blake3_hasher_finalize(hasher, hash.bytes, sizeof hash.bytes);
    return hash;
}

#else

enum { MAX_DEPTH = 54 }; /* 2^64 bytes in chunks of 2^10 */

typedef struct hasher_state {
    uint32_t chunk[8];               /* chaining value of the chunk in work */
    uint64_t chunk_number;           /* chunks finished before it */
    uint8_t block[64];               /* its block in work; compressed only once something follows */
    unsigned block_bytes;            /* filled of it, 0 … 64 */
    unsigned blocks_before;          /* blocks of the chunk compressed already, 0 … 15 */
    uint32_t subtrees[MAX_DEPTH][8]; /* finished subtrees, largest first: one for each set bit of chunk_number */
    unsigned subtree_count;
} hasher_state;

enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8, BLOCKS_A_CHUNK = 16, BLOCK_BYTES = 64 };

static const uint32_t initial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/* Which message word goes where: round r + 1 takes the words of round r in this order. */
static const uint8_t permutation[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

static inline uint32_t rotate_right(uint32_t value, unsigned bits) { return value >> bits | value << (32 - bits); }

static inline void mix(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d, uint32_t x, uint32_t y) {
    s[a] += s[b] + x;
    s[d] = rotate_right(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate_right(s[b] ^ s[c], 12);
    s[a] += s[b] + y;
    s[d] = rotate_right(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate_right(s[b] ^ s[c], 7);
}

/* What one compression takes; the same for chunk blocks and for parents. */
typedef struct node {
    uint32_t chaining[8];
    uint32_t words[16];
    uint64_t counter;
    uint32_t block_bytes;
    uint32_t flags;
} node;

/* The first half of the output, which is all that chaining values and 32-byte hashes need. */
static void compress(const node *in, uint32_t flags, uint32_t out[8]) {
    uint32_t words[16], next[16], s[16];
    memcpy(words, in->words, sizeof words);
    memcpy(s, in->chaining, sizeof in->chaining);
    memcpy(s + 8, initial, 4 * sizeof *s);
    s[12] = (uint32_t)in->counter;
    s[13] = (uint32_t)(in->counter >> 32);
    s[14] = in->block_bytes;
    s[15] = in->flags | flags;
    for (int round = 0; round < 7; round++) {
        mix(s, 0, 4, 8, 12, words[0], words[1]);
        mix(s, 1, 5, 9, 13, words[2], words[3]);
        mix(s, 2, 6, 10, 14, words[4], words[5]);
        mix(s, 3, 7, 11, 15, words[6], words[7]);
        mix(s, 0, 5, 10, 15, words[8], words[9]);
        mix(s, 1, 6, 11, 12, words[10], words[11]);
        mix(s, 2, 7, 8, 13, words[12], words[13]);
        mix(s, 3, 4, 9, 14, words[14], words[15]);
        for (int i = 0; i < 16; i++) next[i] = words[permutation[i]];
        memcpy(words, next, sizeof words);
    }
    for (int i = 0; i < 8; i++) out[i] = s[i] ^ s[i + 8];
}

static node parent_of(const uint32_t left[8], const uint32_t right[8]) {
    node parent = {.block_bytes = BLOCK_BYTES, .flags = PARENT};
    memcpy(parent.chaining, initial, sizeof initial);
    memcpy(parent.words, left, 8 * sizeof *left);
    memcpy(parent.words + 8, right, 8 * sizeof *right);
    return parent;
}

/* The block in work; `last` of its chunk or not. */
static node chunk_block(const hasher_state *hasher, int last) {
    node block = {.counter = hasher->chunk_number, .block_bytes = hasher->block_bytes};
    memcpy(block.chaining, hasher->chunk, sizeof hasher->chunk);
    for (size_t i = 0; i < 16; i++) block.words[i] = kvcore_load_le32(hasher->block + 4 * i);
    block.flags = (hasher->blocks_before == 0 ? CHUNK_START : 0) | (last ? CHUNK_END : 0);
    return block;
}

static void begin(hasher_state *hasher) {
    memcpy(hasher->chunk, initial, sizeof initial);
    memset(hasher->block, 0, sizeof hasher->block);
    hasher->chunk_number = 0;
    hasher->block_bytes = hasher->blocks_before = hasher->subtree_count = 0;
}

/* A full chunk is done and more follows: its value joins every finished subtree of its own size. */
static void finish_chunk(hasher_state *hasher) {
    uint32_t value[8];
    node block = chunk_block(hasher, 1);
    compress(&block, 0, value);
    hasher->chunk_number++;
    for (uint64_t size = hasher->chunk_number; (size & 1) == 0; size >>= 1) {
        node parent = parent_of(hasher->subtrees[--hasher->subtree_count], value);
        compress(&parent, 0, value);
    }
    memcpy(hasher->subtrees[hasher->subtree_count++], value, sizeof value);
    memcpy(hasher->chunk, initial, sizeof initial);
    hasher->blocks_before = 0;
}

static void add(hasher_state *hasher, kvcore_bytes piece) {
    const uint8_t *from = piece.data;
    size_t size_bytes = piece.size_bytes;
    while (size_bytes > 0) {
        if (hasher->block_bytes == BLOCK_BYTES) {
            if (hasher->blocks_before == BLOCKS_A_CHUNK - 1) {
                finish_chunk(hasher);
            } else {
                node block = chunk_block(hasher, 0);
                compress(&block, 0, hasher->chunk);
                hasher->blocks_before++;
            }
            memset(hasher->block, 0, sizeof hasher->block);
            hasher->block_bytes = 0;
        }
        size_t take = BLOCK_BYTES - hasher->block_bytes;
        if (take > size_bytes) take = size_bytes;
        memcpy(hasher->block + hasher->block_bytes, from, take);
        hasher->block_bytes += (unsigned)take;
        from += take;
        size_bytes -= take;
    }
}

static kvcore_hash256 end(const hasher_state *hasher) {
    node last = chunk_block(hasher, 1);
    uint32_t value[8];
    for (unsigned i = hasher->subtree_count; i > 0; i--) {
        compress(&last, 0, value);
        last = parent_of(hasher->subtrees[i - 1], value);
    }
    compress(&last, ROOT, value);
    kvcore_hash256 hash;
    for (size_t i = 0; i < 8; i++) kvcore_store_le32(hash.bytes + 4 * i, value[i]);
    return hash;
}

#endif

/* The public struct is room for the state: aligned, and never smaller. */
_Static_assert(sizeof(hasher_state) <= sizeof(kvcore_blake3_hasher), "the public hasher holds the state");
_Static_assert(_Alignof(hasher_state) <= _Alignof(kvcore_blake3_hasher), "the public hasher aligns the state");

static hasher_state *state_of(kvcore_blake3_hasher *hasher) { return (hasher_state *)(void *)hasher->state; }

void kvcore_blake3_begin(kvcore_blake3_hasher *hasher) {
    if (hasher != NULL) begin(state_of(hasher));
}

void kvcore_blake3_add(kvcore_blake3_hasher *hasher, kvcore_bytes piece) {
    if (hasher != NULL && piece.data != NULL && piece.size_bytes > 0) add(state_of(hasher), piece);
}

kvcore_hash256 kvcore_blake3_end(const kvcore_blake3_hasher *hasher) {
    if (hasher == NULL) return (kvcore_hash256){{0}};
    return end((const hasher_state *)(const void *)hasher->state);
}

kvcore_hash256 kvcore_blake3(kvcore_bytes bytes) {
    hasher_state state;
    begin(&state);
    if (bytes.data != NULL && bytes.size_bytes > 0) add(&state, bytes);
    return end(&state);
}

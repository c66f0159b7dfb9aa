/* The naming loops, for the instruction set that the including file is compiled for. Private to hashing.
 *
 * The including file defines NAMING_KERNELS as the name of its naming_kernels. Everything else is static, so that no function
 * compiled for one CPU can stand in for another's. */
#include "chain.h"
#include "frames.h"
#include "naming.h"
#include "xxh3.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Longer inputs take their key material from a secret of 192 bytes that the seed generates; shorter ones from the seed. */
#define LONGEST_WITHOUT_SECRET 240

/* Slots are written out in pieces of this many bytes: 630 framed ones. */
#define PIECE_BYTES 8192

/* The hash of slots as they are hashed, for those that are not so in memory; `walk` NULL means plain slots. */
static __attribute__((noinline)) uint64_t hash_written(const uint32_t *tokens, uint64_t first, size_t count,
                                                       run_walk *walk, uint64_t seed, const uint8_t *secret) {
    uint8_t piece[PIECE_BYTES];
    size_t slot_bytes = walk != NULL ? FRAME_BYTES : PLAIN_BYTES, fit = PIECE_BYTES / slot_bytes;
    XXH3_state_t state;
    bool streamed = count > fit;
    if (streamed) XXH3_64bits_reset_withSecretandSeed(&state, secret, KVHASH_SECRET_BYTES, seed);
    for (size_t at = 0, length; at < count; at += length) {
        length = count - at < fit ? count - at : fit;
        if (walk != NULL)
            frames_write(piece, tokens + at, first + at, first + at + length, walk);
        else
            plain_write(piece, tokens + at, length);
        if (streamed) XXH3_64bits_update(&state, piece, length * slot_bytes);
    }
    if (streamed) return XXH3_64bits_digest(&state);
    return XXH3_64bits_withSecretandSeed(piece, count * slot_bytes, secret, KVHASH_SECRET_BYTES, seed);
}

static ALWAYS_INLINE uint64_t hash_plain(const uint32_t *tokens, size_t count, uint64_t seed, const uint8_t *secret) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return XXH3_64bits_withSecretandSeed(tokens, count * PLAIN_BYTES, secret, KVHASH_SECRET_BYTES, seed);
#else
    return hash_written(tokens, 0, count, NULL, seed, secret);
#endif
}

/* Block i of the job has this hash: take the step of the chain and store what is wanted. `bits` is how wide the parent fragment
 * of a PLH and the block hash of a PSH are at that position: up to 2^24 both have the same modes and widths. */
static ALWAYS_INLINE void store(const naming_job *job, size_t i, uint64_t block_hash, uint64_t *parent,
                                naming_output output, unsigned bits) {
    if (output == NAMING_BLOCK_HASHES) {
        ((uint64_t *)job->out)[i] = block_hash;
        return;
    }
    uint64_t position = job->first_block + i, before = *parent;
    uint64_t sequence_hash = position == 0 ? block_hash : chain_next(before, block_hash);
    *parent = sequence_hash;
    if (output == NAMING_SEQUENCE_HASHES) {
        ((uint64_t *)job->out)[i] = sequence_hash;
        return;
    }
    uint64_t mask = (UINT64_C(1) << bits) - 1, mode = (54 - bits) / 8;
    uint64_t place = mode << 62 | position << bits;
    kvhash_plh plh = {place | sequence_hash >> (64 - bits), sequence_hash << bits | (before & mask)};
    if (output == NAMING_BLOCKS) {
        kvhash_psh psh = {place | (block_hash & mask), sequence_hash};
        ((kvhash_block *)job->out)[i] = (kvhash_block){block_hash, sequence_hash, plh, psh};
        return;
    }
    ((kvhash_plh *)job->out)[i] = plh;
    if (output == NAMING_NAMES_AND_BLOCK_HASHES) job->block_hashes[i] = block_hash;
}

/* Blocks from … to−1, of one mode, which no run touches. */
static ALWAYS_INLINE void name_stretch(const naming_job *job, size_t from, size_t to, size_t block_tokens,
                                       const uint8_t *secret, uint64_t *parent, naming_output output, unsigned bits) {
    naming_job own = *job; /* out of reach of the stores */
    uint64_t chain = *parent;
    const uint32_t *tokens = own.tokens + from * block_tokens;
    for (size_t i = from; i < to; i++, tokens += block_tokens)
        store(&own, i, hash_plain(tokens, block_tokens, own.salt_hash, secret), &chain, output, bits);
    *parent = chain;
}

/* The same over all modes. Where the hash itself takes little, shifts by constants are worth a loop for each mode. */
static ALWAYS_INLINE void name_plain(const naming_job *job, size_t from, size_t to, size_t block_tokens,
                                     const uint8_t *secret, uint64_t *parent, naming_output output,
                                     bool loop_each_mode) {
    for (size_t i = from, end; i < to; i = end) {
        uint64_t position = job->first_block + i, past = position < 256 ? 256 : position < 65536 ? 65536 : UINT64_MAX;
        end = to - i < past - position ? to : i + (size_t)(past - position);
        unsigned bits = kvhash_plh_fragment_bits(position);
        if (!loop_each_mode)
            name_stretch(job, i, end, block_tokens, secret, parent, output, bits);
        else if (bits == 54)
            name_stretch(job, i, end, block_tokens, secret, parent, output, 54);
        else if (bits == 46)
            name_stretch(job, i, end, block_tokens, secret, parent, output, 46);
        else
            name_stretch(job, i, end, block_tokens, secret, parent, output, 38);
    }
}

/* The next block, from i, that the run the walk stands at touches; block_count if none. */
static inline size_t next_touched(const naming_job *job, size_t i) {
    if (job->runs == NULL || run_walk_done(job->runs)) return job->block_count;
    uint64_t offset = job->runs->current->offset;
    if (offset <= (job->first_block + i) * job->block_tokens) return i;
    uint64_t block = offset / job->block_tokens - job->first_block;
    return block < job->block_count ? (size_t)block : job->block_count;
}

static ALWAYS_INLINE void name_all(const naming_job *job, const uint8_t *secret, naming_output output) {
    const bool packed = output == NAMING_NAMES || output == NAMING_BLOCKS;
    uint64_t parent = job->parent;
    for (size_t i = 0; i < job->block_count;) {
        size_t touched = next_touched(job, i);
        switch (job->block_tokens) { /* a constant size folds the loops within the hash of the usual blocks */
        case 16: name_plain(job, i, touched, 16, secret, &parent, output, packed); break;
        case 32: name_plain(job, i, touched, 32, secret, &parent, output, packed); break;
        case 64: name_plain(job, i, touched, 64, secret, &parent, output, false); break;
        case 128: name_plain(job, i, touched, 128, secret, &parent, output, false); break;
        default: name_plain(job, i, touched, job->block_tokens, secret, &parent, output, false); break;
        }
        i = touched;
        if (i == job->block_count) break;
        const uint32_t *tokens = job->tokens + i * job->block_tokens;
        uint64_t first = (job->first_block + i) * job->block_tokens;
        store(job, i, hash_written(tokens, first, job->block_tokens, job->runs, job->salt_hash, secret), &parent,
              output, kvhash_plh_fragment_bits(job->first_block + i));
        i++;
    }
}

/* Flat: a call of XXH3 or of the chain step within the loops costs more than its code. */
static __attribute__((flatten)) void name(const naming_job *job) {
    XXH_ALIGN(64) uint8_t made[KVHASH_SECRET_BYTES];
    const uint8_t *secret = job->secret;
    if (secret == NULL) {
        size_t slot_bytes = job->runs != NULL ? FRAME_BYTES : PLAIN_BYTES;
        if (job->block_tokens > LONGEST_WITHOUT_SECRET / slot_bytes) XXH3_generateSecret_fromSeed(made, job->salt_hash);
        secret = made;
    }
    switch (job->output) {
    case NAMING_NAMES: name_all(job, secret, NAMING_NAMES); break;
    case NAMING_BLOCK_HASHES: name_all(job, secret, NAMING_BLOCK_HASHES); break;
    case NAMING_SEQUENCE_HASHES: name_all(job, secret, NAMING_SEQUENCE_HASHES); break;
    case NAMING_BLOCKS: name_all(job, secret, NAMING_BLOCKS); break;
    case NAMING_NAMES_AND_BLOCK_HASHES: name_all(job, secret, NAMING_NAMES_AND_BLOCK_HASHES); break;
    }
}

static uint64_t hash_bytes(const void *bytes, size_t size_bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size_bytes, seed);
}

static uint64_t hash_tokens(const uint32_t *tokens, size_t token_count, uint64_t seed) {
    XXH_ALIGN(64) uint8_t secret[KVHASH_SECRET_BYTES];
    if (token_count > LONGEST_WITHOUT_SECRET / PLAIN_BYTES) XXH3_generateSecret_fromSeed(secret, seed);
    return hash_plain(tokens, token_count, seed, secret);
}

static uint64_t hash_block(const uint32_t *tokens, size_t token_count, uint64_t seed, const uint8_t *secret) {
    if (token_count == 16) return hash_plain(tokens, 16, seed, secret);
    return hash_plain(tokens, token_count, seed, secret);
}

const naming_kernels NAMING_KERNELS = {name, hash_block, hash_bytes, hash_tokens};

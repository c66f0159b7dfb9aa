/* How safe is a name? This program forges one: it takes a block of 16 tokens that everybody knows (a public system prompt) and
 * finds 16 other valid tokens with the same name. It takes seconds. A proof (kvhash/proof.h) tells the two apart.
 *
 * Why it works: XXH3-64 of 64 bytes is, up to a bijection, a sum of four functions of 16 bytes each. So four lists of values,
 * one for each quarter of the block, are merged as in Wagner's generalised birthday problem (CRYPTO 2002): sums of two lists
 * that agree in their low bits, then pairs of those that give the wanted sum. Whoever knows the salt can do this. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvhash/hash.h>
#include <kvhash/proof.h>
#include <kvhash/request.h>

#define BLOCK 16
#define VOCABULARY 128000
#define LIST_BITS 22
#define LIST ((size_t)1 << LIST_BITS)
#define LOW(value) ((value) & (LIST - 1))

/* ---- the four functions ---- */

static const size_t key_at[4] = {0, 32, 48, 16}; /* where in the secret XXH3 takes the key of each quarter */

static uint64_t word(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

__extension__ typedef unsigned __int128 wide;

static uint64_t quarter_value(const uint8_t *secret, int quarter, const uint32_t *tokens) {
    const uint8_t *key = secret + key_at[quarter];
    uint64_t low = tokens[0] | (uint64_t)tokens[1] << 32, high = tokens[2] | (uint64_t)tokens[3] << 32;
    wide product = (wide)(low ^ word(key)) * (high ^ word(key + 8));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The four tokens of entry `i` of a list. */
static void quarter_tokens(int quarter, uint32_t i, uint32_t *tokens) {
    uint64_t x = (uint64_t)i << 2 | (uint64_t)quarter;
    for (int t = 0; t < 4; t++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        tokens[t] = (uint32_t)((x >> 33) % VOCABULARY);
    }
}

/* ---- lists ---- */

typedef struct entry {
    uint64_t value;
    uint32_t first, second; /* of which the value is made */
} entry;

static int by_low(const void *a, const void *b) {
    uint64_t left = LOW(((const entry *)a)->value), right = LOW(((const entry *)b)->value);
    return left < right ? -1 : left > right;
}

static int by_value(const void *a, const void *b) {
    uint64_t left = ((const entry *)a)->value, right = ((const entry *)b)->value;
    return left < right ? -1 : left > right;
}

static entry *make_list(const uint8_t *secret, int quarter) {
    entry *list = malloc(LIST * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < LIST; i++) {
        uint32_t tokens[4];
        quarter_tokens(quarter, i, tokens);
        list[i] = (entry){quarter_value(secret, quarter, tokens), i, 0};
    }
    if (list != NULL) qsort(list, LIST, sizeof *list, by_low);
    return list;
}

/* Sums a + b whose low bits are `low`, by value; at most 2 · LIST. */
static entry *merge(const entry *a, const entry *b, uint64_t low, size_t *count) {
    entry *sums = malloc(2 * LIST * sizeof *sums);
    *count = 0;
    if (sums == NULL) return NULL;
    size_t end = LIST; /* b's low bits fall while a's grow, and turn over once */
    for (int turn = 0; turn < 2; turn++) {
        end = LIST;
        for (size_t i = 0; i < LIST; i++) {
            uint64_t mine = LOW(a[i].value), wanted = LOW(low - mine);
            if ((mine > low) != (turn == 1)) continue;
            while (end > 0 && LOW(b[end - 1].value) > wanted) end--;
            for (size_t j = end; j > 0 && LOW(b[j - 1].value) == wanted && *count < 2 * LIST; j--)
                sums[(*count)++] = (entry){a[i].value + b[j - 1].value, a[i].first, b[j - 1].first};
        }
    }
    qsort(sums, *count, sizeof *sums, by_value);
    return sums;
}

/* A pair from the two lists with this sum. */
static int find_sum(const entry *left, size_t left_count, const entry *right, size_t right_count, uint64_t sum,
                    uint32_t found[4]) {
    for (int turn = 0; turn < 2; turn++) {
        size_t end = right_count;
        for (size_t i = 0; i < left_count; i++) {
            if ((left[i].value > sum) != (turn == 1)) continue;
            while (end > 0 && right[end - 1].value > sum - left[i].value) end--;
            if (end == 0 || right[end - 1].value != sum - left[i].value) continue;
            found[0] = left[i].first, found[1] = left[i].second;
            found[2] = right[end - 1].first, found[3] = right[end - 1].second;
            return 1;
        }
    }
    return 0;
}

/* Other tokens whose block hash is that of `honest`. Each value of `low` gives some four solutions. */
static int forge(const uint32_t *honest, uint64_t salt_hash, uint32_t *forged) {
    uint8_t secret[KVHASH_SECRET_BYTES];
    kvhash_secret(salt_hash, secret);
    uint64_t sum = 0;
    entry *lists[4];
    int done = 0, complete = 1;
    for (int q = 0; q < 4; q++) {
        sum += quarter_value(secret, q, honest + 4 * (size_t)q);
        lists[q] = make_list(secret, q);
        complete = complete && lists[q] != NULL;
    }
    for (uint64_t low = 0; complete && !done && low < 16; low++) {
        size_t left_count, right_count;
        uint32_t found[4];
        entry *left = merge(lists[0], lists[1], low, &left_count);
        entry *right = merge(lists[2], lists[3], LOW(sum - low), &right_count);
        done = left != NULL && right != NULL && find_sum(left, left_count, right, right_count, sum, found);
        for (int q = 0; done && q < 4; q++) quarter_tokens(q, found[q], forged + 4 * (size_t)q);
        free(left);
        free(right);
    }
    for (int q = 0; q < 4; q++) free(lists[q]);
    return done;
}

/* ---- what comes of it ---- */

static void print_tokens(const char *label, const uint32_t *tokens) {
    printf("%s", label);
    for (int i = 0; i < BLOCK; i++) printf(" %u", tokens[i]);
    printf("\n");
}

static int name_and_prove(const kvhash_prover *prover, const uint32_t *tokens, kvcore_bytes salt, kvhash_plh *name,
                          kvhash_proof *proof) {
    kvhash_request request = KVHASH_REQUEST_INIT;
    size_t count;
    request.tokens = tokens;
    request.token_count = request.block_tokens = BLOCK;
    request.salt = salt;
    return kvhash_request_names(&request, name, 1, &count, NULL) == KVCORE_OK &&
           kvhash_request_proofs(prover, &request, proof, 1, &count, NULL) == KVCORE_OK;
}

int main(void) {
    /* the first tokens of a prompt that every request of a service begins with */
    const uint32_t honest[BLOCK] = {9125, 2675, 527,  264, 11190, 18328, 13,  22559,
                                    8001, 323,  2019, 994, 499,   656,   539, 1440};
    const kvcore_bytes salt = kvcore_text("public-service");
    uint32_t forged[BLOCK];
    if (!forge(honest, kvhash_salt_hash(salt, kvcore_text(NULL)), forged)) {
        fprintf(stderr, "no second preimage found\n");
        return 1;
    }
    print_tokens("honest:", honest);
    print_tokens("forged:", forged);

    kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;
    kvhash_prover *prover = NULL;
    kvhash_plh names[2];
    kvhash_proof proofs[2];
    if (kvhash_prover_create(&config, &prover, NULL) != KVCORE_OK) return 1;
    int complete = name_and_prove(prover, honest, salt, &names[0], &proofs[0]) &&
                   name_and_prove(prover, forged, salt, &names[1], &proofs[1]);
    kvhash_prover_destroy(prover);
    if (!complete) return 1;
    printf("names:  %016llx%016llx and %016llx%016llx\n", (unsigned long long)names[0].high,
           (unsigned long long)names[0].low, (unsigned long long)names[1].high, (unsigned long long)names[1].low);
    printf("proofs: %s\n", kvhash_proof_equal(proofs[0], proofs[1]) ? "equal" : "different");
    return kvhash_plh_equal(names[0], names[1]) && memcmp(honest, forged, sizeof honest) != 0 &&
                   !kvhash_proof_equal(proofs[0], proofs[1])
               ? 0
               : 1;
}

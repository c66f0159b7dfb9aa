/* Proofs: do they say what kvhash/proof.h says, and do two different prefixes get different ones? */
#include "kvtest.h"

#include "forged.h"

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvhash/proof.h>

#define SECRET "0123456789abcdef0123456789ABCDEF"

static kvhash_prover *make_prover(uint32_t bits, const char *secret) {
    kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;
    config.bits = bits;
    if (secret != NULL) config.secret = kvcore_text(secret);
    kvhash_prover *prover = NULL;
    kvtest_assert_ok(kvhash_prover_create(&config, &prover, NULL));
    return prover;
}

/* ---- a twin that is slow and plain ---- */

/* Numbers modulo 2^127 − 1 by 32-bit digits and doubling; nothing of the library's arithmetic. */
typedef struct number {
    uint32_t digit[4];
} number;

static number sum_modulo(number a, number b) {
    uint64_t carry = 0;
    number sum;
    for (int i = 0; i < 4; i++) {
        carry += (uint64_t)a.digit[i] + b.digit[i];
        sum.digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    /* both are below 2^127, so nothing is carried out */
    uint64_t over = sum.digit[3] >> 31;
    sum.digit[3] &= 0x7FFFFFFF;
    for (int i = 0; i < 4; i++) {
        over += sum.digit[i];
        sum.digit[i] = (uint32_t)over;
        over >>= 32;
    }
    bool prime = sum.digit[0] == UINT32_MAX && sum.digit[1] == UINT32_MAX && sum.digit[2] == UINT32_MAX &&
                 sum.digit[3] == 0x7FFFFFFF;
    return prime ? (number){{0}} : sum;
}

static bool bit(number a, int i) { return a.digit[i / 32] >> (i % 32) & 1; }

static number product_modulo(number a, number b) {
    number product = {{0}};
    for (int i = 127; i >= 0; i--) {
        product = sum_modulo(product, product);
        if (bit(b, i)) product = sum_modulo(product, a);
    }
    return product;
}

/* The product of two 64-bit numbers modulo 2^128, added to *sum. */
static void add_product(number *sum, uint64_t a, uint64_t b) {
    uint32_t x[2] = {(uint32_t)a, (uint32_t)(a >> 32)}, y[2] = {(uint32_t)b, (uint32_t)(b >> 32)};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            uint64_t carry = (uint64_t)x[i] * y[j];
            for (int k = i + j; k < 4; k++) {
                carry = (carry & UINT32_MAX) + sum->digit[k] + ((carry >> 32) << 32);
                sum->digit[k] = (uint32_t)carry;
                carry >>= 32;
            }
        }
}

typedef struct twin_key {
    uint64_t nh[8];
    number point, mix[3]; /* of the high half, of the low half, plus */
} twin_key;

static uint64_t key_word(const char *secret, size_t index) {
    uint8_t input[40];
    kvcore_hash256 hash;
    memcpy(input, secret, 32);
    for (int i = 0; i < 8; i++) input[32 + i] = (uint8_t)(index / 4 >> 8 * i);
    kvtest_assert_ok(kvcore_sha256((kvcore_bytes){input, 40}, &hash));
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | hash.bytes[8 * (index % 4) + (size_t)i];
    return word;
}

static number number_of(uint64_t high, uint64_t low) {
    return (number){{(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
}

static twin_key twin_key_of(const char *secret, size_t lane) {
    twin_key key;
    size_t at = 16 * lane;
    for (int i = 0; i < 8; i++) key.nh[i] = key_word(secret, at++);
    uint64_t high = key_word(secret, at++) >> 4;
    key.point = number_of(high, key_word(secret, at++) >> 4);
    for (int i = 0; i < 3; i++) {
        high = key_word(secret, at++);
        key.mix[i] = number_of(high, key_word(secret, at++));
    }
    return key;
}

static void twin_step(const twin_key *key, number *value, number coefficient) {
    *value = sum_modulo(product_modulo(*value, key->point), coefficient);
}

static void twin_header(const twin_key *key, number *value, uint64_t size) {
    twin_step(key, value, number_of(UINT64_C(1) << 62, size));
}

static void twin_bytes(const twin_key *key, number *value, const uint8_t *bytes, size_t size_bytes) {
    for (size_t at = 0; at < size_bytes; at += 64) {
        uint64_t words[8] = {0};
        for (size_t i = 0; i < 64 && at + i < size_bytes; i++) words[i / 8] |= (uint64_t)bytes[at + i] << 8 * (i % 8);
        number sum = {{0}};
        for (int i = 0; i < 8; i += 2) add_product(&sum, words[i] + key->nh[i], words[i + 1] + key->nh[i + 1]);
        sum.digit[3] &= 0x3FFFFFFF;
        twin_step(key, value, sum);
    }
}

static uint64_t twin_finish(const twin_key *key, number value) {
    number sum = key->mix[2];
    for (int i = 0; i < 2; i++) { /* mix · 64 bits = its low half · 64 bits + its high half · 64 bits · 2^64 */
        uint64_t half =
            i == 0 ? value.digit[2] | (uint64_t)value.digit[3] << 32 : value.digit[0] | (uint64_t)value.digit[1] << 32;
        uint64_t low = key->mix[i].digit[0] | (uint64_t)key->mix[i].digit[1] << 32;
        uint64_t high = key->mix[i].digit[2] | (uint64_t)key->mix[i].digit[3] << 32;
        add_product(&sum, low, half);
        uint64_t top = (sum.digit[2] | (uint64_t)sum.digit[3] << 32) + high * half;
        sum.digit[2] = (uint32_t)top;
        sum.digit[3] = (uint32_t)(top >> 32);
    }
    return sum.digit[2] | (uint64_t)sum.digit[3] << 32;
}

static void twin_text(const twin_key *key, number *value, kvcore_bytes text) {
    twin_header(key, value, text.size_bytes);
    twin_bytes(key, value, text.data, text.size_bytes);
}

static bool touched(const kvhash_request *request, uint64_t first) {
    for (size_t i = 0; i < request->run_count; i++)
        if (request->runs[i].offset < first + request->block_tokens &&
            request->runs[i].offset + request->runs[i].length > first)
            return true;
    return false;
}

static void twin_proofs(const kvhash_request *request, const char *secret, size_t lane, uint64_t *proofs) {
    twin_key key = twin_key_of(secret, lane);
    number value = {{1}};
    twin_header(&key, &value, request->block_tokens);
    twin_text(&key, &value, request->lora_name);
    twin_text(&key, &value, request->salt);
    for (size_t block = 0; block < request->token_count / request->block_tokens; block++) {
        uint8_t bytes[13 * 256];
        size_t size_bytes, first = block * request->block_tokens;
        kvhash_slots slots = {request->tokens + first, request->block_tokens, first, request->runs, request->run_count};
        kvtest_assert_ok(kvhash_block_bytes(&slots, bytes, sizeof bytes, &size_bytes));
        if (touched(request, first)) twin_header(&key, &value, size_bytes);
        twin_bytes(&key, &value, bytes, size_bytes);
        proofs[block] = twin_finish(&key, value);
    }
}

/* ---- tests ---- */

enum { TOKENS = 700, RUNS = 5 };

typedef struct request_room {
    uint32_t tokens[TOKENS];
    kvhash_mm_run runs[RUNS];
    char salt[200], lora[200];
} request_room;

/* Runs in order. */
static kvhash_request any_request(kvtest_random *random, request_room *room) {
    static const uint32_t sizes[] = {1, 3, 4, 15, 16, 17, 32, 48, 64, 100, 256};
    kvhash_request request = KVHASH_REQUEST_INIT;
    for (size_t i = 0; i < TOKENS; i++) room->tokens[i] = (uint32_t)kvtest_next(random);
    for (size_t i = 0; i < sizeof room->salt; i++) {
        room->salt[i] = (char)kvtest_next(random);
        room->lora[i] = (char)kvtest_next(random);
    }
    request.tokens = room->tokens;
    request.token_count = kvtest_below(random, TOKENS);
    request.block_tokens = sizes[kvtest_below(random, sizeof sizes / sizeof *sizes)];
    if (kvtest_below(random, 2)) request.salt = (kvcore_bytes){room->salt, kvtest_below(random, sizeof room->salt)};
    if (kvtest_below(random, 2))
        request.lora_name = (kvcore_bytes){room->lora, kvtest_below(random, sizeof room->lora)};
    uint64_t offset = kvtest_below(random, 100);
    request.runs = room->runs;
    for (size_t i = 0; i < RUNS && kvtest_below(random, 3) != 0; i++) {
        uint64_t length = 1 + kvtest_below(random, 150);
        if (offset + length > request.token_count) break;
        room->runs[request.run_count++] = (kvhash_mm_run){kvtest_next(random), offset, length};
        offset += length + kvtest_below(random, 3) * kvtest_below(random, 100);
    }
    return request;
}

static void proofs_are_those_of_a_plain_twin(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(11);
    kvhash_prover *one = make_prover(64, SECRET), *two = make_prover(128, SECRET);
    for (int round = 0; round < 60; round++) {
        request_room room;
        static kvhash_proof narrow[TOKENS], wide[TOKENS];
        static uint64_t low[TOKENS], high[TOKENS];
        kvhash_request request = any_request(&random, &room);
        size_t count;
        kvtest_assert_ok(kvhash_request_proofs(one, &request, narrow, TOKENS, &count, NULL));
        kvtest_assert_ok(kvhash_request_proofs(two, &request, wide, TOKENS, &count, NULL));
        twin_proofs(&request, SECRET, 0, low);
        twin_proofs(&request, SECRET, 1, high);
        for (size_t i = 0; i < count; i++) {
            assert_true(narrow[i].low == low[i] && narrow[i].high == 0);
            assert_true(wide[i].low == low[i] && wide[i].high == high[i]);
        }
    }
    kvhash_prover_destroy(one);
    kvhash_prover_destroy(two);
}

static void a_sequence_that_grows_has_the_proofs_of_the_whole(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(12);
    for (int round = 0; round < 200; round++) {
        request_room room;
        static kvhash_proof whole[TOKENS], pieces[TOKENS];
        kvhash_prover *prover = make_prover(round % 2 ? 64 : 128, NULL);
        kvhash_request request = any_request(&random, &room);
        size_t count, done = 0;
        kvtest_assert_ok(kvhash_request_proofs(prover, &request, whole, TOKENS, &count, NULL));
        kvhash_proof_chain chain;
        kvtest_assert_ok(kvhash_proof_start(prover, request.salt, request.lora_name, request.block_tokens, &chain));
        while (done < count) {
            size_t blocks = 1 + kvtest_below(&random, count - done), first = done * request.block_tokens;
            kvhash_slots slots = {request.tokens + first, blocks * request.block_tokens, first, request.runs,
                                  request.run_count};
            kvtest_assert_ok(kvhash_proof_extend(prover, &chain, &slots, pieces + done));
            done += blocks;
        }
        for (size_t i = 0; i < count; i++) assert_true(kvhash_proof_equal(whole[i], pieces[i]));
        kvhash_prover_destroy(prover);
    }
}

/* All that isolates, and every token, moves the proof of its block and of all behind it, and of none before it. */
static void everything_counts(void **state) {
    (void)state;
    enum { BLOCKS = 8, SIZE = 16 };
    kvhash_prover *prover = make_prover(64, SECRET);
    uint32_t tokens[BLOCKS * SIZE];
    for (uint32_t i = 0; i < BLOCKS * SIZE; i++) tokens[i] = i;
    kvhash_proof honest[BLOCKS], other[BLOCKS];
    size_t count;
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = BLOCKS * SIZE;
    request.block_tokens = SIZE;
    kvtest_assert_ok(kvhash_request_proofs(prover, &request, honest, BLOCKS, &count, NULL));
    for (size_t i = 0; i < BLOCKS * SIZE; i++) {
        tokens[i] ^= UINT32_C(1) << i % 32;
        kvtest_assert_ok(kvhash_request_proofs(prover, &request, other, BLOCKS, &count, NULL));
        for (size_t j = 0; j < BLOCKS; j++) assert_int_equal(kvhash_proof_equal(honest[j], other[j]), j < i / SIZE);
        tokens[i] ^= UINT32_C(1) << i % 32;
    }
    const kvcore_bytes texts[] = {kvcore_text("a"), kvcore_text("ab"), kvcore_text("b")};
    kvhash_proof seen[32] = {honest[0]};
    size_t seen_count = 1;
    kvhash_mm_run run = {7, 3, 4};
    for (size_t i = 0; i < 16; i++) { /* salt × LoRA name × run */
        request.salt = i % 4 == 0 ? (kvcore_bytes){NULL, 0} : texts[i % 4 - 1];
        request.lora_name = i / 4 == 0 ? (kvcore_bytes){NULL, 0} : texts[i / 4 - 1];
        for (request.run_count = 0; request.run_count < 2; request.run_count++) {
            request.runs = &run;
            if (i == 0 && request.run_count == 0) continue;
            kvtest_assert_ok(kvhash_request_proofs(prover, &request, other, BLOCKS, &count, NULL));
            for (size_t j = 0; j < seen_count; j++) assert_false(kvhash_proof_equal(seen[j], other[0]));
            seen[seen_count++] = other[0];
        }
    }
    kvhash_prover_destroy(prover);
}

static void a_forged_block_has_the_name_and_not_the_proof(void **state) {
    (void)state;
    const uint32_t *tokens[2] = {honest_tokens, forged_tokens};
    for (uint32_t bits = 64; bits <= 128; bits += 64) {
        kvhash_prover *prover = make_prover(bits, NULL);
        kvhash_plh names[2];
        kvhash_proof proofs[2];
        for (size_t i = 0, count; i < 2; i++) {
            kvhash_request request = KVHASH_REQUEST_INIT;
            request.tokens = tokens[i];
            request.token_count = request.block_tokens = FORGED_TOKENS;
            request.salt = kvcore_text(FORGED_SALT);
            kvtest_assert_ok(kvhash_request_names(&request, &names[i], 1, &count, NULL));
            kvtest_assert_ok(kvhash_request_proofs(prover, &request, &proofs[i], 1, &count, NULL));
        }
        assert_true(kvhash_plh_equal(names[0], names[1]));
        assert_false(kvhash_proof_equal(proofs[0], proofs[1]));
        kvhash_prover_destroy(prover);
    }
}

static void secrets_differ_unless_given(void **state) {
    (void)state;
    kvhash_prover *provers[] = {make_prover(64, NULL), make_prover(64, NULL), make_prover(64, SECRET),
                                make_prover(64, SECRET)};
    const uint32_t tokens[16] = {0};
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = request.block_tokens = 16;
    kvhash_proof proofs[4];
    for (size_t i = 0, count; i < 4; i++) {
        kvtest_assert_ok(kvhash_request_proofs(provers[i], &request, &proofs[i], 1, &count, NULL));
        kvhash_prover_destroy(provers[i]);
    }
    assert_false(kvhash_proof_equal(proofs[0], proofs[1]));
    assert_false(kvhash_proof_equal(proofs[0], proofs[2]));
    assert_true(kvhash_proof_equal(proofs[2], proofs[3]));
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;
    kvhash_prover *prover = NULL;
    kvcore_error error;
    config.bits = 96;
    kvtest_assert_status(kvhash_prover_create(&config, &prover, &error), KVCORE_ECONFIG);
    assert_int_equal(error.actual, 96);
    config.bits = 64;
    config.secret = kvcore_text("short");
    kvtest_assert_status(kvhash_prover_create(&config, &prover, &error), KVCORE_ECONFIG);
    assert_true(error.expected == KVHASH_PROVER_SECRET_BYTES && error.actual == 5);
    assert_string_equal(error.text, "the secret has 5 bytes instead of 32");
    config.secret = (kvcore_bytes){NULL, 32};
    kvtest_assert_status(kvhash_prover_create(&config, &prover, &error), KVCORE_EINVAL);
    config = (kvhash_prover_config)KVHASH_PROVER_CONFIG_INIT;
    config.reserved = 1;
    kvtest_assert_status(kvhash_prover_create(&config, &prover, &error), KVCORE_EINVAL);
    assert_null(prover);

    prover = make_prover(64, NULL);
    kvhash_proof_chain chain, before;
    const kvcore_bytes none = {NULL, 0};
    kvtest_assert_status(kvhash_proof_start(prover, none, none, 0, &chain), KVHASH_EBLOCK_SIZE);
    kvtest_assert_ok(kvhash_proof_start(prover, none, none, 16, &chain));
    before = chain;
    const uint32_t tokens[20] = {0};
    kvhash_proof proof = {1, 2};
    kvhash_slots slots = {tokens, 20, 0, NULL, 0};
    kvtest_assert_status(kvhash_proof_extend(prover, &chain, &slots, &proof), KVCORE_EINVAL);
    const kvhash_mm_run runs[] = {{1, 4, 2}, {1, 5, 2}};
    slots = (kvhash_slots){tokens, 16, 0, runs, 2};
    kvtest_assert_status(kvhash_proof_extend(prover, &chain, &slots, &proof), KVHASH_EOVERLAP);
    chain.blocks = before.blocks = KVHASH_PLH_MAX_POSITION + 1;
    slots.run_count = 0;
    kvtest_assert_status(kvhash_proof_extend(prover, &chain, &slots, &proof), KVHASH_EPOSITION);
    assert_memory_equal(&chain, &before, sizeof chain);
    assert_true(proof.low == 1 && proof.high == 2);
    kvhash_prover_destroy(prover);
}

static kvcore_status make_and_drop(kvcore_allocator allocator) {
    kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;
    config.allocator = allocator;
    kvhash_prover *prover = NULL;
    kvcore_status status = kvhash_prover_create(&config, &prover, NULL);
    kvhash_prover_destroy(prover);
    return status;
}

static void memory_that_is_not_there_is_said(void **state) {
    (void)state;
    kvtest_fail_each_allocation(make_and_drop, 1);
}

/* ---- the public form ---- */

static void digests_are_the_chain_of_the_header(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(13);
    for (int round = 0; round < 40; round++) {
        request_room room;
        static kvcore_hash256 digests[TOKENS];
        static uint8_t text[1000 + 13 * 256];
        kvhash_request request = any_request(&random, &room);
        size_t count, size = 0;
        kvtest_assert_ok(kvhash_request_digests(&request, digests, TOKENS, &count, NULL));
        memcpy(text, "kvstrata digest 1", 18);
        kvcore_store_le32(text + 18, request.block_tokens);
        kvcore_store_le64(text + 22, request.lora_name.size_bytes);
        size = 30;
        if (request.lora_name.size_bytes != 0)
            memcpy(text + size, request.lora_name.data, request.lora_name.size_bytes);
        size += request.lora_name.size_bytes;
        kvcore_store_le64(text + size, request.salt.size_bytes);
        size += 8;
        if (request.salt.size_bytes != 0) memcpy(text + size, request.salt.data, request.salt.size_bytes);
        size += request.salt.size_bytes;
        kvcore_hash256 expected;
        kvtest_assert_ok(kvcore_sha256((kvcore_bytes){text, size}, &expected));
        for (size_t i = 0; i < count; i++) {
            size_t first = i * request.block_tokens, bytes;
            kvhash_slots slots = {request.tokens + first, request.block_tokens, first, request.runs, request.run_count};
            memcpy(text, expected.bytes, 32);
            text[32] = touched(&request, first);
            kvtest_assert_ok(kvhash_block_bytes(&slots, text + 33, sizeof text - 33, &bytes));
            kvtest_assert_ok(kvcore_sha256((kvcore_bytes){text, 33 + bytes}, &expected));
            assert_memory_equal(digests[i].bytes, expected.bytes, 32);
        }
    }
}

/* RFC 4231, cases 1 and 6: a key shorter and one longer than a block. */
static void tenant_salts_are_hmac_sha_256(void **state) {
    (void)state;
    char salt[KVHASH_TENANT_SALT_SIZE];
    uint8_t key[131];
    memset(key, 0x0B, 20);
    kvtest_assert_ok(kvhash_tenant_salt((kvcore_bytes){key, 20}, kvcore_text("Hi There"), salt, NULL));
    assert_string_equal(salt, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(key, 0xAA, sizeof key);
    kvtest_assert_ok(kvhash_tenant_salt((kvcore_bytes){key, sizeof key},
                                        kvcore_text("Test Using Larger Than Block-Size Key - Hash Key First"), salt,
                                        NULL));
    assert_string_equal(salt, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    kvcore_error error;
    kvtest_assert_status(kvhash_tenant_salt(kvcore_text("Jefe"), kvcore_text("x"), salt, &error), KVCORE_ECONFIG);
    assert_true(error.expected == 16 && error.actual == 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_are_those_of_a_plain_twin),
        cmocka_unit_test(a_sequence_that_grows_has_the_proofs_of_the_whole),
        cmocka_unit_test(everything_counts),
        cmocka_unit_test(a_forged_block_has_the_name_and_not_the_proof),
        cmocka_unit_test(secrets_differ_unless_given),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(memory_that_is_not_there_is_said),
        cmocka_unit_test(digests_are_the_chain_of_the_header),
        cmocka_unit_test(tenant_salts_are_hmac_sha_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

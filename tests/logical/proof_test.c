/* Verified match: what is served rests on the proof, not on the name. */
#include "kvtest.h"

#include "forged.h"

#include <kvhash/hash.h>
#include <kvhash/request.h>
#include <kvlogical/events.h>
#include <kvlogical/inspect.h>
#include <kvlogical/metrics.h>
#include <kvlogical/request.h>

static kvlogical_manager *make(size_t blocks, uint32_t eviction, uint32_t bits) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = blocks;
    config.eviction = eviction;
    config.proof_bits = bits;
    kvlogical_manager *manager = NULL;
    kvcore_error error;
    if (kvlogical_manager_create(&config, &manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
    return manager;
}

static void end(kvlogical_manager *manager) {
    kvcore_error error;
    if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static kvlogical_attributes with(const kvhash_proof *proofs, size_t count) {
    kvlogical_attributes attributes = KVLOGICAL_ATTRIBUTES_INIT;
    attributes.proofs = proofs;
    attributes.proof_count = count;
    return attributes;
}

/* Allocate, stage and register one block. */
static kvlogical_immutable put(kvlogical_manager *manager, kvhash_plh name, const kvhash_proof *proof) {
    kvlogical_mutable fresh;
    kvlogical_complete staged;
    kvlogical_immutable held;
    kvlogical_attributes attributes = with(proof, proof != NULL);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &fresh, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, &fresh, &name, 1, &staged));
    kvtest_assert_ok(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL));
    return held;
}

/* The block that a look-up finds; UINT32_MAX: a miss. Nothing stays held. */
static uint32_t get(kvlogical_manager *manager, kvhash_plh name, const kvhash_proof *proof) {
    kvlogical_immutable held;
    size_t hits;
    kvlogical_attributes attributes = with(proof, proof != NULL);
    kvtest_assert_ok(kvlogical_match_prefix_with(manager, &name, 1, &attributes, &held, &hits, NULL));
    if (hits == 0) return UINT32_MAX;
    uint32_t block = held.block;
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    return block;
}

/* ---- the attack ---- */

static kvlogical_request *open_request(kvlogical_manager *manager, const uint32_t *tokens, size_t count) {
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    kvlogical_request *request = NULL;
    config.tokens = tokens;
    config.token_count = count;
    config.salt = kvcore_text(FORGED_SALT);
    config.max_output_tokens = 4;
    kvtest_assert_ok(kvlogical_request_create(manager, &config, &request, NULL));
    return request;
}

/* The attacker comes first; how many blocks of his is the next user of the honest prompt served? */
static size_t blocks_served_after_forging(uint32_t bits) {
    uint32_t forged[FORGED_TOKENS + 1] = {0}, honest[FORGED_TOKENS + 1] = {0};
    memcpy(forged, forged_tokens, sizeof forged_tokens);
    memcpy(honest, honest_tokens, sizeof honest_tokens);
    kvlogical_manager *manager = make(8, KVLOGICAL_EVICT_LRU, bits);
    kvlogical_request *attacker = open_request(manager, forged, FORGED_TOKENS + 1);
    kvtest_assert_ok(kvlogical_request_allocate(attacker, 2));
    kvtest_assert_ok(kvlogical_request_register_computed(attacker, FORGED_TOKENS + 1, NULL));
    kvlogical_request *user = open_request(manager, honest, FORGED_TOKENS + 1);
    size_t served;
    kvtest_assert_ok(kvlogical_request_match_prefix(user, &served));
    /* the honest prompt becomes a life of its own, and is found from then on */
    if (served == 0) {
        kvtest_assert_ok(kvlogical_request_allocate(user, 2));
        kvtest_assert_ok(kvlogical_request_register_computed(user, FORGED_TOKENS + 1, NULL));
        kvlogical_request *next = open_request(manager, honest, FORGED_TOKENS + 1);
        size_t found;
        uint32_t own, shared;
        kvtest_assert_ok(kvlogical_request_match_prefix(next, &found));
        assert_int_equal(found, 1);
        kvtest_assert_ok(kvlogical_request_blocks(next, 0, &shared, 1, &found));
        kvtest_assert_status(kvlogical_request_blocks(user, 0, &own, 1, &found), KVCORE_EBUFFER);
        uint32_t both[2];
        kvtest_assert_ok(kvlogical_request_blocks(user, 0, both, 2, &found));
        assert_int_equal(shared, both[0]);
        assert_int_equal(kvlogical_manager_metrics(manager).second_lives, 1);
        assert_int_equal(kvlogical_manager_metrics(manager).proof_mismatches, 1);
        kvlogical_request_destroy(next);
    }
    kvlogical_request_destroy(user);
    kvlogical_request_destroy(attacker);
    end(manager);
    return served;
}

static void a_forged_prompt_is_served_without_proofs_and_refused_with_them(void **state) {
    (void)state;
    assert_int_equal(blocks_served_after_forging(KVLOGICAL_PROOFS_NONE), 1);
    assert_int_equal(blocks_served_after_forging(0), 0); /* the default */
    assert_int_equal(blocks_served_after_forging(64), 0);
    assert_int_equal(blocks_served_after_forging(128), 0);
}

static void adapters_whose_salt_hashes_meet_share_nothing(void **state) {
    (void)state;
    /* whatever the salt hash: here both requests are made to have the same one */
    kvlogical_manager *manager = make(8, KVLOGICAL_EVICT_LRU, 0);
    uint32_t tokens[33] = {0};
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = tokens;
    config.token_count = 33;
    config.salt = kvcore_text("client's choice");
    kvlogical_request *one, *other;
    size_t served;
    kvtest_assert_ok(kvlogical_request_create(manager, &config, &one, NULL));
    kvtest_assert_ok(kvlogical_request_allocate(one, 3));
    kvtest_assert_ok(kvlogical_request_register_computed(one, 33, NULL));
    config.salt_hash = kvhash_salt_hash(config.salt, config.lora_name);
    config.salt_hash_given = true;
    config.salt = (kvcore_bytes){NULL, 0};
    kvtest_assert_ok(kvlogical_request_create(manager, &config, &other, NULL));
    kvtest_assert_ok(kvlogical_request_match_prefix(other, &served));
    assert_int_equal(served, 0);
    kvlogical_request_destroy(one);
    kvlogical_request_destroy(other);
    end(manager);
}

/* ---- lives ---- */

static const uint32_t policies[] = {KVLOGICAL_EVICT_LRU,    KVLOGICAL_EVICT_MULTI_LRU,    KVLOGICAL_EVICT_LINEAGE_TICK,
                                    KVLOGICAL_EVICT_FIFO,   KVLOGICAL_EVICT_LINEAGE_FIFO, KVLOGICAL_EVICT_SIEVE,
                                    KVLOGICAL_EVICT_S3_FIFO};
enum { POLICIES = sizeof policies / sizeof *policies };

static void two_lives_of_a_name_live_apart(void **state) {
    (void)state;
    const kvhash_plh name = kvhash_plh_root(5);
    const kvhash_proof honest = {1, 2}, forged = {3, 2}, unknown = {1, 3};
    for (size_t i = 0; i < POLICIES; i++)
        for (uint32_t bits = 64; bits <= 128; bits += 64) {
            kvlogical_manager *manager = make(4, policies[i], bits);
            kvlogical_immutable bad = put(manager, name, &forged), good = put(manager, name, &honest);
            assert_int_not_equal(bad.block, good.block);
            assert_int_equal(get(manager, name, &forged), bad.block);
            assert_int_equal(get(manager, name, &honest), good.block);
            assert_int_equal(get(manager, name, &unknown), bits == 64 ? good.block : UINT32_MAX);
            assert_int_equal(kvlogical_manager_counts(manager).primary, 2);
            assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 1);
            kvlogical_explanation why;
            const kvhash_proof other = {9, 9};
            kvtest_assert_ok(kvlogical_explain_proven(manager, &name, &other, 1, &why));
            assert_int_equal(why.reason, KVLOGICAL_REASON_PROOF);
            kvtest_assert_ok(kvlogical_explain_proven(manager, &name, &honest, 1, &why));
            assert_int_equal(why.reason, KVLOGICAL_REASON_HELD);
            /* each goes by itself */
            kvtest_assert_ok(kvlogical_release(manager, &bad, 1));
            kvlogical_mutable fresh[3];
            kvtest_assert_ok(kvlogical_allocate(manager, 3, fresh, NULL));
            assert_int_equal(get(manager, name, &forged), UINT32_MAX);
            assert_int_equal(get(manager, name, &honest), good.block);
            kvtest_assert_ok(kvlogical_release(manager, &good, 1));
            kvtest_assert_ok(kvlogical_release_mutable(manager, fresh, 3));
            kvtest_assert_ok(kvlogical_reset_inactive(manager, NULL));
            assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 0);
            end(manager);
        }
}

static void a_block_without_a_proof_is_no_proven_one(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, KVLOGICAL_EVICT_LRU, 0);
    const kvhash_plh name = kvhash_plh_root(5);
    const kvhash_proof proof = {1, 0}, zero = {0, 0};
    kvlogical_immutable plain = put(manager, name, NULL);
    assert_int_equal(get(manager, name, &proof), UINT32_MAX);
    assert_int_equal(get(manager, name, &zero), UINT32_MAX);
    assert_int_equal(get(manager, name, NULL), plain.block); /* who does not ask for proofs is served by name */
    kvlogical_immutable proven = put(manager, name, &proof);
    assert_int_equal(get(manager, name, &proof), proven.block);
    kvtest_assert_ok(kvlogical_release(manager, &proven, 1));
    kvtest_assert_ok(kvlogical_release(manager, &plain, 1));
    /* a slot that was proven once is not so for its next tenant */
    kvlogical_mutable all[4];
    kvtest_assert_ok(kvlogical_allocate(manager, 4, all, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, all, 4));
    for (int i = 0; i < 4; i++) {
        kvlogical_immutable next = put(manager, kvhash_plh_root(7), NULL);
        assert_int_equal(get(manager, kvhash_plh_root(7), &proof), UINT32_MAX);
        kvtest_assert_ok(kvlogical_release(manager, &next, 1));
    }
    end(manager);
}

typedef struct heard {
    size_t create, remove;
} heard;

static void hear(void *ctx, const kvhash_event *event) {
    heard *h = ctx;
    h->create += event->kind == KVHASH_EVENT_CREATE;
    h->remove += event->kind == KVHASH_EVENT_REMOVE;
}

static void a_name_with_two_lives_is_announced_once(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, KVLOGICAL_EVICT_LRU, 0);
    heard h = {0, 0};
    kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), hear, &h));
    const kvhash_plh name = kvhash_plh_root(5);
    const kvhash_proof honest = {1, 0}, forged = {2, 0};
    kvlogical_immutable bad = put(manager, name, &forged), good = put(manager, name, &honest);
    assert_true(h.create == 1 && h.remove == 0);
    kvtest_assert_ok(kvlogical_release(manager, &bad, 1));
    kvtest_assert_ok(kvlogical_release(manager, &good, 1));
    kvlogical_mutable all[4];
    kvtest_assert_ok(kvlogical_allocate(manager, 3, all, NULL));
    assert_true(h.create == 1 && h.remove == 0);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, all + 3, NULL));
    assert_true(h.create == 1 && h.remove == 1);
    kvtest_assert_ok(kvlogical_release_mutable(manager, all, 4));
    end(manager);
}

static void a_withdrawn_name_loses_all_its_lives(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, KVLOGICAL_EVICT_LRU, 0);
    const kvhash_plh name = kvhash_plh_root(5);
    const kvhash_proof honest = {1, 0}, forged = {2, 0};
    kvlogical_immutable bad = put(manager, name, &forged), good = put(manager, name, &honest);
    size_t withdrawn;
    kvtest_assert_ok(kvlogical_withdraw(manager, &name, 1, &withdrawn));
    assert_int_equal(withdrawn, 2);
    assert_int_equal(get(manager, name, NULL), UINT32_MAX);
    kvtest_assert_ok(kvlogical_release(manager, &bad, 1));
    kvtest_assert_ok(kvlogical_release(manager, &good, 1));
    end(manager);
}

static void what_is_not_verified_is_refused(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, KVLOGICAL_EVICT_LRU, KVLOGICAL_PROOFS_NONE);
    assert_null(kvlogical_manager_prover(manager));
    const kvhash_plh name = kvhash_plh_root(5);
    const kvhash_proof proof = {1, 0};
    kvlogical_attributes attributes = with(&proof, 1);
    kvlogical_immutable held;
    kvlogical_explanation why;
    size_t hits;
    kvcore_error error;
    kvtest_assert_status(kvlogical_match_prefix_with(manager, &name, 1, &attributes, &held, &hits, &error),
                         KVCORE_ENOTSUP);
    assert_string_equal(error.text, "the manager verifies nothing: make it with config.proof_bits");
    kvtest_assert_status(kvlogical_explain_proven(manager, &name, &proof, 1, &why), KVCORE_ENOTSUP);
    end(manager);
    manager = make(4, KVLOGICAL_EVICT_LRU, 64);
    attributes.proof_count = 2;
    kvtest_assert_status(kvlogical_match_prefix_with(manager, &name, 1, &attributes, &held, &hits, &error),
                         KVCORE_EINVAL);
    assert_true(error.expected == 1 && error.actual == 2);
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_manager *none = NULL;
    config.block_count = 4;
    config.proof_bits = 96;
    kvtest_assert_status(kvlogical_manager_create(&config, &none, &error), KVCORE_ECONFIG);
    config.proof_bits = 128;
    config.prover = kvlogical_manager_prover(manager);
    kvtest_assert_status(kvlogical_manager_create(&config, &none, &error), KVCORE_ECONFIG);
    end(manager);
}

/* ---- a naive twin ---- */

enum { BLOCKS = 24, NAMES = 12, PROOFS = 3, STEPS = 20000 };

/* Which lives are held, and by how many. */
static void lives_are_those_of_a_table(uint32_t eviction, uint32_t bits) {
    kvtest_random random = kvtest_seed(eviction + bits);
    kvlogical_manager *manager = make(BLOCKS, eviction, bits);
    kvlogical_immutable held[BLOCKS];
    size_t life[BLOCKS], count = 0, holds[NAMES * PROOFS] = {0};
    kvhash_plh names[NAMES];
    names[0] = kvhash_plh_root(1);
    for (size_t i = 1; i < NAMES; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], i, &names[i]));
    for (size_t step = 0; step < STEPS; step++) {
        size_t which = (size_t)kvtest_below(&random, NAMES * PROOFS);
        kvhash_proof proof = {which % PROOFS + 1, bits == 128 ? 7 : 0};
        if (count < BLOCKS / 2 && kvtest_below(&random, 2) == 0) {
            held[count] = put(manager, names[which / PROOFS], &proof);
            life[count++] = which;
            holds[which]++;
        } else if (count > 0) {
            size_t last = (size_t)kvtest_below(&random, count);
            kvtest_assert_ok(kvlogical_release(manager, &held[last], 1));
            holds[life[last]]--;
            count--;
            held[last] = held[count];
            life[last] = life[count];
        }
        /* a held life is always found, as a block that somebody registered with that name and proof */
        for (size_t l = 0; l < NAMES * PROOFS; l++) {
            kvhash_proof own = {l % PROOFS + 1, bits == 128 ? 7 : 0};
            if (holds[l] > 0) assert_int_not_equal(get(manager, names[l / PROOFS], &own), UINT32_MAX);
        }
        if (step % 500 == 0) {
            kvcore_error error;
            if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) fail_msg("step %zu: %s", step, error.text);
        }
    }
    kvtest_assert_ok(kvlogical_release(manager, held, count));
    end(manager);
}

static void lives_are_those_of_a_table_under_every_policy(void **state) {
    (void)state;
    for (size_t i = 0; i < POLICIES; i++) {
        lives_are_those_of_a_table(policies[i], 64);
        lives_are_those_of_a_table(policies[i], 128);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forged_prompt_is_served_without_proofs_and_refused_with_them),
        cmocka_unit_test(adapters_whose_salt_hashes_meet_share_nothing),
        cmocka_unit_test(two_lives_of_a_name_live_apart),
        cmocka_unit_test(a_block_without_a_proof_is_no_proven_one),
        cmocka_unit_test(a_name_with_two_lives_is_announced_once),
        cmocka_unit_test(a_withdrawn_name_loses_all_its_lives),
        cmocka_unit_test(what_is_not_verified_is_refused),
        cmocka_unit_test(lives_are_those_of_a_table_under_every_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

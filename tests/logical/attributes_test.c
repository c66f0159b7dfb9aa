/* What may a call on blocks say beyond its arguments, and who hears of it? */
#include "support.h"

#include <kvlogical/events.h>
#include <kvlogical/request.h>

#define TOKENS 4

typedef struct heard {
    size_t creates, with_facts;
    kvhash_block_facts facts[8]; /* of the CREATEs, by value */
    uint32_t first_tokens[8];
    kvhash_event last;
} heard;

static void take(void *ctx, const kvhash_event *event) {
    heard *h = ctx;
    h->last = *event;
    if (event->kind != KVHASH_EVENT_CREATE) {
        assert_null(event->facts);
        return;
    }
    if (event->facts != NULL) {
        h->facts[h->creates] = *event->facts;
        if (event->facts->tokens != NULL) h->first_tokens[h->creates] = event->facts->tokens[0];
        h->with_facts++;
    }
    h->creates++;
}

static void facts_of_chain(const kvhash_plh *names, const uint32_t *tokens, size_t count, kvhash_block_facts *facts) {
    for (size_t i = 0; i < count; i++) {
        facts[i] = (kvhash_block_facts)KVHASH_BLOCK_FACTS_INIT;
        facts[i].given = KVHASH_FACT_BLOCK_HASH;
        facts[i].block_hash = 100 + i;
        facts[i].tokens = tokens + i * TOKENS;
        facts[i].token_count = TOKENS;
        facts[i].lora_name = "adapter";
        if (i == 0) continue;
        facts[i].given |= KVHASH_FACT_PARENT;
        facts[i].parent = names[i - 1];
    }
}

static void a_listener_hears_the_facts_of_each_new_block(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[3];
    uint32_t tokens[3 * TOKENS];
    kvhash_block_facts facts[3];
    kvlogical_complete staged[3];
    kvlogical_immutable held[3];
    kvlogical_subscription *subscription = NULL;
    kvlogical_attributes attributes = KVLOGICAL_ATTRIBUTES_INIT;
    heard h = {0};
    for (uint32_t i = 0; i < 3 * TOKENS; i++) tokens[i] = 1000 + i;
    name_chain(1, names, 3);
    facts_of_chain(names, tokens, 3, facts);
    attributes.facts = facts;
    attributes.fact_count = 3;
    kvtest_assert_ok(kvlogical_registry_on_event(registry, take, &h));
    kvtest_assert_ok(kvlogical_subscription_create(registry, &subscription));
    stage_names(manager, names, 3, staged);
    kvtest_assert_ok(kvlogical_register_with(manager, staged, 3, &attributes, held, NULL));
    assert_int_equal(h.creates, 3);
    assert_int_equal(h.with_facts, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(h.facts[i].block_hash, 100 + i);
        assert_int_equal(h.first_tokens[i], 1000 + i * TOKENS);
        assert_int_equal((h.facts[i].given & KVHASH_FACT_PARENT) != 0, i > 0);
        if (i > 0) assert_same_name(h.facts[i].parent, names[i - 1]);
    }
    kvhash_event events[8]; /* what is borrowed for a call is not in a queue */
    size_t count;
    kvtest_assert_ok(kvlogical_subscription_poll(subscription, events, 8, &count));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) assert_null(events[i].facts);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    kvtest_assert_ok(kvlogical_reset_inactive(manager, NULL));
    assert_int_equal(h.last.kind, KVHASH_EVENT_REMOVE);
    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_registry_on_event(registry, NULL, NULL));
    destroy_manager(manager);
}

static void a_known_name_needs_no_facts_and_none_are_told(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_complete staged;
    kvlogical_immutable held[2];
    kvhash_block_facts facts = KVHASH_BLOCK_FACTS_INIT;
    kvlogical_attributes attributes = KVLOGICAL_ATTRIBUTES_INIT;
    heard h = {0};
    attributes.facts = &facts;
    attributes.fact_count = 1;
    hold_names(manager, &name, 1, &held[0]);
    kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), take, &h));
    stage_names(manager, &name, 1, &staged);
    kvtest_assert_ok(kvlogical_register_with(manager, &staged, 1, &attributes, &held[1], NULL));
    assert_int_equal(h.creates, 0);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), NULL, NULL));
    destroy_manager(manager);
}

static void without_attributes_the_calls_are_the_plain_ones(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_attributes none = KVLOGICAL_ATTRIBUTES_INIT;
    kvlogical_mutable blocks[4];
    kvlogical_complete staged[4];
    kvlogical_immutable held[4];
    kvhash_plh names[4];
    size_t hits;
    name_chain(1, names, 4);
    kvtest_assert_ok(kvlogical_allocate_with(manager, 2, NULL, blocks, NULL, NULL));
    kvtest_assert_ok(kvlogical_allocate_with(manager, 2, &none, blocks + 2, NULL, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names, 4, staged));
    kvtest_assert_ok(kvlogical_register_with(manager, staged, 2, NULL, held, NULL));
    kvtest_assert_ok(kvlogical_register_with(manager, staged + 2, 2, &none, held + 2, NULL));
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    kvtest_assert_ok(kvlogical_match_prefix_with(manager, names, 4, NULL, held, &hits, NULL));
    assert_int_equal(hits, 4);
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    kvtest_assert_ok(kvlogical_match_prefix_with(manager, names, 4, &none, held, &hits, NULL));
    assert_int_equal(hits, 4);
    kvcore_error error;
    kvtest_assert_status(kvlogical_allocate_with(manager, 1, NULL, blocks, NULL, &error), KVCORE_ENOSPACE);
    assert_int_equal(error.code, KVCORE_ENOSPACE);
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    destroy_manager(manager);
}

static void too_much_now_and_too_much_ever_are_told_apart(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_mutable blocks[6];
    kvcore_error error;
    kvtest_assert_ok(kvlogical_allocate(manager, 3, blocks, NULL));
    kvtest_assert_status(kvlogical_allocate_with(manager, 2, NULL, &blocks[3], NULL, &error), KVCORE_ENOSPACE);
    assert_int_equal(error.expected, 2);
    assert_int_equal(error.actual, 1);
    kvtest_assert_status(kvlogical_allocate_with(manager, 5, NULL, &blocks[3], NULL, &error), KVCORE_EOVERFLOW);
    assert_int_equal(error.code, KVCORE_EOVERFLOW);
    assert_int_equal(error.expected, 4);
    assert_int_equal(error.actual, 5);
    kvtest_assert_status(kvlogical_allocate(manager, SIZE_MAX, blocks, NULL), KVCORE_EOVERFLOW);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 3));
    destroy_manager(manager);
}

/* Each call refuses it, says the value, and leaves every guard as it was. */
static void expect_refused(kvlogical_manager *manager, const kvlogical_attributes *attributes, uint64_t value) {
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_mutable block;
    kvlogical_complete staged;
    kvlogical_immutable held;
    size_t hits;
    kvcore_error error = {.actual = 0};
    kvtest_assert_status(kvlogical_allocate_with(manager, 1, attributes, &block, NULL, &error), KVCORE_EINVAL);
    assert_int_equal(error.actual, value);
    kvtest_assert_status(kvlogical_match_prefix_with(manager, &name, 1, attributes, &held, &hits, &error),
                         KVCORE_EINVAL);
    assert_int_equal(error.actual, value);
    stage_names(manager, &name, 1, &staged);
    kvtest_assert_status(kvlogical_register_with(manager, &staged, 1, attributes, &held, &error), KVCORE_EINVAL);
    assert_int_equal(error.actual, value);
    kvtest_assert_ok(kvlogical_release_complete(manager, &staged, 1));
}

static void what_is_not_supported_yet_is_refused_with_its_value(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_attributes attributes[5];
    kvhash_block_facts facts[2] = {KVHASH_BLOCK_FACTS_INIT, KVHASH_BLOCK_FACTS_INIT};
    for (size_t i = 0; i < 5; i++) attributes[i] = (kvlogical_attributes)KVLOGICAL_ATTRIBUTES_INIT;
    attributes[0].priority = 11;
    attributes[1].group = 12;
    attributes[2].tenant = 13;
    attributes[3].time_to_live_ns = UINT64_C(14) << 40;
    attributes[4].facts = facts;
    attributes[4].fact_count = 2; /* of one block */
    expect_refused(manager, &attributes[0], 11);
    expect_refused(manager, &attributes[1], 12);
    expect_refused(manager, &attributes[2], 13);
    expect_refused(manager, &attributes[3], UINT64_C(14) << 40);
    expect_refused(manager, &attributes[4], 2);
    attributes[4].facts = NULL;
    expect_refused(manager, &attributes[4], 2);
    assert_gauges(manager, 0, 0, 0, 4);
    destroy_manager(manager);
}

static void structs_of_a_wrong_size_are_refused(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_complete staged;
    kvlogical_immutable held;
    kvhash_block_facts facts = KVHASH_BLOCK_FACTS_INIT;
    kvlogical_attributes attributes = KVLOGICAL_ATTRIBUTES_INIT;
    stage_names(manager, &name, 1, &staged);
    attributes.facts = &facts;
    attributes.fact_count = 1;
    facts.struct_size = 0;
    kvtest_assert_status(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL), KVCORE_EINVAL);
    facts.struct_size = sizeof facts - 1;
    kvtest_assert_status(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL), KVCORE_EINVAL);
    facts.struct_size = sizeof facts;
    attributes.struct_size = 0;
    kvtest_assert_status(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL), KVCORE_EINVAL);
    attributes.struct_size = sizeof attributes;
    kvtest_assert_ok(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

/* Tokens and parents of all CREATEs, checked as they come: names from position 0, four tokens a block. */
typedef struct chain_heard {
    const kvhash_plh *names;
    const uint32_t *tokens;
    size_t count;
} chain_heard;

static void expect_next_of_chain(void *ctx, const kvhash_event *event) {
    chain_heard *h = ctx;
    if (event->kind != KVHASH_EVENT_CREATE) return;
    assert_same_name(event->name, h->names[h->count]);
    assert_non_null(event->facts);
    assert_int_equal(event->facts->token_count, TOKENS);
    assert_memory_equal(event->facts->tokens, h->tokens + h->count * TOKENS, TOKENS * sizeof *h->tokens);
    assert_int_equal(event->facts->given, h->count == 0 ? 0 : KVHASH_FACT_PARENT);
    if (h->count > 0) assert_same_name(event->facts->parent, h->names[h->count - 1]);
    h->count++;
}

static void a_request_lends_its_tokens_and_parents(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    uint32_t tokens[4 * TOKENS];
    for (uint32_t i = 0; i < 4 * TOKENS; i++) tokens[i] = 500 + i;
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    kvlogical_request *request = NULL;
    config.tokens = tokens;
    config.token_count = 4 * TOKENS;
    kvhash_sequence_config names_config = KVHASH_SEQUENCE_CONFIG_INIT;
    kvhash_sequence *sequence = NULL;
    names_config.block_tokens = TOKENS;
    names_config.salt_hash = 1337; /* no salt, no LoRA name */
    names_config.tokens = tokens;
    names_config.token_count = 4 * TOKENS;
    kvtest_assert_ok(kvhash_sequence_create(&names_config, &sequence, NULL));
    size_t count;
    chain_heard h = {kvhash_sequence_names(sequence, &count), tokens, 0};
    assert_int_equal(count, 4);
    kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), expect_next_of_chain, &h));
    kvtest_assert_ok(kvlogical_request_create(manager, &config, &request, NULL));
    kvtest_assert_ok(kvlogical_request_allocate(request, 4));
    kvtest_assert_ok(kvlogical_request_register_computed(request, TOKENS, NULL));
    assert_int_equal(h.count, 1);
    kvtest_assert_ok(kvlogical_request_register_computed(request, 4 * TOKENS, NULL)); /* behind what is assigned */
    assert_int_equal(h.count, 4);
    kvlogical_request_destroy(request);
    kvhash_sequence_destroy(sequence);
    kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), NULL, NULL));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_much_now_and_too_much_ever_are_told_apart),
        cmocka_unit_test(a_listener_hears_the_facts_of_each_new_block),
        cmocka_unit_test(a_known_name_needs_no_facts_and_none_are_told),
        cmocka_unit_test(without_attributes_the_calls_are_the_plain_ones),
        cmocka_unit_test(what_is_not_supported_yet_is_refused_with_its_value),
        cmocka_unit_test(structs_of_a_wrong_size_are_refused),
        cmocka_unit_test(a_request_lends_its_tokens_and_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

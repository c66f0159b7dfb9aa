/* A block manager's events on the wire: what its tiers hold is what a source hears. */
#include "support.h"

#include <zmq.h>

#include <kvevents/feed.h>

#define B 4

static void what_a_registry_says_is_told(void **state) {
    (void)state;
    uint32_t tokens[3 * B];
    kvhash_plh names[3];
    for (uint32_t i = 0; i < 3 * B; i++) tokens[i] = i;
    assert_int_equal(names_of_tokens(tokens, 3 * B, B, "salt", names, 3), 3);
    kvevents_publisher_config config = KVEVENTS_PUBLISHER_CONFIG_INIT;
    config.endpoint = "tcp://127.0.0.1:0";
    config.block_tokens = B;
    kvevents_publisher *publisher = NULL;
    kvtest_assert_ok(kvevents_publisher_create(&config, &publisher, NULL));
    kvevents_feed feed = {publisher, NULL, NULL};

    void *context = zmq_ctx_new(), *sub = zmq_socket(context, ZMQ_SUB);
    const int brief = 20, none = 0;
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &brief, sizeof brief);
    zmq_setsockopt(sub, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(sub, kvevents_publisher_endpoint(publisher)), 0);

    for (size_t i = 0; i < 3; i++) {
        const kvhash_block_facts facts = {.struct_size = sizeof facts,
                                          .given = i > 0 ? KVHASH_FACT_PARENT : 0,
                                          .parent = i > 0 ? names[i - 1] : names[0],
                                          .tokens = tokens + i * B,
                                          .token_count = B,
                                          .cache_salt = "salt"};
        kvevents_feed_event(&feed, &(kvhash_event){.name = names[i], .kind = KVHASH_EVENT_CREATE, .facts = &facts});
    }
    kvevents_feed_event(&feed, &(kvhash_event){.name = names[0], .kind = KVHASH_EVENT_CREATE, .tier = 1});
    kvevents_feed_event(&feed, &(kvhash_event){.name = names[2], .kind = KVHASH_EVENT_REMOVE});
    kvevents_feed_event(&feed, &(kvhash_event){.name = names[2], .kind = KVHASH_EVENT_CREATE, .tier = 9}); /* no tier */

    listener heard = {.cleared = 0};
    kvevents_source_config source_config = KVEVENTS_SOURCE_CONFIG_INIT;
    source_config.block_tokens = B;
    source_config.change = listener_change;
    source_config.ctx = &heard;
    kvevents_source *source = NULL;
    kvtest_assert_ok(kvevents_source_create(&source_config, &source, NULL));
    for (size_t i = 0; i < 500 && !kvevents_source_state_of(source).has_next; i++) {
        kvevents_feed_event(&feed, &(kvhash_event){.kind = KVHASH_EVENT_GAP, .lost = 1}); /* tells all anew */
        uint8_t bytes[3][2048];
        kvcore_bytes frames[3];
        int size = 0;
        for (size_t k = 0; k < 3 && (size = zmq_recv(sub, bytes[k], sizeof bytes[k], 0)) >= 0; k++)
            frames[k] = (kvcore_bytes){bytes[k], (size_t)size};
        if (size >= 0) kvevents_source_take(source, frames, 3, 0);
    }
    assert_int_equal(heard.counts[KVEVENTS_DEVICE], 2);
    assert_true(listener_has(&heard, KVEVENTS_DEVICE, names[0]) && listener_has(&heard, KVEVENTS_DEVICE, names[1]));
    assert_int_equal(heard.counts[KVEVENTS_HOST], 1);
    assert_true(listener_has(&heard, KVEVENTS_HOST, names[0])); /* the parts of the name are known from the device's */
    assert_int_equal(kvevents_source_count(source).unnamed, 0);
    kvevents_source_destroy(source);
    zmq_close(sub);
    zmq_ctx_term(context);
    kvevents_publisher_destroy(publisher);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_registry_says_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

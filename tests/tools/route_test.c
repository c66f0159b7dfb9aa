/* The router: engines of this process are registered, tell what they have, and the answers follow. */
#include "kvtest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include <kvevents/publisher.h>
#include <kvhash/hash.h>

#include "route/http.h"

#define B 4
#define BLOCKS 8

static router *to;
static http_server *server;

static int set_up(void **state) {
    (void)state;
    const router_options options = {.engines = 4};
    const http_options http = {.host = "127.0.0.1", .port = 0, .connections = 8, .timeout_s = 5};
    const char *why = "";
    to = router_create(&options);
    assert_non_null(to);
    server = http_start(&http, to, &why);
    if (server == NULL) fail_msg("%s", why);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_stop(server);
    router_destroy(to);
    return 0;
}

static json_object *post(int status, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));

static json_object *post(int status, const char *path, const char *format, ...) {
    char body[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(body, sizeof body, format, arguments);
    va_end(arguments);
    router_answer answer = router_post(to, path, body, strlen(body), false);
    if (answer.status != status) fail_msg("%s: %d %s", path, answer.status, answer.text);
    json_object *object = json_tokener_parse(answer.text);
    free(answer.text);
    return object;
}

static void drop(json_object *object) { json_object_put(object); }

static uint64_t number(json_object *of, const char *a, const char *b, const char *c) {
    const char *const keys[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        if (keys[i] != NULL && !json_object_object_get_ex(of, keys[i], &of)) return 0;
    return json_object_get_uint64(of);
}

static kvevents_publisher *publish(const char *endpoint, const char *replay, size_t blocks, kvevents_tier tier) {
    kvevents_publisher_config config = KVEVENTS_PUBLISHER_CONFIG_INIT;
    config.endpoint = endpoint;
    config.replay_endpoint = replay;
    config.block_tokens = B;
    kvevents_publisher *made = NULL;
    kvtest_assert_ok(kvevents_publisher_create(&config, &made, NULL));
    uint32_t tokens[BLOCKS * B];
    for (uint32_t i = 0; i < BLOCKS * B; i++) tokens[i] = i;
    for (size_t i = 0; i < blocks; i++) {
        const kvevents_block block = {.hash = i + 1, .parent = i, .has_parent = i > 0, .tokens = tokens + i * B};
        kvtest_assert_ok(kvevents_publisher_stored(made, tier, &block, 1));
    }
    kvtest_assert_ok(kvevents_publisher_flush(made));
    return made;
}

static const char *const prompt =
    "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31]";

static json_object *query(void) { return post(200, "/query", "{\"model_name\":\"m\",\"token_ids\":%s}", prompt); }

/* Until the engine is said to have so many tokens on its disk or above. */
static bool comes(kvevents_publisher *publisher, const char *id, uint64_t tokens) {
    for (size_t i = 0; i < 500; i++) {
        json_object *answer = query();
        bool there = number(answer, "instances", id, "longest_matched") == tokens;
        drop(answer);
        if (there) return true;
        kvtest_assert_ok(kvevents_publisher_resync(publisher));
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    return false;
}

static void engines_are_asked_for_what_they_have(void **state) {
    (void)state;
    char a[64], b[64], b_replay[64];
    snprintf(a, sizeof a, "ipc://@kvroute-%ld-a", (long)getpid());
    snprintf(b, sizeof b, "ipc://@kvroute-%ld-b", (long)getpid());
    snprintf(b_replay, sizeof b_replay, "ipc://@kvroute-%ld-b-replay", (long)getpid());
    kvevents_publisher *first = publish(a, NULL, 8, KVEVENTS_DEVICE), *second = publish(b, b_replay, 3, KVEVENTS_HOST);
    drop(post(404, "/query", "{\"model_name\":\"m\",\"token_ids\":[1]}"));
    drop(post(201, "/register", "{\"instance_id\":1,\"endpoint\":\"%s\",\"model_name\":\"m\",\"block_size\":4}", a));
    drop(post(201, "/register",
              "{\"instance_id\":\"two\",\"endpoint\":\"%s\",\"replay_endpoint\":\"%s\",\"modelname\":\"m\","
              "\"block_size\":4,\"dp_rank\":1,\"type\":\"SGLang\"}",
              b, b_replay));
    drop(post(200, "/register", "{\"instance_id\":1,\"endpoint\":\"%s\",\"model_name\":\"m\",\"block_size\":4}", a));
    drop(post(409, "/register", "{\"instance_id\":1,\"endpoint\":\"%s\",\"model_name\":\"m\",\"block_size\":4}", b));
    assert_true(comes(first, "1", 32));
    assert_true(comes(second, "two", 12));
    json_object *answer = query();
    assert_int_equal(number(answer, "scores", "1", "0"), 32);
    assert_int_equal(number(answer, "instances", "1", "gpu"), 32);
    assert_int_equal(number(answer, "instances", "two", "gpu"), 0);
    assert_int_equal(number(answer, "instances", "two", "cpu"), 12);
    assert_int_equal(number(answer, "instances", "two", "disk"), 12);
    drop(answer);
    answer = post(200, "/choose", "{\"model_name\":\"m\",\"token_ids\":%s}", prompt);
    assert_int_equal(number(answer, "choice", "instance_id", NULL), 1);
    drop(answer);
    answer = post(200, "/choose", "{\"model_name\":\"m\",\"token_ids\":%s,\"loads\":{\"1\":100}}", prompt);
    assert_int_equal(number(answer, "choice", "dp_rank", NULL), 1); /* the other one has less, and less to do */
    drop(answer);
    answer = post(200, "/query", "{\"model_name\":\"m\",\"token_ids\":%s,\"cache_salt\":\"t\"}", prompt);
    assert_int_equal(number(answer, "instances", "1", "gpu"), 0);
    drop(answer);
    drop(post(200, "/unregister", "{\"instance_id\":1,\"model_name\":\"m\"}"));
    drop(post(404, "/unregister", "{\"instance_id\":1,\"model_name\":\"m\"}"));
    answer = query();
    assert_int_equal(number(answer, "instances", "two", "cpu"), 12);
    assert_int_equal(number(answer, "instances", "1", "gpu"), 0);
    drop(answer);
    kvevents_publisher_destroy(first);
    kvevents_publisher_destroy(second);
}

static void hashes_are_asked_for_like_tokens(void **state) {
    (void)state;
    char a[64], hashes[512] = "";
    snprintf(a, sizeof a, "ipc://@kvroute-%ld-h", (long)getpid());
    kvevents_publisher *publisher = publish(a, NULL, 8, KVEVENTS_DEVICE);
    drop(post(201, "/register", "{\"instance_id\":5,\"endpoint\":\"%s\",\"model_name\":\"m\",\"block_size\":4}", a));
    assert_true(comes(publisher, "5", 32));
    uint32_t tokens[BLOCKS * B];
    for (uint32_t i = 0; i < BLOCKS * B; i++) tokens[i] = i;
    for (size_t i = 0; i < 5; i++)
        snprintf(
            hashes + strlen(hashes), sizeof hashes - strlen(hashes), "%s%lld", i > 0 ? "," : "",
            (long long)kvhash_block_hash(tokens + i * B, B, KVHASH_CHAIN_SEED)); /* signed, as Dynamo writes them */
    json_object *answer = post(200, "/query_by_hash", "{\"model_name\":\"m\",\"block_hashes\":[%s]}", hashes);
    assert_int_equal(number(answer, "instances", "5", "gpu"), 20);
    drop(answer);
    kvevents_publisher_destroy(publisher);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    drop(post(400, "/query", "nonsense"));
    drop(post(400, "/query", "[]"));
    drop(post(400, "/register", "{\"instance_id\":1}"));
    drop(post(403, "/register",
              "{\"instance_id\":1,\"endpoint\":\"inproc://x\",\"model_name\":\"m\",\"block_size\":4}"));
    drop(post(404, "/elsewhere", "{}"));
}

/* ---- over HTTP ---- */

static void talk(char *text, size_t size, const char *request, size_t extra_bytes) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_port(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    static const char zeroes[4096];
    while (extra_bytes > 0) {
        size_t some = extra_bytes < sizeof zeroes ? extra_bytes : sizeof zeroes;
        if (send(fd, zeroes, some, MSG_NOSIGNAL) < 0) break;
        extra_bytes -= some;
    }
    size_t got = 0;
    for (ssize_t n = 1; n > 0 && got<size - 1; got += n> 0 ? (size_t)n : 0) n = recv(fd, text + got, size - 1 - got, 0);
    text[got] = '\0';
    close(fd);
}

static void the_page_and_its_events_are_served(void **state) {
    (void)state;
    char text[16384];
    talk(text, sizeof text, "GET / HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "200 OK"));
    assert_non_null(strstr(text, "EventSource"));
    talk(text, sizeof text, "GET /events HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "text/event-stream"));
    assert_non_null(strstr(text, "data: {\"workers\":[]}"));
    talk(text, sizeof text, "GET /metrics HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "kvstrata_queries_total{result=\"hit\"} 0"));
    talk(text, sizeof text, "GET /health HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "{\"status\":\"ok\"}"));
    talk(text, sizeof text, "POST /query HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", 0);
    assert_non_null(strstr(text, "404"));
    talk(text, sizeof text, "DELETE /query HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "405"));
}

static void a_body_that_is_too_large_is_refused(void **state) {
    (void)state;
    char text[4096];
    talk(text, sizeof text, "POST /query HTTP/1.0\r\nContent-Length: 9000000\r\n\r\n", 9000000);
    assert_non_null(strstr(text, "413"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(engines_are_asked_for_what_they_have, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hashes_are_asked_for_like_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_and_its_events_are_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_is_too_large_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

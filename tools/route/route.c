/* kvstrata route: hear engines, answer routers. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/http.h"
#include "shared/command.h"
#include "shared/json.h"

#define ALLOWED 64

typedef struct route_options {
    router_options router;
    http_options http;
    const char *allowed[ALLOWED];
    const char *sources;
} route_options;

enum { OPTION_CONNECTIONS = 256 };

static const struct argp_option option_list[] = {
    {"listen", 'l', "ADDRESS", 0, "address to listen on (127.0.0.1)", 0},
    {"port", 'p', "PORT", 0, "port to listen on; 0 takes a free one (8090)", 0},
    {"sources", 's', "FILE", 0, "engines to begin with: JSON, as /dump gives it", 0},
    {"allow", 'a', "PREFIX", 0, "endpoints that may be registered begin so; may be given more than once", 0},
    {"engines", 'e', "COUNT", 0, "engines and ranks at most (256)", 0},
    {"connections", OPTION_CONNECTIONS, "COUNT", 0, "connections at most (256)", 0},
    {0},
};

static uint64_t count_of(struct argp_state *state, const char *argument, uint64_t most) {
    uint64_t count;
    if (parse_count(argument, &count) != KVCORE_OK || count > most)
        argp_error(state, "expected a number up to %llu, found '%s'", (unsigned long long)most, argument);
    return count;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    route_options *options = state->input;
    switch (key) {
    case 'l': options->http.host = argument; return 0;
    case 'p': options->http.port = (uint16_t)count_of(state, argument, 65535); return 0;
    case 's': options->sources = argument; return 0;
    case 'a':
        if (options->router.allowed_count == ALLOWED) argp_error(state, "too many --allow");
        options->allowed[options->router.allowed_count++] = argument;
        return 0;
    case 'e': options->router.engines = count_of(state, argument, 100000); return 0;
    case OPTION_CONNECTIONS: options->http.connections = (unsigned)count_of(state, argument, 100000); return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", argument); return EINVAL;
    case ARGP_KEY_END:
        if (strncmp(options->http.host, "127.", 4) != 0 && strcmp(options->http.host, "::1") != 0 &&
            options->router.allowed_count == 0)
            argp_error(state,
                       "who listens on more than loopback has to say which endpoints may be registered: --allow");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .doc = "Hear the block events of serving engines and answer which of them has how much of a prompt.\v"
           "Engines are registered with POST /register, or by --sources. POST /query takes token_ids and a model and "
           "gives "
           "tokens for each engine, rank and tier; POST /choose takes loads, too, and names an engine. GET /workers, "
           "/dump, "
           "/metrics, /health, and a page at /. There is no TLS: that is for the proxy in front.",
};

static int register_one(router *to, json_object *source, size_t i) {
    char *body = strdup(json_object_to_json_string_ext(source, JSON_C_TO_STRING_PLAIN));
    if (body == NULL) return complain(EXIT_SYSTEM, "no memory");
    router_answer answer = router_post(to, "/register", body, strlen(body), false);
    int code = answer.status < 300 ? EXIT_OK : complain(EXIT_BAD_INPUT, "source %zu: %s", i, answer.text);
    free(answer.text);
    free(body);
    return code;
}

static int register_all(router *to, const char *path) {
    json_object *list, *document = json_object_from_file(path);
    if (!json_object_object_get_ex(document, "sources", &list) || !json_object_is_type(list, json_type_array)) {
        json_object_put(document);
        return complain(EXIT_BAD_INPUT, "%s: expected {\"sources\": [...]}", path);
    }
    int code = EXIT_OK;
    for (size_t i = 0; code == EXIT_OK && i < json_object_array_length(list); i++)
        code = register_one(to, json_object_array_get_idx(list, i), i);
    json_object_put(document);
    return code;
}

static int serve(const route_options *options, router *to, const sigset_t *ends) {
    int code = options->sources == NULL ? EXIT_OK : register_all(to, options->sources);
    if (code != EXIT_OK) return code;
    const char *why;
    http_server *server = http_start(&options->http, to, &why);
    if (server == NULL) return complain(EXIT_SYSTEM, "%s, port %u: %s", options->http.host, options->http.port, why);
    printf("listening on %s port %u\n", options->http.host, http_port(server));
    fflush(stdout);
    int received;
    sigwait(ends, &received);
    http_stop(server);
    return EXIT_OK;
}

int command_route(int argc, char **argv) {
    route_options options = {.http = {.host = "127.0.0.1", .port = 8090, .connections = 256, .timeout_s = 30}};
    options.router.allowed = options.allowed;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* the threads have it, too: only sigwait() gets them */
    router *to = router_create(&options.router);
    if (to == NULL) return complain(EXIT_SYSTEM, "no memory");
    int code = serve(&options, to, &ends);
    router_destroy(to);
    return code;
}

#include "route/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "route/page.h"

#define BODY_BYTES ((size_t)8 << 20)

struct http_server {
    struct MHD_Daemon *daemon;
    router *to;
};

/* A request whose body is coming. */
typedef struct http_body {
    char *bytes;
    size_t size, capacity;
    bool too_large;
} http_body;

static enum MHD_Result reply(struct MHD_Connection *connection, int status, char *text, const char *type) {
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_answer(struct MHD_Connection *connection, router_answer answer, const char *type) {
    if (answer.text == NULL) return MHD_NO;
    return reply(connection, answer.status, answer.text, type);
}

static enum MHD_Result reply_page(struct MHD_Connection *connection) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(route_page), (void *)(uintptr_t)route_page, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
    MHD_add_response_header(
        response, "Content-Security-Policy",
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* One event and the end: the browser asks again after `retry`, so that no connection is held for long. */
static enum MHD_Result reply_events(const http_server *of, struct MHD_Connection *connection) {
    static const char head[] = "retry: 1000\ndata: ";
    router_answer answer = router_get(of->to, "/workers");
    if (answer.text == NULL) return MHD_NO;
    size_t size = strlen(answer.text);
    char *text = malloc(sizeof head + size + 2);
    if (text != NULL) {
        memcpy(text, head, sizeof head - 1);
        memcpy(text + sizeof head - 1, answer.text, size);
        memcpy(text + sizeof head - 1 + size, "\n\n", 3);
    }
    free(answer.text);
    return text == NULL ? MHD_NO : reply(connection, MHD_HTTP_OK, text, "text/event-stream");
}

static enum MHD_Result serve_get(const http_server *of, struct MHD_Connection *connection, const char *path) {
    if (strcmp(path, "/") == 0) return reply_page(connection);
    if (strcmp(path, "/events") == 0) return reply_events(of, connection);
    bool metrics = strcmp(path, "/metrics") == 0;
    return reply_answer(connection, router_get(of->to, path),
                        metrics ? "text/plain; version=0.0.4" : "application/json");
}

static void take_body(http_body *body, const char *bytes, size_t size) {
    if (size > BODY_BYTES - body->size) body->too_large = true;
    if (body->too_large) return;
    if (body->size + size > body->capacity) {
        size_t capacity = 2 * (body->size + size);
        char *larger = realloc(body->bytes, capacity);
        if (larger == NULL) {
            body->too_large = true;
            return;
        }
        body->bytes = larger;
        body->capacity = capacity;
    }
    memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *text) {
    char *copy = strdup(text);
    return copy == NULL ? MHD_NO : reply(connection, status, copy, "application/json");
}

static enum MHD_Result serve_post(const http_server *of, struct MHD_Connection *connection, const char *path,
                                  http_body *body) {
    if (body->too_large) return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "{\"error\":\"more than 8 MiB\"}");
    const char *form = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "form");
    char none[1] = "";
    return reply_answer(connection,
                        router_post(of->to, path, body->bytes == NULL ? none : body->bytes, body->size,
                                    form != NULL && strcmp(form, "conductor") == 0),
                        "application/json");
}

static enum MHD_Result serve(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
                             const char *version, const char *bytes, size_t *size, void **request) {
    (void)version;
    const http_server *of = ctx;
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0) return serve_get(of, connection, path);
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "{\"error\":\"GET or POST\"}");
    if (*request == NULL) {
        *request = calloc(1, sizeof(http_body));
        return *request == NULL ? MHD_NO : MHD_YES;
    }
    if (*size > 0) {
        take_body(*request, bytes, *size);
        *size = 0;
        return MHD_YES;
    }
    return serve_post(of, connection, path, *request);
}

static void completed(void *ctx, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code) {
    (void)ctx, (void)connection, (void)code;
    http_body *body = *request;
    if (body == NULL) return;
    free(body->bytes);
    free(body);
    *request = NULL;
}

static bool address_of(const http_options *options, struct sockaddr_storage *address, unsigned *flags) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, options->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options->port);
        return true;
    }
    if (inet_pton(AF_INET6, options->host, &v6->sin6_addr) != 1) return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options->port);
    *flags |= MHD_USE_IPv6;
    return true;
}

http_server *http_start(const http_options *options, router *to, const char **why) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
    struct sockaddr_storage address;
    *why = "not an address";
    if (!address_of(options, &address, &flags)) return NULL;
    http_server *made = calloc(1, sizeof *made);
    *why = "no memory";
    if (made == NULL) return NULL;
    made->to = to;
    made->daemon = MHD_start_daemon(flags, options->port, NULL, NULL, serve, made, MHD_OPTION_SOCK_ADDR,
                                    (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, options->connections,
                                    MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_s, MHD_OPTION_NOTIFY_COMPLETED,
                                    completed, NULL, MHD_OPTION_END);
    if (made->daemon != NULL) return made;
    *why = strerror(errno);
    free(made);
    return NULL;
}

void http_stop(http_server *of) {
    if (of == NULL) return;
    MHD_stop_daemon(of->daemon);
    free(of);
}

uint16_t http_port(const http_server *of) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(of->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

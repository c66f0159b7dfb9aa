#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <kvformat/checksum.h>

enum { OBJECTS_MOST = 5000, CONNECTIONS_MOST = 512, HEAD_MOST = 16384 };

typedef struct object {
    char key[2001];
    uint8_t *bytes;
    size_t size_bytes;
} object;

struct endpoint {
    int listener;
    unsigned port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    atomic_bool stopping;
    atomic_uint connections;
    object *objects[OBJECTS_MOST];
    size_t count;
    endpoint_fault fault;
    char method[10];
    unsigned times;
    bool no_conditions, no_checksums, keeps_refused;
    unsigned gets, puts, heads, deletes, lists;
    uint64_t sent;
    const char *listing;
};

typedef struct client {
    endpoint *server;
    int socket;
    char head[HEAD_MOST];
    size_t filled;
    char method[10], path[2000], query[2000];
} client;

static bool send_all(client *c, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t sent = send(c->socket, from, count, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        from += sent;
        count -= (size_t)sent;
    }
    return true;
}

static bool answer(client *c, const char *status, const char *headers, const void *body, size_t size) {
    char head[1000];
    int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%scontent-length: %zu\r\n\r\n", status, headers, size);
    return send_all(c, head, (size_t)length) &&
           (size == 0 || strcmp(c->method, "HEAD") == 0 || send_all(c, body, size));
}

static bool answer_error(client *c, const char *status, const char *code) {
    char body[300];
    int length =
        snprintf(body, sizeof body, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>m</Message></Error>", code);
    return answer(c, status, "content-type: application/xml\r\n", body, (size_t)length);
}

static size_t find(const endpoint *server, const char *key) {
    for (size_t i = 0; i < server->count; i++)
        if (strcmp(server->objects[i]->key, key) == 0) return i;
    return SIZE_MAX;
}

static void keep(endpoint *server, const char *key, const uint8_t *bytes, size_t size) {
    size_t at = find(server, key);
    if (at == SIZE_MAX) {
        if (server->count == OBJECTS_MOST) return;
        at = server->count++;
        server->objects[at] = calloc(1, sizeof(object));
        snprintf(server->objects[at]->key, sizeof server->objects[at]->key, "%s", key);
    }
    object *of = server->objects[at];
    free(of->bytes);
    of->bytes = malloc(size + 1);
    if (size > 0) memcpy(of->bytes, bytes, size);
    of->size_bytes = size;
}

static void unescape(char *text) {
    char *to = text;
    for (; *text != '\0'; text++) {
        unsigned value;
        if (*text == '%' && sscanf(text + 1, "%2x", &value) == 1) {
            *to++ = (char)value;
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static const char *header(const char *head, const char *name, char *value, size_t room) {
    size_t length = strlen(name);
    for (const char *line = strchr(head, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, length) != 0 || line[1 + length] != ':') continue;
        const char *from = line + 2 + length;
        while (*from == ' ') from++;
        size_t size = strcspn(from, "\r\n");
        if (size >= room) size = room - 1;
        memcpy(value, from, size);
        value[size] = '\0';
        return value;
    }
    return NULL;
}

static bool checksum_is_right(const char *head, const uint8_t *bytes, size_t size) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[40];
    if (header(head, "x-amz-checksum-crc32c", text, sizeof text) == NULL || strlen(text) != 8) return false;
    uint64_t bits = 0;
    for (int i = 0; i < 6; i++) {
        const char *digit = strchr(alphabet, text[i]);
        if (digit == NULL) return false;
        bits = bits << 6 | (uint64_t)(digit - alphabet);
    }
    return (uint32_t)(bits >> 4) == kvformat_crc32c(0, (kvcore_bytes){bytes, size});
}

static bool put(client *c, const uint8_t *bytes, size_t size) {
    endpoint *server = c->server;
    char value[40];
    bool conditional = header(c->head, "if-none-match", value, sizeof value) != NULL && !server->no_conditions;
    bool right = server->no_checksums || checksum_is_right(c->head, bytes, size);
    pthread_mutex_lock(&server->lock);
    bool exists = conditional && find(server, c->path) != SIZE_MAX;
    if (!exists && (right || server->keeps_refused)) keep(server, c->path, bytes, size);
    pthread_mutex_unlock(&server->lock);
    if (exists) return answer_error(c, "412 Precondition Failed", "PreconditionFailed");
    if (!right) return answer_error(c, "400 Bad Request", "BadDigest");
    return answer(c, "200 OK", "etag: \"x\"\r\n", NULL, 0);
}

static bool list(client *c) {
    endpoint *server = c->server;
    char prefix[1000] = "", token[20] = "", *page = malloc(1200000), *text;
    if (server->listing != NULL) {
        free(page);
        return answer(c, "200 OK", "", server->listing, strlen(server->listing));
    }
    if ((text = strstr(c->query, "prefix=")) != NULL) sscanf(text + 7, "%999[^&]", prefix);
    if ((text = strstr(c->query, "continuation-token=")) != NULL) sscanf(text + 19, "%19[^&]", token);
    unescape(prefix);
    size_t length = 0, from = strtoul(token, NULL, 10), most = strstr(c->query, "max-keys=1&") != NULL ? 1 : 1000,
           given = 0;
    length += (size_t)sprintf(page, "<?xml version=\"1.0\"?><ListBucketResult>");
    pthread_mutex_lock(&server->lock);
    size_t at = from;
    for (; at < server->count && given < most; at++) {
        const char *key = server->objects[at]->key + 8; /* behind "/bucket/" */
        if (strncmp(key, prefix, strlen(prefix)) != 0) continue;
        length += (size_t)sprintf(
            page + length,
            "<Contents><Key>%s</Key><Size>%zu</Size><LastModified>2026-11-25T12:00:00.000Z</LastModified></Contents>",
            key, server->objects[at]->size_bytes);
        given++;
    }
    if (at < server->count)
        length += (size_t)sprintf(page + length, "<NextContinuationToken>%zu</NextContinuationToken>", at);
    pthread_mutex_unlock(&server->lock);
    length += (size_t)sprintf(page + length, "</ListBucketResult>");
    bool sent = answer(c, "200 OK", "content-type: application/xml\r\n", page, length);
    free(page);
    return sent;
}

static void stall(const client *c, unsigned milliseconds) {
    for (unsigned i = 0; i < milliseconds / 10 && !atomic_load(&c->server->stopping); i++) usleep(10000);
}

static bool send_object(client *c, endpoint_fault fault, const uint8_t *bytes, size_t size) {
    char head[300], range[40];
    switch (fault) {
    case ENDPOINT_CUT_BODY:
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", size);
        send_all(c, head, strlen(head));
        send_all(c, bytes, size / 2);
        return false;
    case ENDPOINT_SHORT_BODY: return answer(c, "200 OK", "", bytes, size - 10);
    case ENDPOINT_LONG_BODY: {
        uint8_t *longer = calloc(1, size + 10);
        memcpy(longer, bytes, size);
        bool sent = answer(c, "200 OK", "", longer, size + 10);
        free(longer);
        return sent;
    }
    case ENDPOINT_NO_LENGTH:
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        send_all(c, head, strlen(head));
        send_all(c, bytes, size);
        return false;
    case ENDPOINT_FLIP: {
        uint8_t *changed = malloc(size + 1);
        memcpy(changed, bytes, size);
        changed[size / 3] ^= 4;
        bool sent = answer(c, "200 OK", "", changed, size);
        free(changed);
        return sent;
    }
    case ENDPOINT_STALL:
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", size);
        send_all(c, head, strlen(head));
        stall(c, 6000);
        return false;
    default: break;
    }
    if (header(c->head, "range", range, sizeof range) != NULL && strcmp(range, "bytes=-128") == 0 && size > 128) {
        snprintf(head, sizeof head, "content-range: bytes %zu-%zu/%zu\r\n", size - 128, size - 1, size);
        return answer(c, "206 Partial Content", head, bytes + size - 128, 128);
    }
    return answer(c, "200 OK", "", bytes, size);
}

static bool get(client *c, endpoint_fault fault) {
    endpoint *server = c->server;
    pthread_mutex_lock(&server->lock);
    size_t at = find(server, c->path), size = at == SIZE_MAX ? 0 : server->objects[at]->size_bytes;
    uint8_t *bytes = malloc(size + 1);
    if (size > 0) memcpy(bytes, server->objects[at]->bytes, size);
    server->sent += size;
    pthread_mutex_unlock(&server->lock);
    bool sent = at == SIZE_MAX ? answer_error(c, "404 Not Found", "NoSuchKey") : send_object(c, fault, bytes, size);
    free(bytes);
    return sent;
}

static bool drop(endpoint *server, const char *key) {
    size_t at = find(server, key);
    if (at == SIZE_MAX) return false;
    free(server->objects[at]->bytes);
    free(server->objects[at]);
    server->objects[at] = server->objects[--server->count];
    return true;
}

/* Every <Key> of the document. */
static bool delete_many(client *c, const uint8_t *body, size_t size) {
    char *text = malloc(size + 1), key[2001];
    memcpy(text, body, size);
    text[size] = '\0';
    bool right = checksum_is_right(c->head, body, size);
    pthread_mutex_lock(&c->server->lock);
    for (char *at = text; right && (at = strstr(at, "<Key>")) != NULL; at++) {
        at += 5;
        snprintf(key, sizeof key, "/bucket/%.*s", (int)strcspn(at, "<"), at);
        drop(c->server, key);
    }
    c->server->deletes++;
    pthread_mutex_unlock(&c->server->lock);
    free(text);
    if (!right) return answer_error(c, "400 Bad Request", "BadDigest");
    return answer(c, "200 OK", "", "<DeleteResult/>", 15);
}

/* Answers that do not depend on the object; *handled false: it is not one of those. */
static bool misbehave(client *c, endpoint_fault fault, bool *handled) {
    *handled = true;
    switch (fault) {
    case ENDPOINT_SLOW_DOWN: return answer_error(c, "503 Slow Down", "SlowDown");
    case ENDPOINT_INTERNAL: return answer_error(c, "500 Internal Server Error", "InternalError");
    case ENDPOINT_CONFLICT: return answer_error(c, "409 Conflict", "ConditionalRequestConflict");
    case ENDPOINT_REDIRECT: return answer(c, "307 Temporary Redirect", "location: http://127.0.0.1:1/\r\n", NULL, 0);
    case ENDPOINT_DENIED: return answer_error(c, "403 Forbidden", "AccessDenied");
    case ENDPOINT_EXPIRED: return answer_error(c, "403 Forbidden", "ExpiredToken");
    case ENDPOINT_SKEWED: return answer_error(c, "403 Forbidden", "RequestTimeTooSkewed");
    case ENDPOINT_NO_BUCKET: return answer_error(c, "404 Not Found", "NoSuchBucket");
    case ENDPOINT_BAD_DIGEST: return answer_error(c, "400 Bad Request", "BadDigest");
    case ENDPOINT_ERROR_AS_200: return answer_error(c, "200 OK", "InternalError");
    case ENDPOINT_SILENT: stall(c, 6000); return false;
    case ENDPOINT_CLOSE: return false;
    case ENDPOINT_GARBAGE: send_all(c, "SSH-2.0-nothing\r\n\r\n", 19); return false;
    case ENDPOINT_ENDLESS:
        send_all(c, "HTTP/1.1 200 OK\r\n", 17);
        for (int i = 0; i < 200000; i++)
            if (!send_all(c, "x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 58)) return false;
        return false;
    default: *handled = false; return true;
    }
}

static endpoint_fault next_fault(client *c) {
    endpoint *server = c->server;
    char value[10];
    endpoint_fault fault = ENDPOINT_SOUND;
    pthread_mutex_lock(&server->lock);
    bool applies = server->times > 0 && (server->method[0] == '\0' || strcmp(server->method, c->method) == 0);
    if (server->fault == ENDPOINT_NOT_IMPLEMENTED && header(c->head, "if-none-match", value, sizeof value) == NULL)
        applies = false;
    if (applies) {
        server->times--;
        fault = server->fault;
    }
    if (strcmp(c->method, "PUT") == 0) server->puts++;
    if (strcmp(c->method, "GET") == 0) (*(c->query[0] != '\0' ? &server->lists : &server->gets))++;
    if (strcmp(c->method, "HEAD") == 0) server->heads++;
    if (strcmp(c->method, "DELETE") == 0) server->deletes++;
    pthread_mutex_unlock(&server->lock);
    return fault;
}

static bool respond(client *c, const uint8_t *body, size_t size) {
    endpoint_fault fault = next_fault(c);
    bool handled;
    if (fault == ENDPOINT_NOT_IMPLEMENTED) return answer_error(c, "501 Not Implemented", "NotImplemented");
    bool alive = misbehave(c, fault, &handled);
    if (handled) return alive;
    if (strcmp(c->method, "PUT") == 0) return put(c, body, size);
    if (strcmp(c->method, "POST") == 0) return delete_many(c, body, size);
    if (strcmp(c->method, "GET") == 0 && c->query[0] != '\0') return list(c);
    if (strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0) return get(c, fault);
    pthread_mutex_lock(&c->server->lock);
    drop(c->server, c->path);
    pthread_mutex_unlock(&c->server->lock);
    return answer(c, "204 No Content", "", NULL, 0);
}

static bool wait_for_bytes(client *c) {
    while (!atomic_load(&c->server->stopping)) {
        struct pollfd watch = {.fd = c->socket, .events = POLLIN};
        if (poll(&watch, 1, 50) > 0) return true;
    }
    return false;
}

/* One request; false: the connection ends. */
static bool serve_one(client *c) {
    char *end = NULL, value[40];
    c->filled = 0;
    while (end == NULL) {
        if (c->filled + 1 >= sizeof c->head || !wait_for_bytes(c)) return false;
        ssize_t got = recv(c->socket, c->head + c->filled, sizeof c->head - 1 - c->filled, 0);
        if (got <= 0) return false;
        c->filled += (size_t)got;
        c->head[c->filled] = '\0';
        end = strstr(c->head, "\r\n\r\n");
    }
    char target[2000];
    if (sscanf(c->head, "%9s %1999s", c->method, target) != 2) return false;
    c->query[0] = '\0';
    char *mark = strchr(target, '?');
    if (mark != NULL) {
        snprintf(c->query, sizeof c->query, "%s", mark + 1);
        *mark = '\0';
    }
    snprintf(c->path, sizeof c->path, "%s", target);
    unescape(c->path);
    size_t size = header(c->head, "content-length", value, sizeof value) != NULL ? strtoul(value, NULL, 10) : 0;
    uint8_t *body = malloc(size + 1);
    size_t behind = c->filled - (size_t)(end + 4 - c->head), have = behind < size ? behind : size;
    memcpy(body, end + 4, have);
    *end = '\0';
    if (header(c->head, "expect", value, sizeof value) != NULL) send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    while (have < size) {
        if (!wait_for_bytes(c)) break;
        ssize_t got = recv(c->socket, body + have, size - have, 0);
        if (got <= 0) break;
        have += (size_t)got;
    }
    bool alive = have == size && respond(c, body, size);
    free(body);
    return alive;
}

static void *serve(void *argument) {
    client *c = argument;
    while (!atomic_load(&c->server->stopping) && serve_one(c)) {}
    shutdown(c->socket, SHUT_RDWR);
    close(c->socket);
    atomic_fetch_sub(&c->server->connections, 1);
    free(c);
    return NULL;
}

static void *accept_all(void *argument) {
    endpoint *server = argument;
    while (!atomic_load(&server->stopping)) {
        struct pollfd watch = {.fd = server->listener, .events = POLLIN};
        if (poll(&watch, 1, 50) <= 0) continue;
        int socket = accept(server->listener, NULL, NULL), one = 1;
        if (socket < 0) continue;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        client *c = calloc(1, sizeof *c);
        c->server = server;
        c->socket = socket;
        atomic_fetch_add(&server->connections, 1);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, c) == 0) pthread_detach(thread);
    }
    return NULL;
}

endpoint *endpoint_start(void) {
    endpoint *server = calloc(1, sizeof *server);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(server->listener, 64) != 0) abort();
    getsockname(server->listener, (struct sockaddr *)&at, &length);
    server->port = ntohs(at.sin_port);
    pthread_mutex_init(&server->lock, NULL);
    pthread_create(&server->acceptor, NULL, accept_all, server);
    return server;
}

void endpoint_stop(endpoint *server) {
    atomic_store(&server->stopping, true);
    pthread_join(server->acceptor, NULL);
    while (atomic_load(&server->connections) > 0) usleep(1000);
    close(server->listener);
    for (size_t i = 0; i < server->count; i++) {
        free(server->objects[i]->bytes);
        free(server->objects[i]);
    }
    pthread_mutex_destroy(&server->lock);
    free(server);
}

unsigned endpoint_port(const endpoint *server) { return server->port; }

void endpoint_misbehave(endpoint *server, endpoint_fault fault, const char *method, unsigned times) {
    pthread_mutex_lock(&server->lock);
    server->fault = fault;
    snprintf(server->method, sizeof server->method, "%s", method == NULL ? "" : method);
    server->times = times;
    pthread_mutex_unlock(&server->lock);
}

void endpoint_lacks(endpoint *server, bool conditions, bool checksums, bool keeps_refused) {
    server->no_conditions = conditions;
    server->no_checksums = checksums;
    server->keeps_refused = keeps_refused;
}

size_t endpoint_objects(endpoint *server) {
    pthread_mutex_lock(&server->lock);
    size_t count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned endpoint_requests(endpoint *server, const char *method) {
    pthread_mutex_lock(&server->lock);
    unsigned count = strcmp(method, "GET") == 0    ? server->gets
                     : strcmp(method, "PUT") == 0  ? server->puts
                     : strcmp(method, "HEAD") == 0 ? server->heads
                                                   : server->deletes;
    pthread_mutex_unlock(&server->lock);
    return count;
}

void endpoint_damage_all(endpoint *server) {
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->count; i++)
        if (server->objects[i]->size_bytes > 0) server->objects[i]->bytes[server->objects[i]->size_bytes / 2] ^= 1;
    pthread_mutex_unlock(&server->lock);
}

uint64_t endpoint_bytes_sent(endpoint *server) {
    pthread_mutex_lock(&server->lock);
    uint64_t sent = server->sent;
    pthread_mutex_unlock(&server->lock);
    return sent;
}

void endpoint_hostile_listing(endpoint *server, const char *xml) { server->listing = xml; }

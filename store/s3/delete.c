/* A thousand keys in one request. Keys of the native scheme need no escapes in XML; others are escaped. */
#include <stdio.h>
#include <string.h>

#include <kvformat/checksum.h>

#include "s3.h"

static size_t put_text(char *to, size_t at, const char *text) {
    size_t length = strlen(text);
    memcpy(to + at, text, length);
    return at + length;
}

static size_t put_escaped(char *to, size_t at, const char *text) {
    for (; *text != '\0'; text++) switch (*text) {
        case '&': at = put_text(to, at, "&amp;"); break;
        case '<': at = put_text(to, at, "&lt;"); break;
        case '>': at = put_text(to, at, "&gt;"); break;
        default: to[at++] = *text; break;
        }
    return at;
}

static size_t write_body(const kvs3 *self, const char *const *keys, size_t count, char *to) {
    size_t at = put_text(to, 0, "<Delete><Quiet>true</Quiet>");
    for (size_t i = 0; i < count; i++) {
        at = put_text(to, at, "<Object><Key>");
        at = put_escaped(to, at, self->prefix);
        if (self->prefix[0] != '\0') to[at++] = '/';
        at = put_escaped(to, at, keys[i]);
        at = put_text(to, at, "</Key></Object>");
    }
    return put_text(to, at, "</Delete>");
}

static kvcore_status refuse(kvcore_error *error, kvcore_status status, uint64_t http) {
    kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX, .actual = http}, "cannot delete: %s",
                kvcore_status_text(status));
    return status;
}

/* Quiet: the answer names those that could not be deleted, and nothing else. */
static kvcore_status send_body(kvs3 *self, char *body, size_t length, kvcore_error *error) {
    kvstore_span span = {body, length};
    kvstore_transfer transfer = {.request = KVSTORE_TRANSFER_REMOVE,
                                 .spans = &span,
                                 .span_count = 1,
                                 .payload_bytes = length,
                                 .crc32c = kvformat_crc32c(0, (kvcore_bytes){body, length}),
                                 .deadline_ns = kvstore_clock_ns(&self->options) + 60 * KVS3_SECOND};
    kvs3_request *request = kvstore_s3__take(self, &transfer);
    if (request == NULL) return refuse(error, KVCORE_EBUSY, 0);
    request->query = "delete=";
    request->posts = true;
    request->answer_most = 1 << 20;
    bool failed = !kvstore_s3__write_url(self, NULL, request->query, request->url, sizeof request->url);
    if (!failed) kvstore_s3__wait(request);
    failed = failed || transfer.outcome != KVSTORE_HIT;
    bool some = !failed && request->answer_bytes > 0 && strstr(request->answer, "<Error>") != NULL;
    kvstore_s3__give(request);
    if (some) return refuse(error, KVCORE_EIO, transfer.http_code);
    return failed ? refuse(error, transfer.status == KVCORE_OK ? KVCORE_EIO : transfer.status, transfer.http_code)
                  : KVCORE_OK;
}

kvcore_status kvstore_s3__remove_many(void *ctx, const char *const *keys, size_t count, kvcore_error *error) {
    kvs3 *self = ctx;
    size_t room = 64;
    for (size_t i = 0; i < count; i++) room += 6 * (strlen(keys[i]) + strlen(self->prefix) + 1) + 40;
    char *body = kvcore_alloc(&self->allocator, room, 1, 1);
    if (body == NULL) return refuse(error, KVCORE_ENOMEM, 0);
    kvcore_status status = send_body(self, body, write_body(self, keys, count, body), error);
    kvcore_free(&self->allocator, body, room, 1, 1);
    return status;
}

/* Listings and error documents: XML of a server that may be hostile. No document type, no entities, bounded texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "s3.h"

enum { DEPTH_MOST = 16, TEXT_MOST = 2048, PAGE_MOST = 8 << 20 };

typedef struct page {
    XML_Parser parser;
    kvs3_visit visit;
    void *ctx;
    char *token;
    size_t token_room;
    char text[TEXT_MOST], key[TEXT_MOST];
    size_t text_bytes, key_bytes;
    uint64_t size_bytes, modified_s;
    int depth;
    bool is_list, in_contents, bad, ended;
} page;

static void refuse(page *at) {
    at->bad = true;
    XML_StopParser(at->parser, XML_FALSE);
}

static void begin_doctype(void *argument, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                          int subset) {
    (void)name;
    (void)system;
    (void)public;
    (void)subset;
    refuse(argument);
}

static void begin_element(void *argument, const XML_Char *name, const XML_Char **attributes) {
    page *at = argument;
    (void)attributes;
    at->text_bytes = 0;
    if (++at->depth > DEPTH_MOST) refuse(at);
    if (at->depth == 1) at->is_list = strcmp(name, "ListBucketResult") == 0;
    if (at->depth == 2 && strcmp(name, "Contents") == 0) {
        at->in_contents = true;
        at->key_bytes = 0;
        at->size_bytes = at->modified_s = 0;
    }
}

static void take_text(void *argument, const XML_Char *text, int length) {
    page *at = argument;
    if ((size_t)length >= sizeof at->text - at->text_bytes) {
        refuse(at);
        return;
    }
    memcpy(at->text + at->text_bytes, text, (size_t)length);
    at->text_bytes += (size_t)length;
}

static uint64_t number_of(const char *text, size_t length) {
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(text[i] - '0'), &sum))
            return 0;
    return sum;
}

/* "2026-11-25T12:34:56…" as seconds since the epoch; 0 for anything else. */
static uint64_t time_of(const char *text, size_t length) {
    static const char shape[] = "0000-00-00T00:00:00";
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    if (length < sizeof shape - 1) return 0;
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) return 0;
    uint64_t year = number_of(text, 4), month = number_of(text + 5, 2), day = number_of(text + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return 0;
    uint64_t leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint64_t days = (year - 1970) * 365 + leaps + before[month - 1] + (leap && month > 2) + day - 1;
    return ((days * 24 + number_of(text + 11, 2)) * 60 + number_of(text + 14, 2)) * 60 + number_of(text + 17, 2);
}

static void end_contents(page *at, const char *name) {
    if (at->depth == 3 && strcmp(name, "Key") == 0) {
        memcpy(at->key, at->text, at->text_bytes);
        at->key_bytes = at->text_bytes;
    } else if (at->depth == 3 && strcmp(name, "Size") == 0) {
        at->size_bytes = number_of(at->text, at->text_bytes);
    } else if (at->depth == 3 && strcmp(name, "LastModified") == 0) {
        at->modified_s = time_of(at->text, at->text_bytes);
    } else if (at->depth == 2) {
        at->in_contents = false;
        if (!at->ended) at->ended = !at->visit(at->ctx, at->key, at->key_bytes, at->size_bytes, at->modified_s);
    }
}

static void end_element(void *argument, const XML_Char *name) {
    page *at = argument;
    if (at->in_contents) {
        end_contents(at, name);
    } else if (at->depth == 2 && strcmp(name, "NextContinuationToken") == 0) {
        if (at->text_bytes < at->token_room) {
            memcpy(at->token, at->text, at->text_bytes);
            at->token[at->text_bytes] = '\0';
        } else {
            refuse(at);
        }
    }
    at->text_bytes = 0;
    at->depth--;
}

bool kvstore_s3__parse_list(const char *xml, size_t size_bytes, kvs3_visit visit, void *ctx, char *token,
                            size_t token_room) {
    page at = {.parser = XML_ParserCreate(NULL), .visit = visit, .ctx = ctx, .token = token, .token_room = token_room};
    if (at.parser == NULL || size_bytes > PAGE_MOST) {
        if (at.parser != NULL) XML_ParserFree(at.parser);
        return false;
    }
    token[0] = '\0';
    XML_SetUserData(at.parser, &at);
    XML_SetElementHandler(at.parser, begin_element, end_element);
    XML_SetCharacterDataHandler(at.parser, take_text);
    XML_SetStartDoctypeDeclHandler(at.parser, begin_doctype);
    bool whole = XML_Parse(at.parser, xml, (int)size_bytes, 1) == XML_STATUS_OK && !at.bad && at.is_list;
    XML_ParserFree(at.parser);
    return whole;
}

/* ---- error documents ---- */

typedef struct error_page {
    XML_Parser parser;
    char *code;
    size_t room, length;
    int depth;
    bool in_code;
} error_page;

static void begin_error(void *argument, const XML_Char *name, const XML_Char **attributes) {
    error_page *at = argument;
    (void)attributes;
    if (++at->depth > DEPTH_MOST) XML_StopParser(at->parser, XML_FALSE);
    at->in_code = at->depth == 2 && strcmp(name, "Code") == 0 && at->length == 0;
}

static void end_error(void *argument, const XML_Char *name) {
    error_page *at = argument;
    (void)name;
    at->in_code = false;
    at->depth--;
}

static void take_code(void *argument, const XML_Char *text, int length) {
    error_page *at = argument;
    if (!at->in_code) return;
    for (int i = 0; i < length && at->length + 1 < at->room; i++) at->code[at->length++] = text[i];
}

static void stop_at_doctype(void *argument, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                            int subset) {
    error_page *at = argument;
    (void)name;
    (void)system;
    (void)public;
    (void)subset;
    XML_StopParser(at->parser, XML_FALSE);
}

void kvstore_s3__parse_error(const char *xml, size_t size_bytes, char *code, size_t room) {
    error_page at = {.parser = XML_ParserCreate(NULL), .code = code, .room = room};
    code[0] = '\0';
    if (at.parser == NULL) return;
    XML_SetUserData(at.parser, &at);
    XML_SetElementHandler(at.parser, begin_error, end_error);
    XML_SetCharacterDataHandler(at.parser, take_code);
    XML_SetStartDoctypeDeclHandler(at.parser, stop_at_doctype);
    if (size_bytes > 0 && size_bytes <= KVS3_ANSWER_BYTES) XML_Parse(at.parser, xml, (int)size_bytes, 1);
    XML_ParserFree(at.parser);
    code[at.length] = '\0';
}

/* ---- the backend's call ---- */

typedef struct cursor {
    char token[TEXT_MOST];
} cursor;

typedef struct strip {
    kvstore_backend_visit visit;
    void *ctx;
    const char *front;
    size_t front_bytes;
    bool ended;
} strip;

static bool visit_stripped(void *ctx, const char *key, size_t key_bytes, uint64_t size_bytes, uint64_t modified_s) {
    strip *at = ctx;
    char copy[TEXT_MOST + 1];
    if (key_bytes < at->front_bytes || memcmp(key, at->front, at->front_bytes) != 0) return true; /* not asked for */
    memcpy(copy, key + at->front_bytes, key_bytes - at->front_bytes);
    copy[key_bytes - at->front_bytes] = '\0';
    at->ended =
        !at->visit(at->ctx, copy, key_bytes - at->front_bytes, size_bytes, size_bytes, modified_s * KVS3_SECOND);
    return !at->ended;
}

static kvcore_status refuse_list(kvcore_error *error, kvcore_status status, const kvstore_transfer *transfer) {
    kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX, .actual = transfer->http_code},
                "cannot list: %s", kvcore_status_text(status));
    return status;
}

kvcore_status kvstore_s3__list(void *ctx, const char *prefix, void **state, kvstore_backend_visit visit,
                               void *visit_ctx, kvcore_error *error) {
    kvs3 *self = ctx;
    cursor *at = *state;
    char front[KVSTORE_PREFIX_MAX_BYTES + KVSTORE_KEY_BYTES], escaped[3 * sizeof front], token[3 * TEXT_MOST],
        query[sizeof escaped + sizeof token + 200];
    snprintf(front, sizeof front, "%s%s%s", self->prefix, self->prefix[0] != '\0' ? "/" : "", prefix);
    kvstore_s3__escape(front, false, escaped, sizeof escaped);
    kvstore_s3__escape(at == NULL ? "" : at->token, false, token, sizeof token);
    bool more = at != NULL;
    snprintf(query, sizeof query, "%s%s%slist-type=2&max-keys=1000&prefix=%s", more ? "continuation-token=" : "", token,
             more ? "&" : "", escaped);
    kvstore_transfer transfer = {.request = KVSTORE_TRANSFER_GET,
                                 .deadline_ns = kvstore_clock_ns(&self->options) + 30 * KVS3_SECOND};
    kvs3_request *request = kvstore_s3__take(self, &transfer);
    if (request == NULL) return refuse_list(error, KVCORE_EBUSY, &transfer);
    request->query = query;
    request->answer_most = PAGE_MOST;
    kvcore_status status = KVCORE_OK;
    strip stripped = {visit, visit_ctx, self->prefix, strlen(self->prefix) + (self->prefix[0] != '\0'), false};
    stripped.front = front; /* begins with the prefix and its slash */
    if (!kvstore_s3__write_url(self, NULL, query, request->url, sizeof request->url)) status = KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) {
        kvstore_s3__wait(request);
        status = transfer.outcome == KVSTORE_HIT ? KVCORE_OK
                 : transfer.status == KVCORE_OK  ? KVCORE_EIO
                                                 : transfer.status;
    }
    if (status == KVCORE_OK && at == NULL) {
        at = kvcore_alloc(&self->allocator, 1, sizeof *at, _Alignof(cursor));
        if (at == NULL) status = KVCORE_ENOMEM;
    }
    if (status == KVCORE_OK && !kvstore_s3__parse_list(request->answer, request->answer_bytes, visit_stripped,
                                                       &stripped, at->token, sizeof at->token))
        status = KVSTORE_ERESPONSE;
    kvstore_s3__give(request);
    *state = at;
    if (status == KVCORE_OK && at->token[0] != '\0' && !stripped.ended) return KVCORE_OK;
    kvstore_s3__list_end(self, at);
    *state = NULL;
    return status == KVCORE_OK ? status : refuse_list(error, status, &transfer);
}

void kvstore_s3__list_end(void *ctx, void *state) {
    kvs3 *self = ctx;
    kvcore_free(&self->allocator, state, 1, sizeof(cursor), _Alignof(cursor));
}

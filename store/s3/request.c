/* Requests: set up, driven by libcurl's multi interface, repeated where that may help. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <kvcore/digest.h>
#include <kvcore/text.h>

#include "s3.h"

static const char empty_sha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* ---- bodies ---- */

/* The part of the body at `offset`: of a span, or of the trailer. Its length; 0 at the end. */
static size_t part_at(const kvstore_transfer *transfer, uint64_t payload, uint64_t offset, uint8_t **part) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < transfer->span_count && at < payload; i++) {
        uint64_t length = transfer->spans[i].size_bytes;
        if (length > payload - at) length = payload - at;
        if (offset < at + length) {
            *part = (uint8_t *)transfer->spans[i].bytes + (offset - at);
            return (size_t)(at + length - offset);
        }
        at += length;
    }
    if (offset < payload || offset >= payload + transfer->trailer_bytes) return 0;
    *part = transfer->trailer + (offset - payload);
    return (size_t)(payload + transfer->trailer_bytes - offset);
}

static size_t read_body(char *to, size_t size, size_t count, void *argument) {
    kvs3_request *request = argument;
    size_t room = size * count, given = 0;
    if (request->cut) return CURL_READFUNC_ABORT;
    while (given < room) {
        uint8_t *part = NULL;
        size_t length = part_at(request->transfer, request->transfer->payload_bytes, request->sent, &part);
        if (length == 0) break;
        if (length > room - given) length = room - given;
        memcpy(to + given, part, length);
        given += length;
        request->sent += length;
    }
    return given;
}

static int seek_body(void *argument, curl_off_t offset, int origin) {
    kvs3_request *request = argument;
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    request->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool keep_answer(kvs3_request *request, const char *bytes, size_t count) {
    size_t most = request->answer_most;
    if (count > most - request->answer_bytes) return false;
    if (request->answer_bytes + count + 1 > request->answer_room) {
        size_t room = 2 * (request->answer_bytes + count) + 512;
        char *larger = kvcore_alloc(&request->self->allocator, room, 1, 1);
        if (larger == NULL) return false;
        if (request->answer_bytes > 0) memcpy(larger, request->answer, request->answer_bytes);
        kvcore_free(&request->self->allocator, request->answer, request->answer_room, 1, 1);
        request->answer = larger;
        request->answer_room = room;
    }
    memcpy(request->answer + request->answer_bytes, bytes, count);
    request->answer_bytes += count;
    request->answer[request->answer_bytes] = '\0';
    return true;
}

static bool is_block(const kvs3_request *request) {
    return request->query == NULL && request->transfer->request == KVSTORE_TRANSFER_GET;
}

/* Before a byte is written: is it as long as it may be? */
static bool check_length(kvs3_request *request) {
    const kvstore_transfer *transfer = request->transfer;
    if (request->checked_length) return !request->refused_early;
    request->checked_length = true;
    curl_off_t length = -1;
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    request->content_length = length;
    request->refused_early = length < (curl_off_t)transfer->trailer_bytes ||
                             (uint64_t)length - transfer->trailer_bytes > transfer->payload_bytes;
    request->expected = request->refused_early ? 0 : (uint64_t)length - transfer->trailer_bytes;
    return !request->refused_early;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *argument) {
    kvs3_request *request = argument;
    size_t length = size * count, taken = 0;
    long http = 0;
    if (request->cut) return 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &http);
    if (!is_block(request) || http / 100 != 2) return keep_answer(request, bytes, length) ? length : 0;
    if (!check_length(request)) return 0;
    while (taken < length) {
        uint8_t *part = NULL;
        size_t room = part_at(request->transfer, request->expected, request->received, &part);
        if (room == 0) return 0;
        if (room > length - taken) room = length - taken;
        memcpy(part, bytes + taken, room);
        taken += room;
        request->received += room;
    }
    return length;
}

/* ---- headers ---- */

static bool named(const char *line, size_t length, const char *name, const char **value, size_t *value_bytes) {
    size_t front = strlen(name);
    if (length < front + 1 || strncasecmp(line, name, front) != 0 || line[front] != ':') return false;
    *value = line + front + 1;
    *value_bytes = length - front - 1;
    while (*value_bytes > 0 && (**value == ' ' || **value == '\t')) (*value)++, (*value_bytes)--;
    while (*value_bytes > 0 && strchr("\r\n \t", (*value)[*value_bytes - 1]) != NULL) (*value_bytes)--;
    return true;
}

static size_t take_header(char *line, size_t size, size_t count, void *argument) {
    kvs3_request *request = argument;
    size_t length = size * count, value_bytes;
    const char *value;
    if (named(line, length, "retry-after", &value, &value_bytes) && value_bytes > 0 && value_bytes < 6) {
        uint64_t seconds = 0;
        for (size_t i = 0; i < value_bytes && value[i] >= '0' && value[i] <= '9'; i++)
            seconds = 10 * seconds + (uint64_t)(value[i] - '0');
        request->retry_after_ns = seconds * KVS3_SECOND;
    } else if (named(line, length, "content-range", &value, &value_bytes) &&
               value_bytes < sizeof request->content_range) {
        memcpy(request->content_range, value, value_bytes);
        request->content_range[value_bytes] = '\0';
    }
    return length;
}

static bool add_header(kvs3_request *request, const char *name, const char *value) {
    char line[KVSTORE_S3_SECRET_BYTES + 128];
    if (value == NULL || value[0] == '\0') return true;
    if ((size_t)snprintf(line, sizeof line, "%s: %s", name, value) >= sizeof line) return false;
    struct curl_slist *longer = curl_slist_append(request->headers, line);
    explicit_bzero(line, sizeof line);
    if (longer != NULL) request->headers = longer;
    return longer != NULL;
}

static bool body_sha256(const kvstore_transfer *transfer, char text[65]) {
    kvcore_sha256_hasher hasher;
    kvcore_hash256 hash;
    if (kvcore_sha256_begin(&hasher) != KVCORE_OK) return false;
    kvcore_status status = KVCORE_OK;
    for (uint32_t i = 0; i < transfer->span_count && status == KVCORE_OK; i++)
        status = kvcore_sha256_add(&hasher, (kvcore_bytes){transfer->spans[i].bytes, transfer->spans[i].size_bytes});
    if (status == KVCORE_OK && transfer->trailer_bytes > 0)
        status = kvcore_sha256_add(&hasher, (kvcore_bytes){transfer->trailer, transfer->trailer_bytes});
    if (status == KVCORE_OK) status = kvcore_sha256_end(&hasher, &hash);
    kvcore_sha256_drop(&hasher);
    if (status != KVCORE_OK) return false;
    kvcore_hex_encode(hash.bytes, sizeof hash.bytes, text);
    text[64] = '\0';
    return true;
}

static void base64_of(uint32_t crc, char text[9]) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t bits = (uint64_t)crc << 4; /* 32 bits are 5 digits and 2 bits of a sixth */
    for (int i = 0; i < 6; i++) text[i] = alphabet[bits >> (30 - 6 * i) & 63];
    memcpy(text + 6, "==", 3);
}

static bool add_put_headers(kvs3_request *request) {
    const kvs3 *self = request->self;
    const kvstore_transfer *transfer = request->transfer;
    char sum[9], sha[65] = "UNSIGNED-PAYLOAD";
    base64_of(request->bad_checksum ? transfer->crc32c ^ 1 : transfer->crc32c, sum);
    if (self->sign_payload && !body_sha256(transfer, sha)) return false;
    request->sent_condition = transfer->create_only && self->conditional;
    return add_header(request, "if-none-match", request->sent_condition ? "*" : "") &&
           add_header(request, "x-amz-checksum-crc32c", sum) && add_header(request, "x-amz-content-sha256", sha) &&
           add_header(request, "x-amz-server-side-encryption", self->encryption) &&
           add_header(request, "x-amz-server-side-encryption-aws-kms-key-id", self->encryption_key) &&
           add_header(request, "x-amz-storage-class", self->storage_class);
}

/* A document is always signed whole: it is small. */
static bool add_body_headers(kvs3_request *request) {
    char sum[9], sha[65];
    base64_of(request->transfer->crc32c, sum);
    return body_sha256(request->transfer, sha) && add_header(request, "content-type", "application/xml") &&
           add_header(request, "x-amz-checksum-crc32c", sum) && add_header(request, "x-amz-content-sha256", sha);
}

static bool add_headers(kvs3_request *request) {
    const kvs3 *self = request->self;
    bool put = request->query == NULL && request->transfer->request == KVSTORE_TRANSFER_PUT;
    if (!add_header(request, "x-amz-security-token", self->secrets.session_token)) return false;
    if (!add_header(request, "x-amz-expected-bucket-owner", self->owner)) return false;
    if (put) return add_put_headers(request);
    if (request->posts) return add_body_headers(request);
    if (request->range == NULL && is_block(request) && !add_header(request, "x-amz-checksum-mode", "ENABLED"))
        return false;
    return add_header(request, "x-amz-content-sha256", empty_sha256) && add_header(request, "range", request->range);
}

/* ---- one attempt ---- */

static void set_method(kvs3_request *request) {
    CURL *easy = request->easy;
    if (request->posts) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->transfer->payload_bytes);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, request);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
    }
    if (request->query != NULL) return;
    switch (request->transfer->request) {
    case KVSTORE_TRANSFER_PUT:
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, request);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
        curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 100L);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 524288L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                         (curl_off_t)(request->transfer->payload_bytes + request->transfer->trailer_bytes));
        return;
    case KVSTORE_TRANSFER_HEAD:
    case KVSTORE_TRANSFER_TOUCH: curl_easy_setopt(easy, CURLOPT_NOBODY, 1L); return;
    case KVSTORE_TRANSFER_REMOVE: curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE"); return;
    default: return;
    }
}

static void set_connection(kvs3_request *request, uint64_t now_ns) {
    const kvs3 *self = request->self;
    CURL *easy = request->easy;
    uint64_t left_ms = (request->transfer->deadline_ns - now_ns) / 1000000 + 1;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, self->proxy == NULL ? "" : self->proxy);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 524288L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 86400000 ? 86400000 : left_ms));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 2L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (self->ca_bundle != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, self->ca_bundle);
    curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, self->region_text);
    curl_easy_setopt(easy, CURLOPT_USERNAME, self->secrets.access_key);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, self->secrets.secret_key);
}

static void count(kvs3 *self, int kind, int class) {
    pthread_mutex_lock(&self->lock);
    if (kind >= 0) self->counts.requests[kind]++;
    if (class >= 0) self->counts.answers[class]++;
    pthread_mutex_unlock(&self->lock);
}

static int kind_of(const kvs3_request *request) {
    if (request->query != NULL) return request->posts ? KVSTORE_REQUESTS_DELETE : KVSTORE_REQUESTS_LIST;
    switch (request->transfer->request) {
    case KVSTORE_TRANSFER_GET: return KVSTORE_REQUESTS_GET;
    case KVSTORE_TRANSFER_PUT: return KVSTORE_REQUESTS_PUT;
    case KVSTORE_TRANSFER_REMOVE: return KVSTORE_REQUESTS_DELETE;
    default: return KVSTORE_REQUESTS_HEAD;
    }
}

static void end(kvs3_request *request, uint32_t outcome, kvcore_status status) {
    request->transfer->outcome = outcome;
    request->transfer->status = status;
    request->state = KVS3_FINISHED;
}

static void fail_for_memory(kvs3_request *request) { end(request, KVSTORE_FAILED, KVCORE_ENOMEM); }

bool kvstore_s3__send(kvs3_request *request) {
    kvs3 *self = request->self;
    uint64_t now = kvstore_clock_ns(&self->options);
    if (now >= request->transfer->deadline_ns) {
        end(request, request->transfer->request == KVSTORE_TRANSFER_PUT ? KVSTORE_FAILED : KVSTORE_SKIPPED,
            KVSTORE_ETIMEOUT);
        return false;
    }
    kvstore_s3__renew(self, now);
    if (request->easy == NULL) request->easy = curl_easy_init();
    if (request->easy == NULL) {
        fail_for_memory(request);
        return false;
    }
    curl_easy_reset(request->easy);
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    request->sent = request->received = request->answer_bytes = 0;
    request->checked_length = request->refused_early = false;
    request->content_length = -1;
    request->retry_after_ns = 0;
    request->content_range[0] = '\0';
    if (!add_headers(request)) {
        fail_for_memory(request);
        return false;
    }
    set_connection(request, now);
    set_method(request);
    curl_easy_setopt(request->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    if (curl_multi_add_handle(self->multi, request->easy) != CURLM_OK) {
        fail_for_memory(request);
        return false;
    }
    request->state = KVS3_RUNNING;
    request->attempts++;
    self->running++;
    count(self, kind_of(request), -1);
    return true;
}

/* ---- what comes after an attempt ---- */

static uint64_t next_random(kvs3 *self) {
    uint64_t z = self->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    return z ^ z >> 31;
}

/* A random part of 50 ms, 100 ms, 200 ms …; at least what the server asks for. */
static uint64_t pause_before(kvs3 *self, const kvs3_request *request) {
    uint64_t most = UINT64_C(50000000) << (request->attempts < 7 ? request->attempts : 7);
    if (most > 5 * KVS3_SECOND) most = 5 * KVS3_SECOND;
    uint64_t wait = next_random(self) % (most + 1);
    return wait < request->retry_after_ns ? request->retry_after_ns : wait;
}

static bool may_retry(kvs3 *self, const kvs3_request *request, uint64_t wait, uint64_t now) {
    return request->attempts < KVS3_ATTEMPTS_MOST && self->budget >= KVS3_RETRY_COST && !request->cut &&
           now + wait < request->transfer->deadline_ns;
}

static void go_slower(kvs3 *self, uint64_t now) {
    if (now < self->slower_ns) return; /* one answer of a burst is enough */
    self->limit = self->limit > 1 ? self->limit / 2 : 1;
    self->slower_ns = now + KVS3_SECOND;
}

static void go_faster(kvs3 *self, uint64_t now) {
    if (self->limit >= self->most || now < self->slower_ns) return;
    self->limit++;
    self->slower_ns = now + KVS3_SECOND;
}

static bool says_slow_down(long http) { return http == 503 || http == 429; }

static void after_attempt(kvs3_request *request, CURLcode code, uint64_t now) {
    kvs3 *self = request->self;
    long http = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &http);
    if (code != CURLE_OK) http = code == CURLE_WRITE_ERROR || code == CURLE_PARTIAL_FILE ? http : 0;
    request->transfer->http_code = (uint32_t)http;
    request->transfer->attempts = request->attempts;
    request->answered += code == CURLE_OK;
    kvs3_meaning meaning = kvstore_s3__judge(request, code, http);
    if (says_slow_down(http)) go_slower(self, now);
    if (meaning == KVS3_DONE && code == CURLE_OK && http / 100 == 2 && self->budget < KVS3_BUDGET) self->budget++;
    if (meaning == KVS3_PLAINER) self->conditional = false;
    bool once = meaning == KVS3_ONCE || meaning == KVS3_RELOAD || meaning == KVS3_PLAINER;
    if (meaning == KVS3_RELOAD) {
        once = !request->reloaded && kvstore_s3__load(self);
        request->reloaded = true;
    }
    uint64_t wait = meaning == KVS3_PLAINER || meaning == KVS3_RELOAD ? 0 : pause_before(self, request);
    bool again = meaning == KVS3_RETRY || (once && request->attempts < (meaning == KVS3_PLAINER ? 3u : 2u));
    if (again && may_retry(self, request, wait, now)) {
        self->budget -= KVS3_RETRY_COST;
        pthread_mutex_lock(&self->lock);
        self->counts.retries++;
        pthread_mutex_unlock(&self->lock);
        request->state = KVS3_WAITING;
        request->due_ns = now + wait;
    } else {
        request->state = KVS3_FINISHED;
    }
}

static void collect(kvs3 *self, uint64_t now) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(self->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        kvs3_request *request = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
        after_attempt(request, code, now);
        curl_multi_remove_handle(self->multi, easy);
        self->running--;
    }
}

static void start_due(kvs3 *self, uint64_t now) {
    for (kvs3_request *request = self->first; request != NULL; request = request->next) {
        if (request->cut && (request->state == KVS3_QUEUED || request->state == KVS3_WAITING))
            end(request, KVSTORE_SKIPPED, KVSTORE_ETIMEOUT);
        bool due = request->state == KVS3_QUEUED || (request->state == KVS3_WAITING && now >= request->due_ns);
        if (due && self->running < self->limit) (void)kvstore_s3__send(request);
    }
}

static void arm(kvs3 *self, uint64_t now) {
    long wait_ms = -1;
    uint64_t due = UINT64_MAX;
    curl_multi_timeout(self->multi, &wait_ms);
    if (wait_ms >= 0) due = now + (uint64_t)wait_ms * 1000000;
    for (const kvs3_request *request = self->first; request != NULL; request = request->next) {
        if (request->state == KVS3_FINISHED) due = now;
        if (request->state == KVS3_WAITING && request->due_ns < due) due = request->due_ns;
    }
    uint64_t wait = due == UINT64_MAX ? 0 : due <= now ? 1 : due - now;
    struct itimerspec when = {.it_value = {(time_t)(wait / KVS3_SECOND), (long)(wait % KVS3_SECOND)}};
    timerfd_settime(self->timer_descriptor, 0, &when, NULL);
}

static void drive(kvs3 *self) {
    struct epoll_event events[64];
    int active, count = epoll_wait(self->epoll_descriptor, events, 64, 0);
    bool timer = true; /* cheap, and nothing is missed */
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == self->timer_descriptor) {
            uint64_t expirations;
            (void)!read(self->timer_descriptor, &expirations, sizeof expirations);
            continue;
        }
        int mask = ((events[i].events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                   ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                   ((events[i].events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(self->multi, events[i].data.fd, mask, &active);
    }
    if (timer) curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &active);
}

static size_t hand_out(kvs3 *self, kvstore_transfer **done, size_t capacity) {
    size_t given = 0;
    for (kvs3_request *request = self->first, *next; request != NULL && given < capacity; request = next) {
        next = request->next;
        if (request->state != KVS3_FINISHED || request->transfer->state == NULL) continue;
        done[given++] = request->transfer;
        kvstore_s3__give(request);
    }
    return given;
}

size_t kvstore_s3__step(kvs3 *self, kvstore_transfer **done, size_t capacity) {
    uint64_t now = kvstore_clock_ns(&self->options);
    go_faster(self, now);
    start_due(self, now);
    drive(self);
    collect(self, now);
    start_due(self, now);
    size_t given = hand_out(self, done, capacity);
    arm(self, now);
    return given;
}

/* ---- taking and giving ---- */

kvs3_request *kvstore_s3__take(kvs3 *self, kvstore_transfer *transfer) {
    for (size_t i = 0; i < self->request_count; i++) {
        kvs3_request *request = &self->requests[i];
        if (request->state != KVS3_FREE) continue;
        CURL *easy = request->easy;
        char *answer = request->answer;
        size_t room = request->answer_room;
        *request = (kvs3_request){.self = self,
                                  .transfer = transfer,
                                  .easy = easy,
                                  .state = KVS3_QUEUED,
                                  .answer = answer,
                                  .answer_room = room,
                                  .answer_most = KVS3_ANSWER_BYTES};
        if (self->last != NULL)
            self->last->next = request;
        else
            self->first = request;
        self->last = request;
        return request;
    }
    return NULL;
}

void kvstore_s3__give(kvs3_request *request) {
    kvs3 *self = request->self;
    kvs3_request **at = &self->first, *before = NULL;
    for (; *at != request; at = &(*at)->next) before = *at;
    *at = request->next;
    if (self->last == request) self->last = before;
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    request->state = KVS3_FREE;
}

void kvstore_s3__wait(kvs3_request *request) {
    kvs3 *self = request->self;
    while (request->state != KVS3_FINISHED) {
        uint64_t now = kvstore_clock_ns(&self->options);
        start_due(self, now);
        drive(self);
        collect(self, now);
        arm(self, now);
        struct pollfd watch = {.fd = self->epoll_descriptor, .events = POLLIN};
        if (request->state != KVS3_FINISHED) poll(&watch, 1, 20);
    }
}

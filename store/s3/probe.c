/* What a server can is found out, not assumed. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <kvformat/checksum.h>

#include "s3.h"

static kvcore_status refuse(kvcore_error *error, kvcore_status status, const kvstore_transfer *transfer,
                            const char *what) {
    kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX, .actual = transfer->http_code},
                "%s: %s", what, kvcore_status_text(status));
    return status;
}

kvcore_status kvstore_s3__check_bucket(kvs3 *self, kvcore_error *error) {
    char front[KVSTORE_PREFIX_MAX_BYTES + 8], escaped[3 * sizeof front], query[sizeof escaped + 64];
    snprintf(front, sizeof front, "%s%s", self->prefix, self->prefix[0] != '\0' ? "/" : "");
    kvstore_s3__escape(front, false, escaped, sizeof escaped);
    snprintf(query, sizeof query, "list-type=2&max-keys=1&prefix=%s", escaped);
    kvstore_transfer transfer = {.request = KVSTORE_TRANSFER_GET,
                                 .deadline_ns = kvstore_clock_ns(&self->options) + 10 * KVS3_SECOND};
    kvs3_request *request = kvstore_s3__take(self, &transfer);
    request->query = query;
    request->answer_most = 1 << 20;
    char code[64] = "";
    if (kvstore_s3__write_url(self, NULL, query, request->url, sizeof request->url)) {
        kvstore_s3__wait(request);
        kvstore_s3__parse_error(request->answer, request->answer_bytes, code, sizeof code);
    } else {
        transfer.status = KVCORE_EOVERFLOW;
    }
    kvstore_s3__give(request);
    if (transfer.outcome == KVSTORE_HIT) return KVCORE_OK;
    if (transfer.status == KVSTORE_EREDIRECT)
        return refuse(error, KVCORE_ECONFIG, &transfer, "endpoint or region: the server redirects elsewhere");
    if (strcmp(code, "AccessDenied") == 0)
        return refuse(error, KVCORE_ECONFIG, &transfer,
                      "the prefix may not be listed, so that a miss could not be told");
    return refuse(error, transfer.status == KVCORE_OK ? KVCORE_EIO : transfer.status, &transfer, "bucket");
}

typedef struct probing {
    kvs3 *self;
    char key[128];
    uint8_t body[200];
    kvstore_span span;
    kvstore_transfer transfer;
    char content_range[80];
} probing;

static void run(probing *at, int request_kind, const char *range, bool bad_checksum) {
    at->span = (kvstore_span){at->body, sizeof at->body};
    at->transfer = (kvstore_transfer){.request = request_kind,
                                      .key = at->key,
                                      .key_bytes = strlen(at->key),
                                      .spans = &at->span,
                                      .span_count = 1,
                                      .payload_bytes = sizeof at->body,
                                      .crc32c = kvformat_crc32c(0, (kvcore_bytes){at->body, sizeof at->body}),
                                      .create_only = !bad_checksum,
                                      .deadline_ns = kvstore_clock_ns(&at->self->options) + 10 * KVS3_SECOND};
    kvs3_request *request = kvstore_s3__take(at->self, &at->transfer);
    request->range = range;
    request->bad_checksum = bad_checksum;
    if (bad_checksum) request->attempts = 1; /* it is meant to be refused: not again */
    if (kvstore_s3__write_url(at->self, at->key, NULL, request->url, sizeof request->url))
        kvstore_s3__wait(request);
    else
        at->transfer.outcome = KVSTORE_FAILED;
    memcpy(at->content_range, request->content_range, sizeof at->content_range);
    kvstore_s3__give(request);
}

kvcore_status kvstore_s3__probe(kvs3 *self, kvstore_s3_info *info, kvcore_error *error) {
    probing at = {.self = self};
    uint64_t random[2] = {0, 0};
    (void)!getrandom(random, sizeof random, 0);
    snprintf(at.key, sizeof at.key, "v1/.kvstore/probe-%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    self->conditional = true;
    run(&at, KVSTORE_TRANSFER_PUT, NULL, false);
    if (at.transfer.outcome != KVSTORE_STORED)
        return refuse(error, at.transfer.status == KVCORE_OK ? KVCORE_EIO : at.transfer.status, &at.transfer,
                      "an object cannot be put below the prefix");
    run(&at, KVSTORE_TRANSFER_PUT, NULL, false);
    info->conditional_create = self->conditional && at.transfer.outcome == KVSTORE_EXISTS;
    run(&at, KVSTORE_TRANSFER_GET, "bytes=-128", false);
    info->ranges = at.transfer.http_code == 206 && strcmp(at.content_range, "bytes 72-199/200") == 0;
    run(&at, KVSTORE_TRANSFER_REMOVE, NULL, false);
    self->conditional = info->conditional_create;
    at.key[strlen(at.key) - 1] = 'x';
    run(&at, KVSTORE_TRANSFER_PUT, NULL, true);
    bool refused = at.transfer.outcome == KVSTORE_FAILED;
    run(&at, KVSTORE_TRANSFER_GET, NULL, false);
    info->checksums_enforced = refused && at.transfer.outcome == KVSTORE_MISS;
    if (at.transfer.outcome != KVSTORE_MISS) run(&at, KVSTORE_TRANSFER_REMOVE, NULL, false);
    info->probed = true;
    return KVCORE_OK;
}

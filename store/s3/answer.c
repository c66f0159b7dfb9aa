/* What an answer means. */
#include <string.h>

#include "s3.h"

static kvs3_meaning set(kvs3_request *request, kvs3_meaning meaning, uint32_t outcome, kvcore_status status) {
    request->transfer->outcome = outcome;
    request->transfer->status = status;
    return meaning;
}

static bool is_put(const kvs3_request *request) { return request->transfer->request == KVSTORE_TRANSFER_PUT; }

/* It could not be done: a put is not there, a get was not looked at. */
static kvs3_meaning no(kvs3_request *request, kvs3_meaning meaning, kvcore_status status) {
    return set(request, meaning, is_put(request) ? KVSTORE_FAILED : KVSTORE_SKIPPED, status);
}

static void count_answer(kvs3_request *request, int class) {
    pthread_mutex_lock(&request->self->lock);
    request->self->counts.answers[class]++;
    pthread_mutex_unlock(&request->self->lock);
}

static kvs3_meaning without_answer(kvs3_request *request, CURLcode code) {
    count_answer(request, code == CURLE_OPERATION_TIMEDOUT ? KVSTORE_ANSWERS_TIMEOUT : KVSTORE_ANSWERS_CONNECTION);
    if (request->cut) return no(request, KVS3_DONE, KVSTORE_ETIMEOUT);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return no(request, KVS3_RETRY, KVSTORE_ETIMEOUT);
    case CURLE_PARTIAL_FILE: return no(request, KVS3_ONCE, KVSTORE_EUNAVAILABLE);
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2_STREAM: return no(request, KVS3_RETRY, KVSTORE_EUNAVAILABLE);
    case CURLE_OUT_OF_MEMORY: return no(request, KVS3_DONE, KVCORE_ENOMEM);
    case CURLE_WRITE_ERROR: /* we cut it: too long, or of no stated length */
        if (request->refused_early) return set(request, KVS3_DONE, KVSTORE_DAMAGED, KVFORMAT_ELENGTH);
        return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
    default: return no(request, KVS3_DONE, KVSTORE_EUNAVAILABLE);
    }
}

static int class_of(long http) {
    if (http / 100 == 2) return KVSTORE_ANSWERS_2XX;
    if (http == 404) return KVSTORE_ANSWERS_404;
    if (http == 409) return KVSTORE_ANSWERS_409;
    if (http == 412) return KVSTORE_ANSWERS_412;
    return http / 100 == 5 ? KVSTORE_ANSWERS_5XX : KVSTORE_ANSWERS_4XX;
}

static kvs3_meaning fetched(kvs3_request *request, long http) {
    kvstore_transfer *transfer = request->transfer;
    if (request->range == NULL ? http != 200 : http != 206 && http != 200)
        return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
    if (!request->checked_length) { /* no body came, so nobody has looked */
        curl_off_t length = -1;
        curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        if (length != 0 || transfer->trailer_bytes > 0)
            return set(request, KVS3_DONE, KVSTORE_DAMAGED, KVFORMAT_ELENGTH);
    }
    if (request->received != request->expected + (request->checked_length ? transfer->trailer_bytes : 0))
        return set(request, KVS3_DONE, KVSTORE_DAMAGED, KVCORE_ETRUNCATED);
    transfer->object_payload_bytes = request->expected;
    transfer->disk_bytes = request->received;
    return set(request, KVS3_DONE, KVSTORE_HIT, KVCORE_OK);
}

static kvs3_meaning succeeded(kvs3_request *request, long http) {
    kvstore_transfer *transfer = request->transfer;
    if (request->query != NULL) return set(request, KVS3_DONE, KVSTORE_HIT, KVCORE_OK);
    switch (transfer->request) {
    case KVSTORE_TRANSFER_GET: return fetched(request, http);
    case KVSTORE_TRANSFER_PUT:
        if (http != 200) return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
        transfer->disk_bytes = transfer->payload_bytes + transfer->trailer_bytes;
        return set(request, KVS3_DONE, KVSTORE_STORED, KVCORE_OK);
    case KVSTORE_TRANSFER_REMOVE: return set(request, KVS3_DONE, KVSTORE_STORED, KVCORE_OK);
    case KVSTORE_TRANSFER_TOUCH: return set(request, KVS3_DONE, KVSTORE_EXISTS, KVCORE_OK);
    default: return set(request, KVS3_DONE, KVSTORE_HIT, KVCORE_OK);
    }
}

static kvs3_meaning not_found(kvs3_request *request, const char *code) {
    if (strcmp(code, "NoSuchBucket") == 0) return no(request, KVS3_DONE, KVSTORE_EBUCKET);
    if (strcmp(code, "XAdminUserNotFound") == 0) return no(request, KVS3_DONE, KVSTORE_ECREDENTIALS);
    if (is_put(request) || request->query != NULL) return no(request, KVS3_ONCE, KVSTORE_ERESPONSE);
    return set(request, KVS3_DONE, KVSTORE_MISS, KVCORE_OK);
}

static kvs3_meaning forbidden(kvs3_request *request, const char *code) {
    if (strcmp(code, "RequestTimeTooSkewed") == 0) return no(request, KVS3_DONE, KVSTORE_ECLOCK);
    if (strcmp(code, "ExpiredToken") == 0 || strcmp(code, "TokenRefreshRequired") == 0)
        return no(request, KVS3_RELOAD, KVSTORE_ECREDENTIALS);
    return no(request, KVS3_DONE, KVSTORE_ECREDENTIALS);
}

static kvs3_meaning bad_request(kvs3_request *request, const char *code) {
    static const char *const sums[] = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        if (strcmp(code, sums[i]) == 0) return no(request, KVS3_ONCE, KVCORE_ECHECKSUM);
    if (strcmp(code, "ExpiredToken") == 0) return no(request, KVS3_RELOAD, KVSTORE_ECREDENTIALS);
    if (strcmp(code, "EntityTooLarge") == 0) return set(request, KVS3_DONE, KVSTORE_TOO_BIG, KVCORE_EOVERFLOW);
    return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
}

kvs3_meaning kvstore_s3__judge(kvs3_request *request, CURLcode code, long http) {
    char named[64];
    if (code != CURLE_OK) return without_answer(request, code);
    count_answer(request, class_of(http));
    if (http / 100 == 2) return succeeded(request, http);
    kvstore_s3__parse_error(request->answer, request->answer_bytes, named, sizeof named);
    switch (http) {
    case 400: return bad_request(request, named);
    case 401: return no(request, KVS3_DONE, KVSTORE_ECREDENTIALS);
    case 403: return forbidden(request, named);
    case 404: return not_found(request, named);
    case 412:
        if (!request->sent_condition) return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
        return set(request, KVS3_DONE, KVSTORE_EXISTS, KVCORE_OK);
    case 409: return no(request, KVS3_RETRY, KVCORE_EBUSY); /* never «exists» */
    case 413: return set(request, KVS3_DONE, KVSTORE_TOO_BIG, KVCORE_EOVERFLOW);
    case 501:
        if (request->sent_condition) return no(request, KVS3_PLAINER, KVCORE_ENOTSUP);
        return no(request, KVS3_DONE, KVCORE_ENOTSUP);
    case 301:
    case 302:
    case 307:
    case 308: return no(request, KVS3_DONE, KVSTORE_EREDIRECT);
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return no(request, KVS3_RETRY, KVSTORE_EUNAVAILABLE);
    default: return no(request, KVS3_DONE, KVSTORE_ERESPONSE);
    }
}

/* What the parts of libkvstore_s3 share. Private. */
#ifndef KVSTORE_S3_PRIVATE_H
#define KVSTORE_S3_PRIVATE_H

#include <pthread.h>

#include <curl/curl.h>

#include <kvstore/backend.h>
#include <kvstore_s3/s3.h>

#define KVS3_SECOND UINT64_C(1000000000)

enum {
    KVS3_URL_BYTES = 4096,
    KVS3_ANSWER_BYTES = 4096,
    KVS3_BUDGET = 500,
    KVS3_RETRY_COST = 5,
    KVS3_ATTEMPTS_MOST = 4,
};

typedef struct kvs3 kvs3;

/* What an answer means for the request. */
typedef enum kvs3_meaning {
    KVS3_DONE,    /* outcome and status are set */
    KVS3_RETRY,   /* try again, if deadline and budget allow */
    KVS3_ONCE,    /* try again once, then as it is set */
    KVS3_RELOAD,  /* fetch credentials anew and try once more */
    KVS3_PLAINER, /* without If-None-Match */
} kvs3_meaning;

typedef enum kvs3_state { KVS3_FREE, KVS3_QUEUED, KVS3_RUNNING, KVS3_WAITING, KVS3_FINISHED } kvs3_state;

/* One request to the server, with all its attempts. */
typedef struct kvs3_request {
    kvs3 *self;
    kvstore_transfer *transfer; /* of a block; its spans are the body */
    CURL *easy;
    struct curl_slist *headers;
    struct kvs3_request *next; /* in the order of arrival */
    kvs3_state state;
    uint64_t due_ns; /* of the next attempt */
    uint32_t attempts, answered;
    bool cut, reloaded, sent_condition, refused_early;
    uint64_t sent, received, expected; /* bytes of the body; expected of the payload */
    uint64_t retry_after_ns;
    int64_t content_length;
    bool checked_length, clock_is_wrong;
    const char *query; /* or NULL: a key */
    const char *range; /* of a get */
    bool posts;        /* of a query: the spans are its body */
    bool bad_checksum; /* probe: on purpose */
    char *answer;      /* bodies that are no block: growing, at most answer_most */
    size_t answer_bytes, answer_room, answer_most;
    char content_range[80];
    char url[KVS3_URL_BYTES];
} kvs3_request;

struct kvs3 {
    kvcore_allocator allocator;
    kvstore_options options;
    CURLM *multi;
    int epoll_descriptor, timer_descriptor;
    kvs3_request *requests; /* all, FREE or not */
    size_t request_count;
    kvs3_request *first, *last; /* in use, in the order of arrival */
    size_t running, limit, most;
    uint64_t slower_ns; /* when `limit` may grow again */
    int64_t budget;
    uint64_t random;
    bool conditional, sign_payload, virtual_host;
    char *base; /* "scheme://host[:port]" with the bucket in front where it is virtual */
    char *bucket, *prefix, *region_text, *ca_bundle, *proxy, *encryption, *encryption_key, *storage_class, *owner;
    char *credentials_file, *profile;
    kvstore_s3_provider provider;
    kvstore_s3_callback callback;
    void *callback_ctx;
    kvstore_s3_secrets secrets;
    char *static_key, *static_secret, *static_token;
    uint64_t loaded_ns;
    kvstore_stats counts;
    pthread_mutex_t lock; /* of the counts */
};

/* url.c */
bool kvstore_s3__write_url(const kvs3 *self, const char *key, const char *query, char *url, size_t capacity);
void kvstore_s3__escape(const char *text, bool slash, char *to, size_t capacity);

/* request.c */
kvs3_request *kvstore_s3__take(kvs3 *self, kvstore_transfer *transfer);
void kvstore_s3__give(kvs3_request *request);
bool kvstore_s3__send(kvs3_request *request);
size_t kvstore_s3__step(kvs3 *self, kvstore_transfer **done, size_t capacity);
/* Until it is done; other requests go on meanwhile. */
void kvstore_s3__wait(kvs3_request *request);

/* answer.c */
kvs3_meaning kvstore_s3__judge(kvs3_request *request, CURLcode code, long http);

/* credentials.c */
bool kvstore_s3__load(kvs3 *self);
void kvstore_s3__renew(kvs3 *self, uint64_t now_ns);

/* list.c */
kvcore_status kvstore_s3__list(void *ctx, const char *prefix, void **cursor, kvstore_backend_visit visit,
                               void *visit_ctx, kvcore_error *error);
void kvstore_s3__list_end(void *ctx, void *cursor);
/* One page of XML. Visits each; gives the token of the next page ("": none). False: it is no listing. */
typedef bool (*kvs3_visit)(void *ctx, const char *key, size_t key_bytes, uint64_t size_bytes, uint64_t modified_s);
bool kvstore_s3__parse_list(const char *xml, size_t size_bytes, kvs3_visit visit, void *ctx, char *token,
                            size_t token_room);
/* The text of <Code> of an error document; "" for anything else. */
void kvstore_s3__parse_error(const char *xml, size_t size_bytes, char *code, size_t room);

/* delete.c */
kvcore_status kvstore_s3__remove_many(void *ctx, const char *const *keys, size_t count, kvcore_error *error);

/* probe.c */
kvcore_status kvstore_s3__probe(kvs3 *self, kvstore_s3_info *info, kvcore_error *error);
kvcore_status kvstore_s3__check_bucket(kvs3 *self, kvcore_error *error);

#endif

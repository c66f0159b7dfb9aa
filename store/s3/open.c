/* Opening a bucket: every text is judged before a byte is sent. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <kvcore/config.h>

#include "s3.h"

kvstore_s3_config kvstore_s3_config_init(void) { return (kvstore_s3_config)KVSTORE_S3_CONFIG_INIT; }

static kvcore_status refuse(kvcore_error *error, kvcore_status status, const char *why) {
    kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", why);
    return status;
}

/* ---- the backend's calls ---- */

static void start(void *ctx, kvstore_transfer *transfer) {
    kvs3 *self = ctx;
    kvs3_request *request = kvstore_s3__take(self, transfer);
    transfer->state = request; /* the store starts no more than there are requests */
    transfer->outcome = KVSTORE_FAILED;
    if (!kvstore_s3__write_url(self, transfer->key, NULL, request->url, sizeof request->url)) {
        transfer->status = KVCORE_EOVERFLOW;
        request->state = KVS3_FINISHED;
    }
}

static void cancel(void *ctx, kvstore_transfer *transfer) {
    (void)ctx;
    kvs3_request *request = transfer->state;
    if (request == NULL || request->transfer != transfer || request->cut) return;
    request->cut = true;
    if (request->state != KVS3_RUNNING) return;
    /* It must not touch the caller's memory any more: out of libcurl's hands at once. */
    curl_multi_remove_handle(request->self->multi, request->easy);
    request->self->running--;
    transfer->outcome = transfer->request == KVSTORE_TRANSFER_PUT ? KVSTORE_FAILED : KVSTORE_SKIPPED;
    transfer->status = KVCORE_OK;
    if (kvstore_clock_ns(&request->self->options) >= transfer->deadline_ns) transfer->status = KVSTORE_ETIMEOUT;
    request->state = KVS3_FINISHED;
}

static size_t step(void *ctx, kvstore_transfer **done, size_t capacity) {
    return kvstore_s3__step(ctx, done, capacity);
}

static int descriptor(void *ctx) { return ((kvs3 *)ctx)->epoll_descriptor; }

static void count(void *ctx, kvstore_stats *stats) {
    kvs3 *self = ctx;
    pthread_mutex_lock(&self->lock);
    memcpy(stats->requests, self->counts.requests, sizeof stats->requests);
    memcpy(stats->answers, self->counts.answers, sizeof stats->answers);
    stats->retries = self->counts.retries;
    stats->retry_budget = self->budget > 0 ? (uint64_t)self->budget : 0;
    pthread_mutex_unlock(&self->lock);
}

static void drop_text(kvs3 *self, char *text) {
    if (text == NULL) return;
    size_t room = strlen(text) + 1;
    explicit_bzero(text, room);
    kvcore_free(&self->allocator, text, room, 1, 1);
}

static void end(void *ctx) {
    kvs3 *self = ctx;
    kvcore_allocator allocator = self->allocator;
    for (size_t i = 0; i < self->request_count; i++) {
        kvs3_request *request = &self->requests[i];
        if (request->state == KVS3_RUNNING) curl_multi_remove_handle(self->multi, request->easy);
        if (request->easy != NULL) curl_easy_cleanup(request->easy);
        curl_slist_free_all(request->headers);
        kvcore_free(&allocator, request->answer, request->answer_room, 1, 1);
    }
    if (self->multi != NULL) curl_multi_cleanup(self->multi);
    kvcore_free(&allocator, self->requests, self->request_count, sizeof *self->requests, _Alignof(kvs3_request));
    char *texts[] = {self->base,    self->bucket,        self->prefix,     self->region_text,      self->ca_bundle,
                     self->proxy,   self->encryption,    self->owner,      self->encryption_key,   self->storage_class,
                     self->profile, self->static_secret, self->static_key, self->credentials_file, self->static_token};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) drop_text(self, texts[i]);
    if (self->epoll_descriptor >= 0) close(self->epoll_descriptor);
    if (self->timer_descriptor >= 0) close(self->timer_descriptor);
    pthread_mutex_destroy(&self->lock);
    explicit_bzero(self, sizeof *self);
    kvcore_free(&allocator, self, 1, sizeof *self, _Alignof(kvs3));
}

/* ---- judging ---- */

static bool is_clean(const char *text) {
    for (; text != NULL && *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text >= 127) return false;
    return true;
}

static bool only_of(const char *text, const char *allowed, size_t least, size_t most) {
    size_t length = strlen(text);
    return length >= least && length <= most && strspn(text, allowed) == length;
}

static bool is_loopback(const char *host, size_t length) {
    return (length == 9 && memcmp(host, "localhost", 9) == 0) || (length > 4 && memcmp(host, "127.", 4) == 0) ||
           (length == 5 && memcmp(host, "[::1]", 5) == 0);
}

static kvcore_status check_endpoint(const kvstore_s3_config *config, bool *plain, kvcore_error *error) {
    static const char of_hosts[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
    if (config->endpoint == NULL) return refuse(error, KVCORE_ECONFIG, "endpoint: it must be given");
    *plain = strncmp(config->endpoint, "http://", 7) == 0;
    if (!*plain && strncmp(config->endpoint, "https://", 8) != 0)
        return refuse(error, KVCORE_ECONFIG, "endpoint: it must begin with https:// or http://");
    const char *host = config->endpoint + (*plain ? 7 : 8);
    if (!only_of(host, of_hosts, 1, 255)) return refuse(error, KVCORE_ECONFIG, "endpoint: a host and a port, no path");
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (*plain && !config->allow_plain_http && !is_loopback(host, length))
        return refuse(error, KVCORE_ECONFIG, "endpoint: plain http to another machine must be allowed");
    return KVCORE_OK;
}

static kvcore_status check_texts(const kvstore_s3_config *config, kvcore_error *error) {
    static const char of_buckets[] = "abcdefghijklmnopqrstuvwxyz0123456789.-",
                      of_regions[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const char *const texts[] = {config->ca_bundle,      config->proxy,        config->encryption,
                                 config->encryption_key, config->bucket_owner, config->storage_class};
    if (config->bucket == NULL || !only_of(config->bucket, of_buckets, 3, 63) || strstr(config->bucket, "..") != NULL)
        return refuse(error, KVCORE_ECONFIG, "bucket: 3 to 63 lower-case letters, digits, '.', '-'");
    if (config->region != NULL && !only_of(config->region, of_regions, 1, 64))
        return refuse(error, KVCORE_ECONFIG, "region: lower-case letters, digits, '-'");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_clean(texts[i]) || (texts[i] != NULL && strlen(texts[i]) > 1024))
            return refuse(error, KVCORE_ECONFIG, "a header value or path has control characters, or is too long");
    if (config->provider == KVSTORE_S3_CREDENTIALS_NONE || config->provider > KVSTORE_S3_CREDENTIALS_CALLBACK)
        return refuse(error, KVCORE_ECONFIG, "provider: must say where credentials come from");
    if (config->provider == KVSTORE_S3_CREDENTIALS_CALLBACK && config->callback == NULL)
        return refuse(error, KVCORE_ECONFIG, "callback: it must be given");
    if (config->provider == KVSTORE_S3_CREDENTIALS_FILE && config->credentials_file == NULL)
        return refuse(error, KVCORE_ECONFIG, "credentials_file: it must be given");
    return kvstore_prefix_check(kvcore_text(config->prefix), error);
}

/* ---- making ---- */

static bool keep(kvs3 *self, char **to, const char *text) {
    if (text == NULL) return true;
    size_t room = strlen(text) + 1;
    *to = kvcore_alloc(&self->allocator, room, 1, 1);
    if (*to != NULL) memcpy(*to, text, room);
    return *to != NULL;
}

static bool keep_texts(kvs3 *self, const kvstore_s3_config *config) {
    char region[128], base[512];
    const char *host = strstr(config->endpoint, "://") + 3;
    int scheme = (int)(host - config->endpoint);
    snprintf(region, sizeof region, "aws:amz:%s:s3", config->region == NULL ? "us-east-1" : config->region);
    if (config->virtual_host)
        snprintf(base, sizeof base, "%.*s%s.%s", scheme, config->endpoint, config->bucket, host);
    else
        snprintf(base, sizeof base, "%s", config->endpoint);
    return keep(self, &self->base, base) && keep(self, &self->region_text, region) &&
           keep(self, &self->bucket, config->bucket) &&
           keep(self, &self->prefix, config->prefix == NULL ? "" : config->prefix) &&
           keep(self, &self->ca_bundle, config->ca_bundle) && keep(self, &self->proxy, config->proxy) &&
           keep(self, &self->encryption, config->encryption) &&
           keep(self, &self->encryption_key, config->encryption_key) &&
           keep(self, &self->storage_class, config->storage_class) && keep(self, &self->owner, config->bucket_owner) &&
           keep(self, &self->credentials_file, config->credentials_file) &&
           keep(self, &self->profile, config->profile) && keep(self, &self->static_key, config->access_key) &&
           keep(self, &self->static_secret, config->secret_key) &&
           keep(self, &self->static_token, config->session_token);
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *argument, void *of_socket) {
    kvs3 *self = argument;
    (void)easy;
    struct epoll_event event = {.data.fd = socket};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(self->epoll_descriptor, EPOLL_CTL_DEL, socket, NULL);
        curl_multi_assign(self->multi, socket, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    epoll_ctl(self->epoll_descriptor, of_socket == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    curl_multi_assign(self->multi, socket, self);
    return 0;
}

static bool make_multi(kvs3 *self) {
    struct epoll_event event = {.events = EPOLLIN};
    self->epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    self->timer_descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (self->epoll_descriptor < 0 || self->timer_descriptor < 0) return false;
    event.data.fd = self->timer_descriptor;
    if (epoll_ctl(self->epoll_descriptor, EPOLL_CTL_ADD, self->timer_descriptor, &event) != 0) return false;
    self->multi = curl_multi_init();
    if (self->multi == NULL) return false;
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)self->most);
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)self->most);
    curl_multi_setopt(self->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return true;
}

static kvcore_status make(kvs3 *self, const kvstore_s3_config *config, bool plain, kvcore_error *error) {
    uint32_t parallel = self->options.max_parallel == 0 ? 64 : self->options.max_parallel;
    self->most = self->limit = config->max_connections == 0 ? 16 : config->max_connections;
    self->budget = KVS3_BUDGET;
    self->conditional = config->no_probe && config->conditional_create;
    self->sign_payload = config->sign_payload || plain;
    self->virtual_host = config->virtual_host;
    self->provider = config->provider;
    self->callback = config->callback;
    self->callback_ctx = config->callback_ctx;
    (void)!getrandom(&self->random, sizeof self->random, GRND_NONBLOCK);
    if (!keep_texts(self, config)) return refuse(error, KVCORE_ENOMEM, "no memory for a store");
    size_t requests = (size_t)parallel + 4; /* and what the polling thread asks for itself */
    self->requests = kvcore_alloc(&self->allocator, requests, sizeof *self->requests, _Alignof(kvs3_request));
    if (self->requests == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for a store");
    self->request_count = requests;
    memset(self->requests, 0, requests * sizeof *self->requests);
    if (!make_multi(self)) return refuse(error, KVCORE_ENOMEM, "no descriptors or no memory for libcurl");
    if (!kvstore_s3__load(self)) return refuse(error, KVSTORE_ECREDENTIALS, "the provider has no credentials");
    return KVCORE_OK;
}

static void start_libcurl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

kvcore_status kvstore_s3_open(const kvstore_s3_config *given, kvstore **store, kvstore_s3_info *info,
                              kvcore_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const kvstore_options defaults = KVSTORE_OPTIONS_INIT;
    kvstore_s3_config config;
    kvstore_s3_info found = {.probed = false};
    kvstore_options options;
    bool plain = false;
    if (store == NULL) return refuse(error, KVCORE_EINVAL, "store is NULL");
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status == KVCORE_OK) status = check_endpoint(&config, &plain, error);
    if (status == KVCORE_OK) status = check_texts(&config, error);
    if (status == KVCORE_OK)
        status =
            kvcore_config_read(&options, sizeof options, config.options == NULL ? &defaults : config.options, error);
    if (status != KVCORE_OK) return status;
    if (options.scheme == KVSTORE_SCHEME_WOMBAT && (config.prefix == NULL || config.prefix[0] == '\0'))
        return refuse(error, KVCORE_ECONFIG, "prefix: it must be given in the WombatKV scheme");
    if (options.max_parallel > 65536 || config.max_connections > 65536)
        return refuse(error, KVCORE_ECONFIG, "max_parallel or max_connections: too large");
    pthread_once(&once, start_libcurl);
    kvcore_allocator allocator = options.allocator == NULL ? kvcore_allocator_libc() : *options.allocator;
    kvs3 *self = kvcore_alloc(&allocator, 1, sizeof *self, _Alignof(kvs3));
    if (self == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for a store");
    memset(self, 0, sizeof *self);
    self->allocator = allocator;
    self->options = options;
    self->epoll_descriptor = self->timer_descriptor = -1;
    pthread_mutex_init(&self->lock, NULL);
    status = make(self, &config, plain, error);
    if (status == KVCORE_OK && !config.no_probe) status = kvstore_s3__check_bucket(self, error);
    if (status == KVCORE_OK && !config.no_probe) status = kvstore_s3__probe(self, &found, error);
    if (status != KVCORE_OK) {
        end(self);
        return status;
    }
    snprintf(found.libcurl, sizeof found.libcurl, "%s", curl_version_info(CURLVERSION_NOW)->version);
    if (!found.probed) found.conditional_create = config.conditional_create;
    kvstore_backend backend = KVSTORE_BACKEND_INIT;
    backend.ctx = self;
    backend.medium = "object";
    backend.start = start;
    backend.cancel = cancel;
    backend.step = step;
    backend.descriptor = descriptor;
    backend.list = kvstore_s3__list;
    backend.list_end = kvstore_s3__list_end;
    backend.remove_many = kvstore_s3__remove_many;
    backend.count = count;
    backend.close = end;
    kvstore_limits limits = {.max_bytes = 0};
    status = kvstore_open_backend(&backend, &options, &limits, store, error);
    if (status == KVCORE_OK && info != NULL) *info = found;
    return status;
}

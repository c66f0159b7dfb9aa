/**
 * @file
 * A store in a bucket of an S3-compatible object store.
 *
 * All transfers run inside kvstore_poll(); there is no thread. Every put carries a CRC-32C, and creates where the server can
 * (If-None-Match). Answers that pass are retried within the deadline and a budget for the whole store; a server that does not
 * answer opens the breaker. Nothing is evicted: expiry is a lifecycle rule on a prefix of the keys (kvstore/name.h).
 *
 * Owns:    the store copies all texts. Secrets are cleansed on close and never appear in errors, events or stats.
 * Threads: as kvstore/store.h. The program may call curl_global_init() itself first; else the first open does.
 * Source:  the request profile of docs/libs/store.md; libcurl signs (AWS Signature Version 4).
 */
#ifndef KVSTORE_S3_S3_H
#define KVSTORE_S3_S3_H

#include <kvstore/store.h>
#include <kvstore_s3/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where credentials come from. None is guessed. */
typedef enum kvstore_s3_provider {
    KVSTORE_S3_CREDENTIALS_NONE = 0,        /**< refused at open */
    KVSTORE_S3_CREDENTIALS_STATIC = 1,      /**< the three texts below */
    KVSTORE_S3_CREDENTIALS_ENVIRONMENT = 2, /**< AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN */
    KVSTORE_S3_CREDENTIALS_FILE = 3,        /**< a shared credentials file and a profile of it */
    KVSTORE_S3_CREDENTIALS_CALLBACK = 4,    /**< the program's own */
} kvstore_s3_provider;

/** Room for a session token and its NUL. */
#define KVSTORE_S3_SECRET_BYTES 2048

/** What a callback fills in; NUL terminated. expires_s: seconds since the Unix epoch, 0: never. */
typedef struct kvstore_s3_secrets {
    char access_key[256];                        /**< as the server knows it */
    char secret_key[256];                        /**< what requests are signed with */
    char session_token[KVSTORE_S3_SECRET_BYTES]; /**< empty: none */
    uint64_t expires_s;                          /**< seconds since the Unix epoch; 0: never */
} kvstore_s3_secrets;

/** Called at open, in kvstore_poll() five minutes before what it gave expires, and when the server says it has expired.
 *  False: there are none now. */
typedef bool (*kvstore_s3_callback)(void *ctx, kvstore_s3_secrets *secrets);

/** A store in a bucket. Start from KVSTORE_S3_CONFIG_INIT. */
typedef struct kvstore_s3_config {
    size_t struct_size;             /**< KVSTORE_S3_CONFIG_INIT */
    const kvstore_options *options; /**< NULL: defaults */
    const char *endpoint; /**< "https://host[:port]", without a path. http only to this machine, or allowed below */
    const char *region;   /**< NULL: "us-east-1" */
    const char *bucket;   /**< required */
    const char *prefix;   /**< of all keys; NULL or "": none. Must be given in the WombatKV scheme. */
    kvstore_s3_provider provider;                        /**< where credentials come from */
    const char *access_key, *secret_key, *session_token; /**< static */
    const char *credentials_file, *profile;              /**< file; profile NULL: "default" */
    kvstore_s3_callback callback;                        /**< callback */
    void *callback_ctx;                                  /**< given back to callback */
    const char *ca_bundle;                               /**< NULL: the system's. Verification cannot be turned off. */
    const char *proxy;                                   /**< NULL: none, whatever the environment says */
    const char *encryption;                              /**< x-amz-server-side-encryption */
    const char *encryption_key;                          /**< x-amz-server-side-encryption-aws-kms-key-id */
    const char *storage_class;                           /**< x-amz-storage-class */
    const char *bucket_owner;                            /**< x-amz-expected-bucket-owner */
    uint32_t max_connections;                            /**< 0: 16 */
    bool virtual_host;       /**< https://bucket.host/key in place of https://host/bucket/key */
    bool sign_payload;       /**< SHA-256 of what is put; always so over plain http */
    bool allow_plain_http;   /**< http to other machines, too */
    bool no_probe;           /**< do not find out what the server can; then the next field says it */
    bool conditional_create; /**< If-None-Match works */
} kvstore_s3_config;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_S3_CONFIG_INIT kvstore_s3_config_init()
#else
/** The values to start from. */
#define KVSTORE_S3_CONFIG_INIT \
    { .struct_size = sizeof(kvstore_s3_config) }
#endif
/** KVSTORE_S3_CONFIG_INIT as a function, for other languages. */
KVSTORE_S3_API kvstore_s3_config kvstore_s3_config_init(void);

/** What was found out at open. */
typedef struct kvstore_s3_info {
    bool probed;             /**< false: the server was not asked */
    bool conditional_create; /**< a second create of a name was refused */
    bool checksums_enforced; /**< a wrong CRC-32C was refused, and left nothing behind */
    bool ranges;             /**< a range was answered with 206 and its place */
    char libcurl[16];        /**< the version that runs */
} kvstore_s3_info;

/**
 * Errors: KVCORE_EINVAL; KVCORE_ECONFIG for what cannot work: no endpoint or bucket, plain http to elsewhere, texts with
 *         control characters, a server that redirects, or one that does not let us list the prefix (a missing block could not
 *         be told from a forbidden one then); KVSTORE_ECREDENTIALS; KVSTORE_EBUCKET; KVSTORE_ECLOCK; KVSTORE_EUNAVAILABLE
 *         when it does not answer; KVCORE_ENOMEM.
 * Gives:  *info (may be NULL).
 */
KVSTORE_S3_API KVCORE_NODISCARD kvcore_status kvstore_s3_open(const kvstore_s3_config *config, kvstore **store,
                                                              kvstore_s3_info *info, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif

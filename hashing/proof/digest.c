#include <kvhash/proof.h>

#include <string.h>

#include <kvcore/digest.h>
#include <kvcore/random.h>
#include <kvcore/text.h>

#include "frames.h"
#include "request_read.h"

/* A hasher whose first failure stays. */
typedef struct digest {
    kvcore_sha256_hasher hasher;
    kvcore_status status;
} digest;

static digest begin(void) {
    digest d;
    d.status = kvcore_sha256_begin(&d.hasher);
    return d;
}

static void add(digest *d, const void *bytes, size_t size_bytes) {
    if (d->status != KVCORE_OK) return;
    d->status = kvcore_sha256_add(&d->hasher, (kvcore_bytes){bytes, size_bytes});
    if (d->status != KVCORE_OK) kvcore_sha256_drop(&d->hasher);
}

static void end(digest *d, kvcore_hash256 *hash) {
    if (d->status != KVCORE_OK) return;
    d->status = kvcore_sha256_end(&d->hasher, hash);
    kvcore_sha256_drop(&d->hasher);
}

static kvcore_status fail(kvcore_error *error, kvcore_status status, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", text);
}

/* ---- the chain of a request ---- */

static void add_text(digest *d, kvcore_bytes text) {
    uint8_t size[8];
    kvcore_store_le64(size, text.size_bytes);
    add(d, size, sizeof size);
    add(d, text.data, text.size_bytes);
}

static kvcore_status root_digest(const kvhash_request *request, kvcore_hash256 *root) {
    static const char scheme[] = "kvstrata digest 1"; /* its NUL counts */
    uint8_t block_tokens[4];
    kvcore_store_le32(block_tokens, request->block_tokens);
    digest d = begin();
    add(&d, scheme, sizeof scheme);
    add(&d, block_tokens, sizeof block_tokens);
    add_text(&d, request->lora_name);
    add_text(&d, request->salt);
    end(&d, root);
    return d.status;
}

static bool touches(const run_walk *walk, uint64_t end) { return !run_walk_done(walk) && walk->current->offset < end; }

/* The bytes of the slots first … end−1, in stretches. */
static void add_slots(digest *d, const uint32_t *tokens, uint64_t first, uint64_t end, run_walk *walk, bool framed) {
    enum { STRETCH = 64 };
    uint8_t bytes[STRETCH * FRAME_BYTES];
    for (uint64_t stop; first < end; first = stop) {
        stop = end - first < STRETCH ? end : first + STRETCH;
        if (framed)
            frames_write(bytes, tokens + first, first, stop, walk);
        else
            plain_write(bytes, tokens + first, stop - first);
        add(d, bytes, (size_t)(stop - first) * (framed ? FRAME_BYTES : PLAIN_BYTES));
    }
}

static kvcore_status chain(request_reading *reading, kvcore_hash256 *digests) {
    const kvhash_request *request = reading->request;
    kvcore_hash256 parent;
    kvcore_status status = root_digest(request, &parent);
    for (size_t i = 0; i < reading->block_count && status == KVCORE_OK; i++) {
        uint64_t first = (uint64_t)i * request->block_tokens, past = first + request->block_tokens;
        uint8_t framed = touches(&reading->walk, past);
        digest d = begin();
        add(&d, parent.bytes, sizeof parent.bytes);
        add(&d, &framed, 1);
        add_slots(&d, request->tokens, first, past, &reading->walk, framed);
        end(&d, &parent);
        digests[i] = parent;
        status = d.status;
    }
    return status;
}

kvcore_status kvhash_request_digests(const kvhash_request *request, kvcore_hash256 *digests, size_t capacity,
                                     size_t *count, kvcore_error *error) {
    request_reading reading;
    kvcore_status status = kvhash__request_read(&reading, request, digests, capacity, count, error);
    if (status != KVCORE_OK) return status;
    status = chain(&reading, digests);
    kvhash__run_walk_end(&reading.walk);
    return status == KVCORE_OK ? KVCORE_OK : fail(error, status, "SHA-256 is not available from libcrypto");
}

/* ---- HMAC-SHA-256, FIPS 198-1 ---- */

#define HMAC_BLOCK_BYTES 64

static kvcore_status make_key(kvcore_bytes secret, uint8_t key[HMAC_BLOCK_BYTES]) {
    memset(key, 0, HMAC_BLOCK_BYTES);
    if (secret.size_bytes <= HMAC_BLOCK_BYTES) {
        memcpy(key, secret.data, secret.size_bytes);
        return KVCORE_OK;
    }
    kvcore_hash256 hash;
    kvcore_status status = kvcore_sha256(secret, &hash);
    if (status == KVCORE_OK) memcpy(key, hash.bytes, sizeof hash.bytes);
    kvcore_wipe(&hash, sizeof hash);
    return status;
}

/* SHA-256 of the key, each byte with these bits turned, and some bytes. */
static kvcore_status keyed(const uint8_t key[HMAC_BLOCK_BYTES], uint8_t turned, kvcore_bytes bytes,
                           kvcore_hash256 *hash) {
    uint8_t pad[HMAC_BLOCK_BYTES];
    for (size_t i = 0; i < sizeof pad; i++) pad[i] = key[i] ^ turned;
    digest d = begin();
    add(&d, pad, sizeof pad);
    add(&d, bytes.data, bytes.size_bytes);
    end(&d, hash);
    kvcore_wipe(pad, sizeof pad);
    return d.status;
}

static kvcore_status hmac(kvcore_bytes secret, kvcore_bytes text, kvcore_hash256 *code) {
    uint8_t key[HMAC_BLOCK_BYTES];
    kvcore_hash256 inner;
    kvcore_status status = make_key(secret, key);
    if (status == KVCORE_OK) status = keyed(key, 0x36, text, &inner);
    if (status == KVCORE_OK) status = keyed(key, 0x5C, (kvcore_bytes){inner.bytes, sizeof inner.bytes}, code);
    kvcore_wipe(key, sizeof key);
    return status;
}

#define SECRET_BYTES_LEAST 16

kvcore_status kvhash_tenant_salt(kvcore_bytes secret, kvcore_bytes tenant, char salt[KVHASH_TENANT_SALT_SIZE],
                                 kvcore_error *error) {
    if (salt == NULL) return fail(error, KVCORE_EINVAL, "salt is NULL");
    if (secret.data == NULL) return fail(error, KVCORE_EINVAL, "secret is NULL");
    if (tenant.data == NULL && tenant.size_bytes != 0) return fail(error, KVCORE_EINVAL, "tenant is NULL with a size");
    if (secret.size_bytes < SECRET_BYTES_LEAST)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_ECONFIG,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = SECRET_BYTES_LEAST,
                                           .actual = secret.size_bytes},
                           "the secret has %zu bytes, %d are the least", secret.size_bytes, SECRET_BYTES_LEAST);
    kvcore_hash256 code;
    kvcore_status status = hmac(secret, tenant, &code);
    if (status != KVCORE_OK) return fail(error, status, "SHA-256 is not available from libcrypto");
    kvcore_hex_encode(code.bytes, sizeof code.bytes, salt);
    salt[2 * sizeof code.bytes] = '\0';
    return KVCORE_OK;
}

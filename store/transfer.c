/* One block: from the caller's spans to an object, and back with every check before it counts. */
#include "internal.h"

#include <string.h>

#include <poll.h>
#include <zstd.h>

#include <kvformat/checksum.h>

static uint64_t sum_of(const kvstore_span *spans, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += spans[i].size_bytes;
    return sum;
}

/* The CRC of the first `length` bytes of the spans. */
static uint32_t crc_of(const kvstore_span *spans, uint32_t count, uint64_t length) {
    uint32_t crc = 0;
    for (uint32_t i = 0; i < count && length > 0; i++) {
        size_t part = spans[i].size_bytes < length ? spans[i].size_bytes : (size_t)length;
        crc = kvformat_crc32c(crc, (kvcore_bytes){spans[i].bytes, part});
        length -= part;
    }
    return crc;
}

static void gather(const kvstore_span *spans, uint32_t count, uint8_t *to, uint64_t length) {
    for (uint32_t i = 0; i < count && length > 0; i++) {
        size_t part = spans[i].size_bytes < length ? spans[i].size_bytes : (size_t)length;
        if (part > 0) memcpy(to, spans[i].bytes, part);
        to += part;
        length -= part;
    }
}

static void scatter(const uint8_t *from, uint64_t length, const kvstore_span *spans, uint32_t count) {
    for (uint32_t i = 0; i < count && length > 0; i++) {
        size_t part = spans[i].size_bytes < length ? spans[i].size_bytes : (size_t)length;
        if (part > 0) memcpy(spans[i].bytes, from, part);
        from += part;
        length -= part;
    }
}

static bool stage(kvstore *store, kvstore__job *job, size_t room) {
    job->staged_room = room > 0 ? room : 1;
    job->staged.bytes = kvcore_alloc(&store->allocator, job->staged_room, 1, 1);
    return job->staged.bytes != NULL;
}

static void unstage(kvstore *store, kvstore__job *job) {
    kvcore_free(&store->allocator, job->staged.bytes, job->staged_room, 1, 1);
    job->staged = (kvstore_span){NULL, 0};
}

static void fail(kvstore__job *job, uint32_t outcome, kvcore_status status) {
    job->transfer.outcome = outcome;
    job->transfer.status = status;
}

/* ---- keys ---- */

static kvcore_status write_key(const kvstore *store, kvstore__job *job) {
    const kvstore_space *space = job->batch->space;
    const kvcore_bytes none = {NULL, 0};
    const kvstore_batch *given = &job->batch->given;
    size_t length = 0;
    kvcore_status status = KVCORE_EINVAL;
    switch (store->options.scheme) {
    case KVSTORE_SCHEME_NATIVE:
        status = kvstore_block_key(none, &space->identity, job->name, job->key, sizeof job->key, &length);
        break;
    case KVSTORE_SCHEME_DYNAMO:
        status = kvstore_dynamo_key(store->options.dynamo_rank - 1, job->name, job->key, sizeof job->key, &length);
        break;
    case KVSTORE_SCHEME_WOMBAT: { /* the backend puts the prefix in front */
        int kind = given->sidecar ? KVSTORE_WOMBAT_RAW_TAIL : KVSTORE_WOMBAT_BLOCK;
        status = kvstore_wombat_key(kvcore_text("p"), space->identity.tenant, kind, &given->hashes[job->index],
                                    job->key, sizeof job->key, &length);
        if (status == KVCORE_OK) memmove(job->key, job->key + 2, length - 1);
        length -= 2;
        break;
    }
    }
    job->transfer.key = job->key;
    job->transfer.key_bytes = length;
    return status;
}

/* ---- put ---- */

/* True when it pays: at least 1/16 less. */
static bool compress(kvstore *store, kvstore__job *job, uint64_t bytes) {
    if (store->options.compression_level == 0 || bytes < 64 || bytes > SIZE_MAX / 2) return false;
    size_t room = ZSTD_compressBound((size_t)bytes);
    uint8_t *plain = kvcore_alloc(&store->allocator, (size_t)bytes, 1, 1);
    if (plain == NULL) return false;
    gather(job->transfer.spans, job->transfer.span_count, plain, bytes);
    size_t packed = 0;
    if (stage(store, job, room))
        packed = ZSTD_compress(job->staged.bytes, room, plain, (size_t)bytes, store->options.compression_level);
    kvcore_free(&store->allocator, plain, (size_t)bytes, 1, 1);
    if (job->staged.bytes == NULL) return false;
    if (ZSTD_isError(packed) || packed > bytes - bytes / 16) {
        unstage(store, job);
        return false;
    }
    job->staged.size_bytes = packed;
    return true;
}

static void send_staged(kvstore__job *job) {
    job->transfer.spans = &job->staged;
    job->transfer.span_count = 1;
    job->transfer.payload_bytes = job->staged.size_bytes;
}

static void prepare_native_put(kvstore *store, kvstore__job *job, uint64_t bytes) {
    const kvstore_space *space = job->batch->space;
    const kvstore_identity *of = &space->identity;
    kvstore_object object = {.name = job->name,
                             .layout = of->layout,
                             .model = of->model,
                             .payload_bytes = bytes,
                             .block_tokens = of->block_tokens,
                             .rank = of->rank,
                             .ranks = of->ranks,
                             .group = of->group};
    if (compress(store, job, bytes)) {
        object.codec = KVSTORE_CODEC_ZSTD;
        send_staged(job);
    }
    object.stored_bytes = job->transfer.payload_bytes;
    object.stored_crc32c = crc_of(job->transfer.spans, job->transfer.span_count, object.stored_bytes);
    memcpy(object.tenant_check, space->tenant_check, sizeof object.tenant_check);
    if (job->batch->given.proofs != NULL)
        memcpy(object.proof, job->batch->given.proofs[job->index], sizeof object.proof);
    kvstore_trailer_encode(&object, job->trailer);
    job->transfer.trailer = job->trailer;
    job->transfer.trailer_bytes = KVSTORE_TRAILER_BYTES;
    job->transfer.crc32c = kvformat_crc32c(object.stored_crc32c, (kvcore_bytes){job->trailer, KVSTORE_TRAILER_BYTES});
}

/* A WombatKV object is one piece: wrapped when there is a wrapping and a level, else plain. */
static bool prepare_wombat_put(kvstore *store, kvstore__job *job, uint64_t bytes) {
    const kvstore_wrapping *wrapping = store->options.wrapping;
    size_t packed = 0;
    if (store->options.compression_level == 0 || wrapping == NULL) return true;
    uint8_t *plain = kvcore_alloc(&store->allocator, (size_t)bytes + 1, 1, 1);
    kvcore_status status = KVCORE_ENOMEM;
    if (plain != NULL && stage(store, job, wrapping->bound((size_t)bytes))) {
        gather(job->transfer.spans, job->transfer.span_count, plain, bytes);
        status = wrapping->wrap(wrapping->algorithm, store->options.compression_level,
                                (kvcore_bytes){plain, (size_t)bytes}, job->staged.bytes, job->staged_room, &packed);
    }
    kvcore_free(&store->allocator, plain, (size_t)bytes + 1, 1, 1);
    if (status != KVCORE_OK) {
        fail(job, KVSTORE_FAILED, status);
        return false;
    }
    job->staged.size_bytes = packed;
    send_staged(job);
    return true;
}

/* ---- get ---- */

static void prepare_get(kvstore *store, kvstore__job *job, uint64_t bytes) {
    if (store->options.scheme == KVSTORE_SCHEME_NATIVE) {
        job->transfer.trailer = job->trailer;
        job->transfer.trailer_bytes = KVSTORE_TRAILER_BYTES;
    } else if (store->options.scheme == KVSTORE_SCHEME_WOMBAT) {
        const kvstore_wrapping *wrapping = store->options.wrapping;
        size_t room = wrapping == NULL || bytes > SIZE_MAX / 2 ? (size_t)bytes : wrapping->bound((size_t)bytes);
        if (!stage(store, job, room)) {
            fail(job, KVSTORE_FAILED, KVCORE_ENOMEM);
            return;
        }
        job->staged.size_bytes = room;
        send_staged(job);
    }
}

void kvstore__prepare(kvstore *store, kvstore__job *job) {
    uint64_t bytes = sum_of(job->transfer.spans, job->transfer.span_count);
    kvcore_status status = write_key(store, job);
    job->transfer.payload_bytes = bytes;
    if (status != KVCORE_OK) {
        fail(job, KVSTORE_FAILED, status);
        return;
    }
    if (job->transfer.request == KVSTORE_TRANSFER_GET) {
        prepare_get(store, job, bytes);
    } else if (job->transfer.request == KVSTORE_TRANSFER_PUT) {
        if (store->options.scheme == KVSTORE_SCHEME_NATIVE) {
            prepare_native_put(store, job, bytes);
        } else {
            if (store->options.scheme == KVSTORE_SCHEME_WOMBAT && !prepare_wombat_put(store, job, bytes)) return;
            job->transfer.crc32c = crc_of(job->transfer.spans, job->transfer.span_count, job->transfer.payload_bytes);
        }
    }
}

/* ---- checks ---- */

static bool is_zero(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static bool is_of(const kvstore_object *object, const kvstore__job *job) {
    const kvstore_space *space = job->batch->space;
    const kvstore_identity *of = &space->identity;
    return kvhash_plh_equal(object->name, job->name) && kvcore_model_digest_equal(&object->model, &of->model) &&
           kvcore_layout_tag_equal(&object->layout, &of->layout) && object->block_tokens == of->block_tokens &&
           object->rank == of->rank && object->ranks == of->ranks && object->group == of->group &&
           memcmp(object->tenant_check, space->tenant_check, sizeof object->tenant_check) == 0;
}

static bool proof_agrees(const kvstore_object *object, const kvstore__job *job) {
    if (job->batch->given.proofs == NULL) return true;
    const uint8_t *asked = job->batch->given.proofs[job->index];
    if (is_zero(asked, KVSTORE_PROOF_BYTES) || is_zero(object->proof, KVSTORE_PROOF_BYTES)) return true;
    return memcmp(asked, object->proof, KVSTORE_PROOF_BYTES) == 0;
}

static bool unpack(kvstore *store, kvstore__job *job, const kvstore_object *object) {
    size_t stored = (size_t)object->stored_bytes, plain_bytes = (size_t)object->payload_bytes, got = 0;
    uint8_t *plain = kvcore_alloc(&store->allocator, plain_bytes + 1, 1, 1);
    bool whole = false;
    if (plain != NULL && stage(store, job, stored)) {
        gather(job->transfer.spans, job->transfer.span_count, job->staged.bytes, stored);
        got = ZSTD_decompress(plain, plain_bytes, job->staged.bytes, stored);
        whole = !ZSTD_isError(got) && got == plain_bytes;
        if (whole) scatter(plain, plain_bytes, job->transfer.spans, job->transfer.span_count);
    }
    kvcore_free(&store->allocator, plain, plain_bytes + 1, 1, 1);
    unstage(store, job);
    return whole;
}

/* Everything of which one bit may be wrong. The order is that of the specification. */
static void verify(kvstore *store, kvstore__job *job) {
    kvstore_transfer *transfer = &job->transfer;
    kvstore_object object;
    uint64_t want = job->batch->space->block_bytes;
    kvcore_status status = kvstore_trailer_decode(job->trailer, &object, NULL);
    if (status != KVCORE_OK) {
        fail(job, KVSTORE_DAMAGED, status);
    } else if (object.stored_bytes != transfer->object_payload_bytes) {
        fail(job, KVSTORE_DAMAGED, KVFORMAT_ELENGTH);
    } else if (!is_of(&object, job) || !proof_agrees(&object, job)) {
        fail(job, KVSTORE_FOREIGN, KVSTORE_EFOREIGN);
    } else if (object.payload_bytes > transfer->payload_bytes || (want > 0 && object.payload_bytes != want)) {
        fail(job, KVSTORE_DAMAGED, KVFORMAT_ELENGTH);
    } else if (crc_of(transfer->spans, transfer->span_count, object.stored_bytes) != object.stored_crc32c) {
        fail(job, KVSTORE_DAMAGED, KVCORE_ECHECKSUM);
    } else if (object.codec == KVSTORE_CODEC_ZSTD && !unpack(store, job, &object)) {
        fail(job, KVSTORE_DAMAGED, KVCORE_EFORMAT);
    } else {
        transfer->object_payload_bytes = object.payload_bytes;
        transfer->status = KVCORE_OK;
    }
}

/* Wrapped or plain. What begins like a wrapped one must be a sound one. */
static void unwrap(kvstore *store, kvstore__job *job) {
    const kvstore__batch *batch = job->batch;
    const kvstore_span *spans = batch->given.spans + job->index * batch->given.spans_per_block;
    uint64_t room = sum_of(spans, batch->given.spans_per_block),
             want = batch->given.sidecar ? 0 : batch->space->block_bytes;
    kvcore_bytes raw = {job->staged.bytes, (size_t)job->transfer.object_payload_bytes}, input = raw;
    const kvstore_wrapping *wrapping = store->options.wrapping;
    uint8_t *memory = kvcore_alloc(&store->allocator, (size_t)room + 1, 1, 1);
    kvcore_status status = memory == NULL     ? KVCORE_ENOMEM
                           : wrapping == NULL ? KVFORMAT_EMAGIC
                                              : wrapping->unwrap(input, memory, (size_t)room, &raw, NULL);
    if (status == KVFORMAT_EMAGIC) status = KVCORE_OK; /* plain */
    if (status == KVCORE_OK && (raw.size_bytes > room || (want > 0 && raw.size_bytes != want)))
        status = KVFORMAT_ELENGTH;
    if (status == KVCORE_OK) {
        scatter(raw.data, raw.size_bytes, spans, batch->given.spans_per_block);
        job->transfer.object_payload_bytes = raw.size_bytes;
        fail(job, KVSTORE_UNVERIFIED, KVCORE_OK);
    } else {
        fail(job, status == KVCORE_ENOMEM ? KVSTORE_FAILED : KVSTORE_DAMAGED, status);
    }
    kvcore_free(&store->allocator, memory, (size_t)room + 1, 1, 1);
}

static void conclude_get(kvstore *store, kvstore__job *job) {
    kvstore_transfer *transfer = &job->transfer;
    uint64_t want = job->batch->space->block_bytes;
    switch (store->options.scheme) {
    case KVSTORE_SCHEME_NATIVE: verify(store, job); return;
    case KVSTORE_SCHEME_WOMBAT: unwrap(store, job); return;
    case KVSTORE_SCHEME_DYNAMO:
        if (transfer->object_payload_bytes != (want > 0 ? want : transfer->payload_bytes))
            fail(job, KVSTORE_DAMAGED, KVFORMAT_ELENGTH);
        else
            fail(job, KVSTORE_UNVERIFIED, KVCORE_OK);
        return;
    }
}

void kvstore__conclude(kvstore *store, kvstore__job *job) {
    if (job->transfer.request == KVSTORE_TRANSFER_GET && job->transfer.outcome == KVSTORE_HIT) conclude_get(store, job);
    if (job->staged.bytes != NULL) unstage(store, job);
}

/* A blocking backend, from one end to the other. */
void kvstore__run(kvstore *store, kvstore__job *job) {
    kvstore_transfer *transfer = &job->transfer;
    kvstore__prepare(store, job);
    if (transfer->outcome == KVSTORE_SKIPPED) store->backend.start(store->backend.ctx, transfer);
    if (transfer->request == KVSTORE_TRANSFER_TOUCH && transfer->outcome == KVSTORE_MISS) {
        transfer->request = KVSTORE_TRANSFER_PUT; /* somebody else has evicted it */
        transfer->outcome = KVSTORE_SKIPPED;
        kvstore__prepare(store, job);
        if (transfer->outcome == KVSTORE_SKIPPED) store->backend.start(store->backend.ctx, transfer);
    }
    if (transfer->request == KVSTORE_TRANSFER_PUT && transfer->outcome == KVSTORE_NO_ROOM && store->backend.evicts &&
        kvstore__evict(store, 0, KVSTORE_EVICTED_FREE_SPACE, 256) > 0)
        store->backend.start(store->backend.ctx, transfer);
    kvstore__conclude(store, job);
}

kvcore_status kvstore__transfer(kvstore *store, kvstore_transfer *transfer, kvcore_error *error) {
    transfer->outcome = KVSTORE_SKIPPED;
    transfer->status = KVCORE_OK;
    if (transfer->deadline_ns == 0) transfer->deadline_ns = kvstore__now(store) + 30 * KVSTORE_SECOND;
    store->backend.start(store->backend.ctx, transfer);
    for (bool ended = store->backend.blocking; !ended;) {
        kvstore_transfer *done[16];
        size_t count = store->backend.step(store->backend.ctx, done, 16);
        for (size_t i = 0; i < count; i++) {
            if (done[i] == transfer) {
                ended = true;
                continue;
            }
            kvstore__job *job = done[i]->owner;
            kvstore__conclude(store, job);
            kvstore__lock(store);
            kvstore__finish_job(store, job);
            kvstore__unlock(store);
        }
        struct pollfd watch = {.events = POLLIN, .fd = store->backend.descriptor(store->backend.ctx)};
        if (count == 0) poll(&watch, 1, 10);
    }
    if (transfer->outcome != KVSTORE_FAILED && transfer->outcome != KVSTORE_SKIPPED) return KVCORE_OK;
    kvcore_status status = transfer->status == KVCORE_OK ? KVCORE_EIO : transfer->status;
    return refuse_field(error, status, transfer->http_code, kvcore_status_text(status));
}

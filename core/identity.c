#include <kvcore/identity.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <kvcore/digest.h>
#include <kvcore/text.h>

/* What callers inline is compiled here once, to be exported. */
extern inline bool kvcore_layout_tag_equal(const kvcore_layout_tag *a, const kvcore_layout_tag *b);
extern inline bool kvcore_model_digest_equal(const kvcore_model_digest *a, const kvcore_model_digest *b);

enum { PIECE_BYTES = 1 << 16 };

kvcore_status kvcore_layout_tag_make(kvcore_bytes text, kvcore_layout_tag *tag) {
    if (tag == NULL || (text.data == NULL && text.size_bytes > 0)) return KVCORE_EINVAL;
    if (text.size_bytes > sizeof tag->bytes) return KVCORE_EINVAL;
    kvcore_layout_tag made = {{0}};
    const unsigned char *from = text.data;
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (from[i] < 0x20 || from[i] > 0x7E) return KVCORE_EINVAL;
        made.bytes[i] = from[i];
    }
    *tag = made;
    return KVCORE_OK;
}

void kvcore_model_digest_format(const kvcore_model_digest *digest, char text[KVCORE_MODEL_DIGEST_TEXT_BYTES]) {
    if (digest == NULL || text == NULL) return;
    kvcore_hex_encode(digest->bytes, sizeof digest->bytes, text);
    text[KVCORE_MODEL_DIGEST_TEXT_BYTES - 1] = '\0';
}

kvcore_status kvcore_model_digest_parse(kvcore_bytes text, kvcore_model_digest *digest) {
    if (digest == NULL) return KVCORE_EINVAL;
    if (text.size_bytes != 2 * sizeof digest->bytes) return KVCORE_EFORMAT;
    return kvcore_hex_decode(text.data, text.size_bytes, digest->bytes);
}

static kvcore_model_digest cut(const kvcore_hash256 *hash) {
    kvcore_model_digest digest;
    memcpy(digest.bytes, hash->bytes, sizeof digest.bytes);
    return digest;
}

kvcore_status kvcore_model_digest_of_bytes(kvcore_bytes bytes, kvcore_model_digest *digest) {
    if (digest == NULL) return KVCORE_EINVAL;
    kvcore_hash256 hash;
    kvcore_status status = kvcore_sha256(bytes, &hash);
    if (status == KVCORE_OK) *digest = cut(&hash);
    return status;
}

static kvcore_status io_failed(kvcore_error *error, size_t index, const char *what, const char *path) {
    int code = errno;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO, .index = index, .actual = (uint64_t)code},
                       "cannot %s %s: %s", what, path, strerror(code));
}

static kvcore_status hash_descriptor(int descriptor, const char *path, size_t index, kvcore_sha256_hasher *hasher,
                                     kvcore_error *error) {
    unsigned char piece[PIECE_BYTES];
    for (;;) {
        ssize_t got = read(descriptor, piece, sizeof piece);
        if (got == 0) return KVCORE_OK;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_failed(error, index, "read", path);
        kvcore_status status = kvcore_sha256_add(hasher, (kvcore_bytes){piece, (size_t)got});
        if (status != KVCORE_OK) return status;
    }
}

static kvcore_status hash_file(const char *path, size_t index, kvcore_hash256 *hash, kvcore_error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return io_failed(error, index, "open", path);
    kvcore_sha256_hasher hasher;
    kvcore_status status = kvcore_sha256_begin(&hasher);
    if (status != KVCORE_OK) {
        kvcore_fail(error, &(kvcore_error){.code = status, .index = index}, "SHA-256 is not available");
    } else {
        status = hash_descriptor(descriptor, path, index, &hasher, error);
        if (status == KVCORE_OK) status = kvcore_sha256_end(&hasher, hash);
        kvcore_sha256_drop(&hasher);
    }
    close(descriptor);
    return status;
}

kvcore_status kvcore_model_digest_of_file(const char *path, kvcore_model_digest *digest, kvcore_error *error) {
    if (path == NULL || digest == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "%s is NULL",
                           path == NULL ? "path" : "digest");
    kvcore_hash256 hash;
    kvcore_status status = hash_file(path, 0, &hash, error);
    if (status == KVCORE_OK) *digest = cut(&hash);
    return status;
}

static kvcore_status check_files(const kvcore_model_file *files, size_t count, kvcore_error *error) {
    if (files == NULL || count == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "no files");
    for (size_t i = 0; i < count; i++) {
        if (files[i].name == NULL || files[i].name[0] == '\0' || files[i].path == NULL)
            return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = i},
                               "file %zu has no name or no path", i);
        for (size_t j = 0; j < i; j++)
            if (strcmp(files[i].name, files[j].name) == 0)
                return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = i},
                                   "two files have the name %s", files[i].name);
    }
    return KVCORE_OK;
}

/* The first name after `previous` (NULL: the first of all). Names differ, and there is one. */
static size_t next_by_name(const kvcore_model_file *files, size_t count, const char *previous) {
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (previous == NULL || strcmp(files[i].name, previous) > 0)
            if (best == count || strcmp(files[i].name, files[best].name) < 0) best = i;
    return best;
}

static kvcore_status add_u64(kvcore_sha256_hasher *hasher, uint64_t value) {
    uint8_t bytes[8];
    kvcore_store_le64(bytes, value);
    return kvcore_sha256_add(hasher, (kvcore_bytes){bytes, sizeof bytes});
}

static kvcore_status add_file(kvcore_sha256_hasher *hasher, const kvcore_model_file *file, size_t index,
                              kvcore_error *error) {
    kvcore_hash256 content;
    kvcore_status status = hash_file(file->path, index, &content, error);
    size_t length = strlen(file->name);
    if (status == KVCORE_OK) status = add_u64(hasher, length);
    if (status == KVCORE_OK) status = kvcore_sha256_add(hasher, (kvcore_bytes){file->name, length});
    if (status == KVCORE_OK) status = kvcore_sha256_add(hasher, (kvcore_bytes){content.bytes, sizeof content.bytes});
    return status;
}

kvcore_status kvcore_model_digest_of_files(const kvcore_model_file *files, size_t count, kvcore_model_digest *digest,
                                           kvcore_error *error) {
    if (digest == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "digest is NULL");
    static const char domain[] = "kvstrata-model-set-1";
    kvcore_status status = check_files(files, count, error);
    if (status != KVCORE_OK) return status;
    kvcore_sha256_hasher hasher;
    status = kvcore_sha256_begin(&hasher);
    if (status != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX},
                           "SHA-256 is not available");
    status = kvcore_sha256_add(&hasher, (kvcore_bytes){domain, sizeof domain - 1});
    if (status == KVCORE_OK) status = add_u64(&hasher, count);
    const char *previous = NULL;
    for (size_t done = 0; done < count && status == KVCORE_OK; done++) {
        size_t i = next_by_name(files, count, previous);
        previous = files[i].name;
        status = add_file(&hasher, &files[i], i, error);
    }
    kvcore_hash256 hash;
    if (status == KVCORE_OK) status = kvcore_sha256_end(&hasher, &hash);
    kvcore_sha256_drop(&hasher);
    if (status == KVCORE_OK) *digest = cut(&hash);
    return status;
}

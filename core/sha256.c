#include <kvcore/digest.h>

#include <openssl/evp.h>

kvcore_status kvcore_sha256_begin(kvcore_sha256_hasher *hasher) {
    if (hasher == NULL) return KVCORE_EINVAL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL) return KVCORE_ENOMEM;
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return KVCORE_ENOTSUP;
    }
    hasher->context = context;
    return KVCORE_OK;
}

kvcore_status kvcore_sha256_add(kvcore_sha256_hasher *hasher, kvcore_bytes piece) {
    if (hasher == NULL || hasher->context == NULL || (piece.data == NULL && piece.size_bytes > 0)) return KVCORE_EINVAL;
    if (piece.size_bytes == 0) return KVCORE_OK;
    return EVP_DigestUpdate(hasher->context, piece.data, piece.size_bytes) == 1 ? KVCORE_OK : KVCORE_ENOTSUP;
}

kvcore_status kvcore_sha256_end(kvcore_sha256_hasher *hasher, kvcore_hash256 *hash) {
    if (hasher == NULL || hasher->context == NULL || hash == NULL) return KVCORE_EINVAL;
    kvcore_hash256 result;
    if (EVP_DigestFinal_ex(hasher->context, result.bytes, NULL) != 1) return KVCORE_ENOTSUP;
    *hash = result;
    return KVCORE_OK;
}

void kvcore_sha256_drop(kvcore_sha256_hasher *hasher) {
    if (hasher == NULL) return;
    EVP_MD_CTX_free(hasher->context);
    hasher->context = NULL;
}

kvcore_status kvcore_sha256(kvcore_bytes bytes, kvcore_hash256 *hash) {
    if (hash == NULL || (bytes.data == NULL && bytes.size_bytes > 0)) return KVCORE_EINVAL;
    kvcore_sha256_hasher hasher;
    kvcore_status status = kvcore_sha256_begin(&hasher);
    if (status != KVCORE_OK) return status;
    status = kvcore_sha256_add(&hasher, bytes);
    if (status == KVCORE_OK) status = kvcore_sha256_end(&hasher, hash);
    kvcore_sha256_drop(&hasher);
    return status;
}

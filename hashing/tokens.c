#include <kvhash/tokens.h>

kvcore_status kvhash_tokens_from_u64(const uint64_t *ids, size_t count, uint32_t *tokens, kvcore_error *error) {
    if ((ids == NULL || tokens == NULL) && count != 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "ids or tokens is NULL with a count of %zu", count);
    for (size_t i = 0; i < count; i++)
        if (ids[i] > UINT32_MAX)
            return kvcore_fail(
                error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .index = i, .expected = UINT32_MAX, .actual = ids[i]},
                "Token ID exceeds u32::MAX");
    for (size_t i = 0; i < count; i++) tokens[i] = (uint32_t)ids[i];
    return KVCORE_OK;
}

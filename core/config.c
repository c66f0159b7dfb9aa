#include <kvcore/config.h>

#include <string.h>

kvcore_status kvcore_config_read(void *config, size_t size_bytes, const void *given, kvcore_error *error) {
    if (config == NULL || given == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "config is NULL");
    size_t given_size;
    memcpy(&given_size, given, sizeof given_size);
    if (given_size < sizeof given_size)
        return kvcore_fail(
            error,
            &(kvcore_error){
                .code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX, .expected = size_bytes, .actual = given_size},
            "config struct_size is %zu: initialise the struct with its _INIT macro", given_size);
    if (given_size > KVCORE_CONFIG_MOST_BYTES)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_EINVAL,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = KVCORE_CONFIG_MOST_BYTES,
                                           .actual = given_size},
                           "config struct_size is %zu: initialise the struct with its _INIT macro", given_size);
    for (size_t i = size_bytes; i < given_size; i++)
        if (((const unsigned char *)given)[i] != 0)
            return kvcore_fail(error,
                               &(kvcore_error){.code = KVCORE_EINVAL,
                                               .index = KVCORE_NO_INDEX,
                                               .expected = size_bytes,
                                               .actual = given_size,
                                               .offset = i},
                               "config has an option at byte %zu that this library version does not know", i);
    memset(config, 0, size_bytes);
    memcpy(config, given, given_size < size_bytes ? given_size : size_bytes);
    memcpy(config, &size_bytes, sizeof size_bytes);
    return KVCORE_OK;
}

kvcore_status kvcore_result_write(void *result, const void *made, size_t size_bytes, kvcore_error *error) {
    if (result == NULL || made == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "result is NULL");
    size_t given_size, head = sizeof given_size;
    memcpy(&given_size, result, head);
    if (given_size < head || given_size > KVCORE_CONFIG_MOST_BYTES || size_bytes < head)
        return kvcore_fail(
            error,
            &(kvcore_error){
                .code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX, .expected = size_bytes, .actual = given_size},
            "result struct_size is %zu: initialise the struct with its _INIT macro", given_size);
    size_t known = given_size < size_bytes ? given_size : size_bytes;
    memcpy((char *)result + head, (const char *)made + head, known - head);
    memset((char *)result + known, 0, given_size - known);
    return KVCORE_OK;
}

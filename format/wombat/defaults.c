#include <kvwombat/defaults.h>

#include <stddef.h>

kvwombat_frozen_defaults kvwombat_frozen_defaults_make(void) {
    return (kvwombat_frozen_defaults){.block_size_tokens = 128,
                                      .wal_chunk_target_mb = 32,
                                      .hash = KVWOMBAT_HASH_BLAKE3,
                                      .wire = KVWOMBAT_WIRE_MSGPACK};
}

kvcore_status kvwombat_frozen_defaults_validate(const kvwombat_frozen_defaults *defaults, kvcore_error *error) {
    if (defaults == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "defaults is NULL");
    uint32_t block = defaults->block_size_tokens, chunk = defaults->wal_chunk_target_mb;
    if (block != 64 && block != 128 && block != 256)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = 0, .actual = block},
                           "block_size_tokens is %u; 64, 128 and 256 are allowed", block);
    if (chunk != 8 && chunk != 32 && chunk != 64)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = 1, .actual = chunk},
                           "wal_chunk_target_mb is %u; 8, 32 and 64 are allowed", chunk);
    return KVCORE_OK;
}

/* KVS1 files: the first byte says how much is put right before reading, so that the fuzzer gets behind the checksums: nothing;
 * checksums; or also the offsets, ids and chains that every record of a true file has. It also chooses the alignment: units of
 * 128 bytes, or of 256, in which a record has a second copy. */
#include <stdlib.h>
#include <string.h>

#include <kvformat/checksum.h>
#include <kvformat/kvs1.h>

#include "fuzz.h"

enum { STEP = 128 }; /* what is repaired has this size and begins at multiples of it */

static void seal(uint8_t *unit) { kvcore_store_le32(unit + 124, kvformat_crc32c(0, (kvcore_bytes){unit, 124})); }

/* An index that fits in front of its record gets its checksum; a record follows the last one before it. */
static void repair_record(uint8_t *file, size_t at, size_t alignment, bool chain, size_t *previous, uint64_t *number) {
    uint8_t *unit = file + at;
    if (chain) {
        kvcore_store_le64(unit + 24, ++*number);
        kvcore_store_le64(unit + 32, at);
        kvcore_store_le64(unit + 40, *previous == 0 ? alignment : *previous + alignment);
        kvcore_store_le64(unit + 64, *previous);
        kvcore_store_le32(unit + 76, *previous == 0 ? 0 : kvcore_load_le32(file + *previous + 124));
    }
    uint64_t index = kvcore_load_le64(unit + 48), count = kvcore_load_le64(unit + 56);
    if (index < at && count <= (at - index) / 40)
        kvcore_store_le32(unit + 72, kvformat_crc32c(0, (kvcore_bytes){file + index, (size_t)count * 40}));
    seal(unit);
    *previous = at;
}

static void repair(uint8_t *file, size_t size, size_t alignment, bool chain) {
    size_t previous = 0;
    uint64_t number = 0;
    memcpy(file, "KVS1\r\n\x1a\n\1\0\0\0\x80\0\0\0", 16);
    kvcore_store_le32(file + 12, (uint32_t)alignment);
    seal(file);
    for (size_t at = alignment; at + STEP <= size; at += STEP) {
        uint8_t *unit = file + at;
        bool trailer = memcmp(unit, "KVSB", 4) == 0, record = memcmp(unit, "KVSC", 4) == 0;
        if (!trailer && !record) continue;
        if (record && at % alignment != 0) { /* a second copy */
            memcpy(unit, unit - STEP, STEP);
            continue;
        }
        kvcore_store_le32(unit + 4, 1);
        if (chain) memcpy(unit + (trailer ? 96 : 8), file + 16, 16);
        if (chain && trailer) memcpy(unit + 24, file + 32, 40);
        if (trailer)
            seal(unit);
        else
            repair_record(file, at, alignment, chain, &previous, &number);
    }
}

static void read_all(const kvformat_kvs1_reader *reader, const uint8_t *file, size_t size) {
    kvformat_kvs1_info info = kvformat_kvs1_reader_info(reader);
    kvcore_error error;
    if (size >= info.alignment && info.end_offset + info.tail_bytes != size)
        abort(); /* a header's unit may be cut short */
    bool sound = kvformat_kvs1_check_all(reader, &error) == KVCORE_OK;
    for (uint64_t i = 0; i < info.entry_count; i++) {
        kvformat_kvs1_block block, found_block;
        bool newest = false;
        size_t found = 0;
        if (kvformat_kvs1_entry(reader, i, &block, &newest, &error) != KVCORE_OK) {
            if (sound) abort();
            continue;
        }
        const uint8_t *payload = block.payload.data;
        if (payload < file || payload + block.payload.size_bytes > file + info.end_offset) abort();
        (void)!kvformat_kvs1_check(reader, &block, &error);
        kvcore_status status = kvformat_kvs1_longest_prefix(reader, &block.name, 1, &found_block, &found, &error);
        if (sound && (status != KVCORE_OK || found != 1 || (newest && found_block.offset != block.offset))) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    uint8_t *file = malloc(size);
    if (file == NULL) return 0;
    memcpy(file, data + 1, --size);
    size_t alignment = data[0] / 3 % 2 == 0 ? STEP : 2 * STEP;
    if (data[0] % 3 != 0 && size >= STEP) repair(file, size, alignment, data[0] % 3 == 2);
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    if (kvformat_kvs1_open_bytes((kvcore_bytes){file, size}, NULL, &reader, &error) == KVCORE_OK) {
        read_all(reader, file, size);
        kvformat_kvs1_close(reader);
    }
    free(file);
    return 0;
}

/* The index as bytes, little-endian but for the names:
 *
 *     | 0 "kvradix" NUL | 8 version u32 = 1 | 12 holders u32 | 16 names u64 | 24 holders … | names … | BLAKE3 of all before |
 *
 *     a holder, 32 bytes, ascending:  | worker u64 | rank u32 | stale u32: 0 or 1 | expected u64 | lost u64 |
 *     a name, ascending:              | name 16, big-endian | a bit for each holder, low bit first, in whole bytes |
 *
 * A name has at least one holder; bits beyond the last are 0. So one content has one form. */
#include <stdlib.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>

#include "prefix/index.h"

#define MAGIC "kvradix"
#define VERSION 1
#define HEADER_BYTES 24
#define HOLDER_BYTES 32
#define CHECKSUM_BYTES sizeof(kvcore_hash256)

/* Where everything stands. */
typedef struct layout {
    size_t holders, names;
    size_t row_bytes, name_bytes; /* of one name */
    size_t names_at, checksum_at, size_bytes;
} layout;

static bool lay_out(size_t holders, uint64_t names, layout *l) {
    *l = (layout){.holders = holders, .names = (size_t)names, .row_bytes = (holders + 7) / 8};
    l->name_bytes = KVHASH_PLH_BYTES + l->row_bytes;
    l->names_at = HEADER_BYTES + holders * HOLDER_BYTES;
    return names <= SIZE_MAX && !__builtin_mul_overflow(l->names, l->name_bytes, &l->checksum_at) &&
           !__builtin_add_overflow(l->checksum_at, l->names_at, &l->checksum_at) &&
           !__builtin_add_overflow(l->checksum_at, CHECKSUM_BYTES, &l->size_bytes);
}

static kvcore_hash256 checksum_of(const uint8_t *bytes, const layout *l) {
    return kvcore_blake3((kvcore_bytes){bytes, l->checksum_at});
}

/* ---- out ---- */

static void write_holders(const kvradix_index *index, const layout *l, uint8_t *bytes) {
    memset(bytes, 0, HEADER_BYTES);
    memcpy(bytes, MAGIC, sizeof MAGIC);
    kvcore_store_le32(bytes + 8, VERSION);
    kvcore_store_le32(bytes + 12, (uint32_t)l->holders);
    kvcore_store_le64(bytes + 16, l->names);
    for (size_t i = 0; i < l->holders; i++) {
        const holder_state *state = &index->holders.states[i];
        uint8_t *at = bytes + HEADER_BYTES + i * HOLDER_BYTES;
        kvcore_store_le64(at, state->holder.worker);
        kvcore_store_le32(at + 8, state->holder.rank);
        kvcore_store_le32(at + 12, state->stale);
        kvcore_store_le64(at + 16, state->expected);
        kvcore_store_le64(at + 24, state->lost);
    }
}

static void write_name(const kvradix_index *index, const layout *l, const name_record *record, uint8_t *at) {
    kvhash_plh_encode(record->name, at);
    memset(at + KVHASH_PLH_BYTES, 0, l->row_bytes);
    for (size_t i = 0; i < l->holders; i++) {
        uint32_t col = index->holders.states[i].column;
        if (col != COLUMN_NONE && bit_get(record->row, col)) at[KVHASH_PLH_BYTES + i / 8] |= (uint8_t)(1U << (i % 8));
    }
}

static void write_all(const kvradix_index *index, const layout *l, uint8_t *bytes) {
    write_holders(index, l, bytes);
    uint8_t *at = bytes + l->names_at;
    size_t cursor = 0;
    for (uint32_t slot; (slot = kvradix__table_next(&index->lineage.table, &cursor)) != TABLE_NONE;) {
        const name_record *record = name_at(&index->lineage, slot);
        bool held = false;
        for (size_t w = 0; w < index->lineage.columns.row_words; w++)
            held |= atomic_load_explicit(&record->row[w], memory_order_relaxed) != 0;
        if (!held) continue; /* idle, or a stand-in */
        write_name(index, l, record, at);
        at += l->name_bytes;
    }
}

static kvhash_plh name_from(const void *bytes) {
    return (kvhash_plh){kvcore_load_be64(bytes), kvcore_load_be64((const uint8_t *)bytes + 8)};
}

static int by_name(const void *a, const void *b) { return kvhash_plh_compare(name_from(a), name_from(b)); }

kvcore_status kvradix_index_dump(const kvradix_index *index, void *bytes, size_t capacity, size_t *size_bytes) {
    if (index == NULL || size_bytes == NULL || (bytes == NULL && capacity > 0)) return KVCORE_EINVAL;
    layout l = {0};
    pthread_mutex_t *writers = index_lock(index);
    kvradix_index_counts counts = kvradix_index_count(index);
    bool representable = lay_out(counts.holders, counts.names, &l),
         fits = representable && bytes != NULL && l.size_bytes <= capacity;
    if (fits) write_all(index, &l, bytes);
    pthread_mutex_unlock(writers);
    if (!representable) return KVCORE_EOVERFLOW;
    *size_bytes = l.size_bytes;
    if (!fits) return KVCORE_EBUFFER;
    uint8_t *to = bytes;
    if (l.names > 0) qsort(to + l.names_at, l.names, l.name_bytes, by_name);
    kvcore_hash256 checksum = checksum_of(to, &l);
    memcpy(to + l.checksum_at, checksum.bytes, CHECKSUM_BYTES);
    return KVCORE_OK;
}

/* ---- in: everything is checked before anything is taken in ---- */

static kvcore_status malformed(kvcore_error *error, kvcore_status code, size_t offset, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .offset = offset}, "%s", what);
}

static kvcore_status check_header(const uint8_t *bytes, size_t size_bytes, layout *l, kvcore_error *error) {
    if (size_bytes < HEADER_BYTES)
        return malformed(error, KVCORE_ETRUNCATED, size_bytes, "input is shorter than a header");
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0) return malformed(error, KVCORE_EFORMAT, 0, "not a dump of an index");
    if (kvcore_load_le32(bytes + 8) != VERSION) return malformed(error, KVCORE_ENOTSUP, 8, "unsupported dump version");
    if (!lay_out(kvcore_load_le32(bytes + 12), kvcore_load_le64(bytes + 16), l))
        return malformed(error, KVCORE_EFORMAT, 16, "number of names is too large");
    if (size_bytes < l->size_bytes) return malformed(error, KVCORE_ETRUNCATED, size_bytes, "dump ends too early");
    if (size_bytes > l->size_bytes)
        return malformed(error, KVCORE_EFORMAT, l->size_bytes, "extra bytes after the dump");
    kvcore_hash256 checksum = checksum_of(bytes, l);
    if (memcmp(checksum.bytes, bytes + l->checksum_at, CHECKSUM_BYTES) != 0)
        return malformed(error, KVCORE_ECHECKSUM, l->checksum_at, "checksum mismatch");
    return KVCORE_OK;
}

static kvhash_holder holder_from(const uint8_t *at) {
    return (kvhash_holder){kvcore_load_le64(at), kvcore_load_le32(at + 8), 0};
}

static kvcore_status check_holders(const uint8_t *bytes, const layout *l, kvcore_error *error) {
    for (size_t i = 0; i < l->holders; i++) {
        size_t offset = HEADER_BYTES + i * HOLDER_BYTES;
        const uint8_t *at = bytes + offset;
        if (i > 0 && holder_compare(holder_from(at - HOLDER_BYTES), holder_from(at)) >= 0)
            return malformed(error, KVCORE_EFORMAT, offset, "holders are not ascending");
        if (kvcore_load_le32(at + 12) > 1)
            return malformed(error, KVCORE_EFORMAT, offset + 12, "stale flag must be 0 or 1");
        if (kvcore_load_le64(at + 16) == 0)
            return malformed(error, KVCORE_EFORMAT, offset + 16, "expected event number must not be 0");
    }
    return KVCORE_OK;
}

static kvcore_status check_names(const uint8_t *bytes, const layout *l, kvcore_error *error) {
    for (size_t i = 0; i < l->names; i++) {
        size_t offset = l->names_at + i * l->name_bytes;
        const uint8_t *at = bytes + offset, *row = at + KVHASH_PLH_BYTES;
        if (!kvhash_plh_valid(name_from(at))) return malformed(error, KVCORE_EFORMAT, offset, "invalid name");
        if (i > 0 && by_name(at - l->name_bytes, at) >= 0)
            return malformed(error, KVCORE_EFORMAT, offset, "names are not ascending");
        bool any = false;
        for (size_t b = 0; b < l->row_bytes; b++) any |= row[b] != 0;
        if (!any) return malformed(error, KVCORE_EFORMAT, offset, "name has no holders");
        if (l->holders % 8 != 0 && row[l->row_bytes - 1] >> (l->holders % 8) != 0)
            return malformed(error, KVCORE_EFORMAT, offset, "bit set for a holder that does not exist");
    }
    return KVCORE_OK;
}

static void read_holders(kvradix_index *index, const layout *l, const uint8_t *bytes) {
    for (size_t i = 0; i < l->holders; i++) {
        const uint8_t *at = bytes + HEADER_BYTES + i * HOLDER_BYTES;
        holder_state *state = kvradix__holders_add(&index->holders, holder_from(at));
        state->fresh = false;
        state->expected = kvcore_load_le64(at + 16);
        if (kvcore_load_le32(at + 12) == 1) kvradix__holders_mark_stale(&index->holders, state, 0);
        state->lost = kvcore_load_le64(at + 24);
        atomic_fetch_add_explicit(&index->holders.lost, state->lost, memory_order_relaxed);
    }
}

static kvcore_status read_names(kvradix_index *index, const layout *l, const uint8_t *bytes) {
    kvcore_status status = kvradix__table_reserve(&index->lineage.table, l->names, l->names);
    for (size_t i = 0; status == KVCORE_OK && i < l->names; i++) {
        /* by ascending position, so there is a stand-in only where a parent is missing */
        status = kvradix__table_reserve(&index->lineage.table, LINEAGE_SLOTS, LINEAGE_SLOTS);
        if (status != KVCORE_OK) break;
        const uint8_t *at = bytes + l->names_at + i * l->name_bytes, *row = at + KVHASH_PLH_BYTES;
        uint32_t slot = kvradix__lineage_add(&index->lineage, name_from(at));
        for (size_t h = 0; h < l->holders; h++)
            if (row[h / 8] >> (h % 8) & 1)
                kvradix__lineage_hold(
                    &index->lineage, slot,
                    kvradix__holders_column(&index->holders, &index->holders.states[h], &index->lineage.table));
    }
    return status;
}

static void take_back(kvradix_index *index, const layout *l) {
    uint64_t dead[ROW_WORDS_MAX] = {0};
    for (size_t h = l->holders; h-- > 0;) {
        atomic_fetch_sub_explicit(&index->holders.lost, index->holders.states[h].lost, memory_order_relaxed);
        kvradix__holders_clear(&index->holders, &index->holders.states[h], index_epoch(index), dead);
        kvradix__holders_erase(&index->holders, &index->holders.states[h]);
    }
    kvradix__lineage_scrub(&index->lineage, dead);
}

static kvcore_status take_in(kvradix_index *index, const layout *l, const uint8_t *bytes, kvcore_error *error) {
    if (kvradix_index_count(index).holders > 0)
        return malformed(error, KVRADIX_ENOTEMPTY, 0, "index must be empty, but it knows a holder");
    if (l->holders > index->holders.capacity)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVRADIX_EHOLDERS,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = index->holders.capacity,
                                           .actual = l->holders},
                           "%zu holders in the dump, but the index has room for %zu", l->holders,
                           index->holders.capacity);
    read_holders(index, l, bytes);
    kvcore_status status = read_names(index, l, bytes);
    if (status == KVCORE_OK) return status;
    take_back(index, l);
    return malformed(error, status, 0, "no memory for the names");
}

kvcore_status kvradix_index_load(kvradix_index *index, const void *bytes, size_t size_bytes, kvcore_error *error) {
    if (index == NULL || bytes == NULL) return malformed(error, KVCORE_EINVAL, 0, "index or bytes is NULL");
    layout l = {0};
    kvcore_status status = check_header(bytes, size_bytes, &l, error);
    if (status == KVCORE_OK) status = check_holders(bytes, &l, error);
    if (status == KVCORE_OK) status = check_names(bytes, &l, error);
    if (status != KVCORE_OK) return status;
    pthread_mutex_lock(&index->writers);
    status = take_in(index, &l, bytes, error);
    pthread_mutex_unlock(&index->writers);
    return status;
}

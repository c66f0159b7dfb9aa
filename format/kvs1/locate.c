/* KVS1: finding the last whole commit, backwards from the end, and the ones before it. */
#include "layout.h"

#include "refuse.h"

enum {
    PIECE_BYTES = 1 << 18,
    SINGLY_FROM = 1 << 16
}; /* units of that size and more are read one by one, and only their ends */

typedef enum unit_state {
    UNIT_OTHER,      /* no record */
    UNIT_WAS_RECORD, /* right in no copy */
    UNIT_DAMAGED,    /* right in one of its copies */
    UNIT_RECORD
} unit_state;

static bool all_zero(const uint8_t *bytes) {
    static const uint8_t zeros[KVS1_HEADER_BYTES];
    return memcmp(bytes, zeros, sizeof zeros) == 0;
}

/* Two of the three things that only a record of this file has at this place: one of them may be what is damaged. */
static bool was_record(const kvs1_header *header, const uint8_t *bytes, uint64_t offset) {
    int alike = memcmp(bytes, "KVSC", 4) == 0;
    alike += memcmp(bytes + 8, header->file_id, sizeof header->file_id) == 0;
    alike += kvcore_load_le64(bytes + 32) == offset;
    return alike >= 2;
}

/* copy: NULL when the unit has no room for one. Zeros beside a right one are no damage: an older writer wrote no copy, and a
 * crash may leave either unwritten. */
static unit_state judge(const kvs1_header *header, const uint8_t *bytes, const uint8_t *copy, uint64_t offset,
                        kvs1_record *record) {
    if (kvformat__kvs1_read_record(header, bytes, offset, record))
        return copy == NULL || all_zero(copy) || memcmp(bytes, copy, KVS1_HEADER_BYTES) == 0 ? UNIT_RECORD
                                                                                             : UNIT_DAMAGED;
    if (copy != NULL && kvformat__kvs1_read_record(header, copy, offset, record))
        return all_zero(bytes) ? UNIT_RECORD : UNIT_DAMAGED;
    bool was = was_record(header, bytes, offset) || (copy != NULL && was_record(header, copy, offset));
    return was ? UNIT_WAS_RECORD : UNIT_OTHER;
}

/* One unit, of which only its two ends are read. */
static kvcore_status read_unit(const kvs1_io *io, const kvs1_header *header, uint64_t offset, unit_state *state,
                               kvs1_record *record, kvcore_error *error) {
    uint8_t bytes[KVS1_HEADER_BYTES], copy[KVS1_HEADER_BYTES];
    bool has_copy = header->alignment >= 2 * KVS1_HEADER_BYTES;
    kvcore_status status = io->read(io->ctx, offset, bytes, sizeof bytes, error);
    uint64_t copy_offset = offset + header->alignment - KVS1_HEADER_BYTES;
    if (status == KVCORE_OK && has_copy) status = io->read(io->ctx, copy_offset, copy, sizeof copy, error);
    if (status == KVCORE_OK) *state = judge(header, bytes, has_copy ? copy : NULL, offset, record);
    return status;
}

kvcore_status kvformat__kvs1_previous(const kvs1_io *io, const kvs1_header *header, const kvs1_record *record,
                                      kvs1_record *previous, bool *damaged, kvcore_error *error) {
    unit_state state;
    kvcore_status status = read_unit(io, header, record->previous_offset, &state, previous, error);
    if (status != KVCORE_OK) return status;
    if (state < UNIT_DAMAGED || previous->commit != record->commit - 1 || previous->crc32c != record->previous_crc32c)
        return refuse_at(error, KVCORE_EFORMAT, record->previous_offset, record->commit - 1, 0, "commit record");
    *damaged = state == UNIT_DAMAGED;
    return KVCORE_OK;
}

kvcore_status kvformat__kvs1_refuse_damaged(uint64_t offset, kvcore_error *error) {
    const kvcore_error details = {.code = KVCORE_ECHECKSUM, .index = KVCORE_NO_INDEX, .offset = offset};
    return kvcore_fail(error, &details,
                       "the commit record at byte %" PRIu64 " is damaged: its commit is not seen and would be cut off",
                       offset);
}

/* What the scan knows of a unit; true ends it. */
static bool take(kvs1_end *end, unit_state state, uint64_t offset, const kvs1_record *record) {
    if (state == UNIT_WAS_RECORD) end->damaged_offset = offset;
    if (state < UNIT_DAMAGED) return false;
    end->last = *record;
    end->damaged = state == UNIT_DAMAGED;
    return true;
}

/* The units of a piece that begins at `from`, the last one first. */
static bool take_piece(const kvs1_header *header, const uint8_t *piece, uint64_t from, size_t size, kvs1_end *end) {
    size_t unit = header->alignment, copy_at = unit - KVS1_HEADER_BYTES;
    for (size_t at = size; at >= unit;) {
        at -= unit;
        kvs1_record record;
        const uint8_t *bytes = piece + at, *copy = copy_at >= KVS1_HEADER_BYTES ? bytes + copy_at : NULL;
        unit_state state = judge(header, bytes, copy, from + at, &record);
        if (take(end, state, from + at, &record)) return true;
    }
    return false;
}

typedef struct scan {
    const kvs1_io *io;
    const kvs1_header *header;
    uint8_t *piece;
    uint64_t at;     /* units below it are to be looked at */
    uint64_t lowest; /* where the first record can be */
    uint64_t window; /* how far back a hole is asked for */
} scan;

/* A step back over a hole, twice as far each time, so that a hole of any size takes few steps. False where there is data. */
static bool skip_hole(scan *of) {
    if (of->io->next_data == NULL) return false;
    uint64_t span = of->at - of->lowest, from = of->at - (of->window < span ? of->window : span);
    if (of->io->next_data(of->io->ctx, from) < of->at) {
        bool near = of->window <= PIECE_BYTES;
        of->window = PIECE_BYTES;
        return !near; /* look nearer before anything is read */
    }
    of->at = from;
    if (of->window < UINT64_MAX / 2) of->window *= 2;
    return true;
}

/* The units right below: one, or a piece of them. */
static kvcore_status read_back(scan *of, kvs1_end *end, bool *found, kvcore_error *error) {
    uint64_t unit = of->header->alignment, span = of->at - of->lowest;
    if (unit >= SINGLY_FROM) {
        unit_state state;
        kvs1_record record;
        kvcore_status status = read_unit(of->io, of->header, of->at - unit, &state, &record, error);
        if (status != KVCORE_OK) return status;
        of->at -= unit;
        *found = take(end, state, of->at, &record);
        return KVCORE_OK;
    }
    size_t size = span < PIECE_BYTES ? (size_t)span : PIECE_BYTES;
    kvcore_status status = of->io->read(of->io->ctx, of->at - size, of->piece, size, error);
    if (status != KVCORE_OK) return status;
    of->at -= size;
    *found = take_piece(of->header, of->piece, of->at, size, end);
    return KVCORE_OK;
}

/* After a writer cut the file off under the scan: from its new end. */
static kvcore_status look_again(scan *of, kvs1_end *end, kvcore_error *error) {
    uint64_t size;
    kvcore_status status = of->io->size(of->io->ctx, &size, error);
    if (status != KVCORE_OK) return status;
    size &= ~((uint64_t)of->header->alignment - 1);
    if (size >= of->at) return refuse_at(error, KVCORE_EIO, of->at, size, of->at, "file");
    of->at = size;
    end->damaged_offset = 0;
    return KVCORE_OK;
}

static kvcore_status scan_back(scan *of, kvs1_end *end, kvcore_error *error) {
    bool found = false;
    while (of->at > of->lowest && !found) {
        if (skip_hole(of)) continue;
        kvcore_status status = read_back(of, end, &found, error);
        if (status == KVCORE_ETRUNCATED) status = look_again(of, end, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

static kvcore_status read_header(const kvs1_io *io, kvs1_header *header, uint64_t *size, kvcore_error *error) {
    uint8_t bytes[KVS1_HEADER_BYTES];
    kvcore_status status = io->size(io->ctx, size, error);
    if (status != KVCORE_OK) return status;
    if (*size < sizeof bytes) return refuse_at(error, KVCORE_ETRUNCATED, 0, sizeof bytes, *size, "header");
    status = io->read(io->ctx, 0, bytes, sizeof bytes, error);
    return status == KVCORE_OK ? kvformat__kvs1_read_header(bytes, header, error) : status;
}

kvcore_status kvformat__kvs1_locate(const kvs1_io *io, const kvcore_allocator *allocator, kvs1_header *header,
                                    kvs1_end *end, kvcore_error *error) {
    *end = (kvs1_end){.damaged = false};
    kvcore_status status = read_header(io, header, &end->file_bytes, error);
    if (status != KVCORE_OK) return status;
    uint64_t unit = header->alignment, lowest = 2 * unit; /* header, a block, an index: no record is lower */
    scan of = {io, header, NULL, end->file_bytes & ~(unit - 1), lowest, PIECE_BYTES > unit ? PIECE_BYTES : unit};
    if (of.at <= lowest) return KVCORE_OK;
    unit_state state; /* mostly the last unit is it */
    kvs1_record record;
    status = read_unit(io, header, of.at - unit, &state, &record, error);
    if (status == KVCORE_OK && take(end, state, of.at - unit, &record)) return KVCORE_OK;
    if (status != KVCORE_OK && status != KVCORE_ETRUNCATED) return status;
    of.piece = kvcore_alloc(allocator, PIECE_BYTES, 1, 1);
    if (of.piece == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX}, "no memory");
    status = scan_back(&of, end, error);
    kvcore_free(allocator, of.piece, PIECE_BYTES, 1, 1);
    return status;
}

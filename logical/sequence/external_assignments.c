/* Ids and names of a sequence's blocks, over the ledger. */
#include <kvlogical/external_assignments.h>

#include <inttypes.h>
#include <string.h>

#include "sequence/ledger.h"

struct kvlogical_external_assignments {
    ledger blocks;
    size_t offset;
};

typedef kvlogical_external_assignments tracker;

_Static_assert(sizeof(kvhash_plh) == LEDGER_VALUE_BYTES, "a name fits");

static kvcore_status duplicate(kvcore_error *error, uint64_t id, size_t index) {
    return kvcore_fail(error, &(kvcore_error){.code = KVLOGICAL_EDUPLICATE, .index = index, .actual = id},
                       "duplicate block_id %" PRIu64 " already present", id);
}

static kvcore_status plain(kvcore_error *error, kvcore_status code) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s", kvcore_status_text(code));
}

kvcore_status kvlogical_external_assignments_create(size_t offset, const kvcore_allocator *given, tracker **out) {
    if (out == NULL) return KVCORE_EINVAL;
    *out = NULL;
    if (offset > KVHASH_PLH_MAX_POSITION) return KVCORE_EOVERFLOW;
    kvcore_allocator allocator = given == NULL || given->alloc == NULL ? kvcore_allocator_libc() : *given;
    tracker *t = kvcore_alloc(&allocator, 1, sizeof *t, _Alignof(max_align_t));
    if (t == NULL) return KVCORE_ENOMEM;
    *t = (tracker){.blocks.allocator = allocator, .offset = offset};
    *out = t;
    return KVCORE_OK;
}

void kvlogical_external_assignments_destroy(tracker *t) {
    if (t == NULL) return;
    kvcore_allocator allocator = t->blocks.allocator;
    kvlogical__ledger_destroy(&t->blocks);
    kvcore_free(&allocator, t, 1, sizeof *t, _Alignof(max_align_t));
}

kvcore_status kvlogical_external_assignments_reserve(tracker *t, size_t blocks) {
    return t == NULL ? KVCORE_EINVAL : kvlogical__ledger_reserve(&t->blocks, blocks);
}

static kvcore_status ordering(kvcore_error *error, const uint64_t *ids, size_t known, size_t first_new) {
    return kvcore_fail(error,
                       &(kvcore_error){.code = KVLOGICAL_EORDERING,
                                       .index = known,
                                       .expected = ids[first_new],
                                       .actual = ids[known],
                                       .offset = first_new},
                       "ordering violation: known block_id %" PRIu64
                       " at index %zu appeared after new block_id %" PRIu64 " at index %zu",
                       ids[known], known, ids[first_new], first_new);
}

kvcore_status kvlogical_external_assignments_extend(tracker *t, const uint64_t *ids, size_t count,
                                                    kvcore_error *error) {
    if (t == NULL || (count > 0 && ids == NULL)) return plain(error, KVCORE_EINVAL);
    ledger *l = &t->blocks;
    size_t before = ledger_count(l), first_new = count;
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        size_t known = kvlogical__ledger_find(l, ids[i]);
        if (known != LEDGER_NONE && known < before) {
            if (first_new < count) status = ordering(error, ids, i, first_new);
        } else if (known != LEDGER_NONE) {
            status = duplicate(error, ids[i], i);
        } else {
            kvhash_plh none = {0, 0};
            if (first_new == count) first_new = i;
            status = kvlogical__ledger_reserve(l, ledger_count(l) + 1);
            if (status != KVCORE_OK)
                status = plain(error, status);
            else
                kvlogical__ledger_push(l, ids[i], &none);
        }
    }
    if (status != KVCORE_OK) kvlogical__ledger_pop(l, ledger_count(l) - before);
    return status;
}

kvcore_status kvlogical_external_assignments_extend_assigned(tracker *t, const kvlogical_assignment *blocks,
                                                             size_t count, kvcore_error *error) {
    if (t == NULL || (count > 0 && blocks == NULL)) return plain(error, KVCORE_EINVAL);
    ledger *l = &t->blocks;
    if (count > SIZE_MAX / 2) return plain(error, KVCORE_EOVERFLOW);
    kvcore_status status = kvlogical__ledger_reserve(l, ledger_count(l) + count);
    if (status != KVCORE_OK) return plain(error, status);
    for (size_t i = 0; i < count; i++)
        if (!kvlogical__ledger_push(l, blocks[i].block_id, &blocks[i].name)) {
            kvlogical__ledger_pop(l, i);
            return duplicate(error, blocks[i].block_id, i);
        }
    kvlogical__ledger_assign_last(l, count);
    return KVCORE_OK;
}

kvcore_status kvlogical_external_assignments_stage(tracker *t, const kvhash_plh *names, size_t count,
                                                   kvlogical_range *staged, kvcore_error *error) {
    if (t == NULL || (count > 0 && names == NULL)) return plain(error, KVCORE_EINVAL);
    ledger *l = &t->blocks;
    size_t next = ledger_next(l), start = t->offset + next;
    size_t fit = count > start ? count - start : 0;
    if (fit > l->unassigned) fit = l->unassigned;
    for (size_t i = 0; i < fit; i++) {
        kvhash_plh name = names[start + i];
        if (kvhash_plh_valid(name) && kvhash_plh_position(name) == start + i) continue;
        uint64_t actual = kvhash_plh_valid(name) ? kvhash_plh_position(name) : UINT64_MAX, id = l->ids[next + i];
        return kvcore_fail(
            error,
            &(kvcore_error){
                .code = KVLOGICAL_EPOSITION, .index = start + i, .expected = start + i, .actual = actual, .offset = id},
            "position mismatch for block_id %" PRIu64 ": expected %zu, actual %" PRIu64, id, start + i, actual);
    }
    if (fit > 0) memcpy(ledger_value(l, next), names + start, fit * sizeof *names);
    if (staged != NULL) *staged = (kvlogical_range){l->staged, l->staged + fit};
    l->staged += fit;
    l->unassigned -= fit;
    return KVCORE_OK;
}

kvlogical_range kvlogical_external_assignments_commit(tracker *t) {
    if (t == NULL) return (kvlogical_range){0, 0};
    ledger *l = &t->blocks;
    kvlogical_range assigned = {l->assigned, ledger_next(l)};
    l->assigned = assigned.end;
    l->staged = 0;
    return assigned;
}

kvcore_status kvlogical_external_assignments_assign(tracker *t, const kvhash_plh *names, size_t count,
                                                    kvlogical_range *assigned, kvcore_error *error) {
    kvcore_status status = kvlogical_external_assignments_stage(t, names, count, NULL, error);
    if (status != KVCORE_OK) return status;
    kvlogical_range range = kvlogical_external_assignments_commit(t);
    if (assigned != NULL) *assigned = range;
    return KVCORE_OK;
}

/* The names lie as bytes; ids and names leave in pairs. */
static kvlogical_assignment pair(const ledger *l, size_t index) {
    kvlogical_assignment block = {.block_id = l->ids[index]};
    memcpy(&block.name, ledger_value(l, index), sizeof block.name);
    return block;
}

kvcore_status kvlogical_external_assignments_take_staged(tracker *t, kvlogical_assignment *blocks, size_t capacity,
                                                         size_t *count) {
    if (t == NULL || count == NULL || (capacity > 0 && blocks == NULL)) return KVCORE_EINVAL;
    ledger *l = &t->blocks;
    *count = l->staged;
    if (l->staged > capacity) return KVCORE_EBUFFER;
    for (size_t i = 0; i < l->staged; i++) blocks[i] = pair(l, l->assigned + i);
    kvlogical__ledger_cut(l, l->assigned, l->staged);
    return KVCORE_OK;
}

void kvlogical_external_assignments_clear(tracker *t) {
    if (t != NULL) kvlogical__ledger_clear(&t->blocks);
}

bool kvlogical_external_assignments_contains(const tracker *t, uint64_t block_id) {
    return t != NULL && kvlogical__ledger_find(&t->blocks, block_id) != LEDGER_NONE;
}

kvlogical_external_assignments_view kvlogical_external_assignments_view_of(const tracker *t) {
    if (t == NULL) return (kvlogical_external_assignments_view){0};
    const ledger *l = &t->blocks;
    return (kvlogical_external_assignments_view){
        .block_ids = l->ids,
        .names = (const kvhash_plh *)(const void *)l->values,
        .assigned = l->assigned,
        .staged = l->staged,
        .unassigned = l->unassigned,
        .offset = t->offset,
    };
}

bool kvlogical_external_assignments_at_position(const tracker *t, size_t position, kvlogical_assignment *block) {
    if (t == NULL || block == NULL || position < t->offset || position - t->offset >= t->blocks.assigned) return false;
    *block = pair(&t->blocks, position - t->offset);
    return true;
}

bool kvlogical_external_assignments_pending_at_position(const tracker *t, size_t position, uint64_t *block_id) {
    if (t == NULL || block_id == NULL) return false;
    size_t next = t->offset + ledger_next(&t->blocks);
    if (position < next || position - next >= t->blocks.unassigned) return false;
    *block_id = t->blocks.ids[position - t->offset];
    return true;
}

/* Both ranges are positions; ids at a position stand at position − offset in either tracker. */
static kvcore_status zip(const tracker *a, kvlogical_range ra, const tracker *b, kvlogical_range rb,
                         kvlogical_zipped *zipped, size_t capacity, size_t *count) {
    size_t start = ra.start > rb.start ? ra.start : rb.start;
    size_t end = ra.end < rb.end ? ra.end : rb.end;
    *count = end > start ? end - start : 0;
    if (*count > capacity) return KVCORE_EBUFFER;
    for (size_t i = 0; i < *count; i++)
        zipped[i] =
            (kvlogical_zipped){start + i, a->blocks.ids[start + i - a->offset], b->blocks.ids[start + i - b->offset]};
    return KVCORE_OK;
}

kvcore_status kvlogical_external_assignments_zip_assigned(const tracker *first, const tracker *second,
                                                          kvlogical_zipped *zipped, size_t capacity, size_t *count) {
    if (first == NULL || second == NULL || count == NULL || (capacity > 0 && zipped == NULL)) return KVCORE_EINVAL;
    kvlogical_external_assignments_view a = kvlogical_external_assignments_view_of(first),
                                        b = kvlogical_external_assignments_view_of(second);
    return zip(first, kvlogical_external_assignments_assigned_positions(&a), second,
               kvlogical_external_assignments_assigned_positions(&b), zipped, capacity, count);
}

kvcore_status kvlogical_external_assignments_zip_pending(const tracker *source, const tracker *target,
                                                         kvlogical_zipped *zipped, size_t capacity, size_t *count) {
    if (source == NULL || target == NULL || count == NULL || (capacity > 0 && zipped == NULL)) return KVCORE_EINVAL;
    kvlogical_external_assignments_view a = kvlogical_external_assignments_view_of(source),
                                        b = kvlogical_external_assignments_view_of(target);
    return zip(source, kvlogical_external_assignments_assigned_positions(&a), target,
               kvlogical_external_assignments_pending_positions(&b), zipped, capacity, count);
}

/* ---- positions ---- */

static kvlogical_range range_of(size_t begin, size_t count) { return (kvlogical_range){begin, begin + count}; }

size_t kvlogical_external_assignments_next_position(const kvlogical_external_assignments_view *view) {
    return view == NULL ? 0 : view->offset + view->assigned + view->staged;
}

kvlogical_range kvlogical_external_assignments_assigned_positions(const kvlogical_external_assignments_view *view) {
    return view == NULL ? range_of(0, 0) : range_of(view->offset, view->assigned);
}

kvlogical_range kvlogical_external_assignments_staged_positions(const kvlogical_external_assignments_view *view) {
    return view == NULL ? range_of(0, 0) : range_of(view->offset + view->assigned, view->staged);
}

kvlogical_range kvlogical_external_assignments_pending_positions(const kvlogical_external_assignments_view *view) {
    return view == NULL ? range_of(0, 0)
                        : range_of(kvlogical_external_assignments_next_position(view), view->unassigned);
}

/* Guards of a sequence's blocks, over the ledger. Guards change their kind in place. */
#include "sequence/assignments.h"

#include <inttypes.h>
#include <string.h>

typedef kvlogical_assignments tracker;

_Static_assert(sizeof(kvlogical_mutable) == LEDGER_VALUE_BYTES && sizeof(kvlogical_complete) == LEDGER_VALUE_BYTES &&
                   sizeof(kvlogical_immutable) == LEDGER_VALUE_BYTES,
               "a guard fits");

static kvcore_status fail(kvcore_error *error, kvcore_status code, uint64_t index) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = index}, "%s", kvcore_status_text(code));
}

static kvlogical_immutable *assigned_guards(const tracker *t) { return ledger_value(&t->blocks, 0); }
static kvlogical_complete *staged_guards(const tracker *t) { return ledger_value(&t->blocks, t->blocks.assigned); }
static kvlogical_mutable *unassigned_guards(const tracker *t) {
    return ledger_value(&t->blocks, ledger_next(&t->blocks));
}

void kvlogical__assignments_init(tracker *t, kvlogical_manager *manager, const kvcore_allocator *allocator) {
    *t = (tracker){.blocks.allocator = *allocator, .manager = manager, .manager_id = kvlogical_manager_id(manager)};
}

kvcore_status kvlogical_assignments_create(kvlogical_manager *manager, const kvcore_allocator *given, tracker **out) {
    if (out == NULL) return KVCORE_EINVAL;
    *out = NULL;
    if (manager == NULL) return KVCORE_EINVAL;
    kvcore_allocator allocator = given == NULL || given->alloc == NULL ? kvcore_allocator_libc() : *given;
    tracker *t = kvcore_alloc(&allocator, 1, sizeof *t, _Alignof(max_align_t));
    if (t == NULL) return KVCORE_ENOMEM;
    kvlogical__assignments_init(t, manager, &allocator);
    *out = t;
    return KVCORE_OK;
}

void kvlogical_assignments_destroy(tracker *t) {
    if (t == NULL) return;
    kvlogical_assignments_clear(t);
    kvcore_allocator allocator = t->blocks.allocator;
    kvlogical__ledger_destroy(&t->blocks);
    kvcore_free(&allocator, t, 1, sizeof *t, _Alignof(max_align_t));
}

kvcore_status kvlogical_assignments_reserve(tracker *t, size_t blocks) {
    return t == NULL ? KVCORE_EINVAL : kvlogical__ledger_reserve(&t->blocks, blocks);
}

/* All guards look alike: here each is read as an immutable one. */
static kvcore_status extend(tracker *t, void *guards, size_t count, kvcore_error *error) {
    if (t == NULL || (count > 0 && guards == NULL)) return fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX);
    if (count > UINT32_MAX) return fail(error, KVCORE_EOVERFLOW, KVCORE_NO_INDEX);
    ledger *l = &t->blocks;
    kvcore_status status = kvlogical__ledger_reserve(l, ledger_count(l) + count);
    if (status != KVCORE_OK) return fail(error, status, KVCORE_NO_INDEX);
    size_t alien = count;
    for (size_t i = 0; i < count; i++) {
        kvlogical_immutable guard;
        memcpy(&guard, (char *)guards + i * sizeof guard, sizeof guard);
        if (guard.manager != t->manager_id && alien == count) alien = i;
        if (kvlogical__ledger_push(l, guard.block, &guard)) continue;
        kvlogical__ledger_pop(l, i);
        return kvcore_fail(error, &(kvcore_error){.code = KVLOGICAL_EDUPLICATE, .index = i, .actual = guard.block},
                           "duplicate block_id %" PRIu32 " already present", guard.block);
    }
    if (alien < count) {
        kvlogical__ledger_pop(l, count);
        return fail(error, KVLOGICAL_EGUARD, alien);
    }
    if (count > 0) memset(guards, 0, count * LEDGER_VALUE_BYTES);
    return KVCORE_OK;
}

kvcore_status kvlogical_assignments_extend(tracker *t, kvlogical_mutable *blocks, size_t count, kvcore_error *error) {
    return extend(t, blocks, count, error);
}

kvcore_status kvlogical_assignments_extend_assigned(tracker *t, kvlogical_immutable *held, size_t count,
                                                    kvcore_error *error) {
    kvcore_status status = extend(t, held, count, error);
    if (status == KVCORE_OK) kvlogical__ledger_assign_last(&t->blocks, count);
    return status;
}

kvcore_status kvlogical_assignments_stage(tracker *t, const kvhash_plh *names, const uint32_t *token_counts,
                                          size_t count, size_t *staged, kvlogical_mutable *failed,
                                          kvcore_error *error) {
    if (t == NULL || staged == NULL || (count > 0 && names == NULL) || (token_counts != NULL && failed == NULL))
        return fail(error, KVCORE_EINVAL, KVCORE_NO_INDEX);
    ledger *l = &t->blocks;
    size_t fit = count < l->unassigned ? count : l->unassigned, good = 0;
    uint32_t block_tokens = kvlogical_manager_block_tokens(t->manager);
    while (good < fit && (token_counts == NULL || token_counts[good] == block_tokens)) good++;
    kvcore_status status = KVCORE_OK;
    if (good > 0)
        status = kvlogical_stage(t->manager, unassigned_guards(t), names, good,
                                 (kvlogical_complete *)(void *)unassigned_guards(t));
    *staged = 0;
    if (status != KVCORE_OK) return fail(error, status, KVCORE_NO_INDEX);
    *staged = good;
    l->staged += good;
    l->unassigned -= good;
    if (good == fit) return KVCORE_OK;
    memcpy(failed, unassigned_guards(t), sizeof *failed);
    kvlogical__ledger_cut(l, ledger_next(l), 1);
    return kvcore_fail(
        error,
        &(kvcore_error){
            .code = KVLOGICAL_EBLOCK_SIZE, .index = good, .expected = block_tokens, .actual = token_counts[good]},
        "Block size mismatch: expected %" PRIu32 " tokens, got %" PRIu32, block_tokens, token_counts[good]);
}

kvcore_status kvlogical__assignments_register(tracker *t, lent with, size_t *registered) {
    ledger *l = &t->blocks;
    size_t count = l->staged;
    if (count > 0) {
        kvcore_status status = kvlogical__register(t->manager, staged_guards(t), count, with,
                                                   (kvlogical_immutable *)(void *)staged_guards(t));
        if (status != KVCORE_OK) return status;
    }
    l->assigned += count;
    l->staged = 0;
    if (registered != NULL) *registered = count;
    return KVCORE_OK;
}

kvcore_status kvlogical_assignments_register(tracker *t, size_t *registered) {
    return t == NULL ? KVCORE_EINVAL : kvlogical__assignments_register(t, NOTHING_LENT, registered);
}

void kvlogical__assignments_unstage(tracker *t, size_t count) {
    ledger *l = &t->blocks;
    kvlogical_complete *last = staged_guards(t) + (l->staged - count);
    if (count == 0 || kvlogical_unstage(t->manager, last, count, (kvlogical_mutable *)(void *)last) != KVCORE_OK)
        return;
    l->unassigned += count;
    l->staged -= count;
}

bool kvlogical_assignments_pop(tracker *t, uint64_t *key, kvlogical_mutable *block) {
    if (t == NULL || block == NULL || t->blocks.unassigned == 0) return false;
    size_t last = ledger_count(&t->blocks) - 1;
    memcpy(block, ledger_value(&t->blocks, last), sizeof *block);
    if (key != NULL) *key = t->blocks.ids[last];
    kvlogical__ledger_pop(&t->blocks, 1);
    return true;
}

static kvcore_status take(tracker *t, size_t first, size_t here, uint64_t *keys, void *guards, size_t capacity,
                          size_t *count) {
    *count = here;
    if (here > capacity) return KVCORE_EBUFFER;
    if (here == 0) return KVCORE_OK;
    memcpy(guards, ledger_value(&t->blocks, first), here * LEDGER_VALUE_BYTES);
    if (keys != NULL) memcpy(keys, t->blocks.ids + first, here * sizeof *keys);
    kvlogical__ledger_cut(&t->blocks, first, here);
    return KVCORE_OK;
}

kvcore_status kvlogical_assignments_take_assigned(tracker *t, uint64_t *keys, kvlogical_immutable *held,
                                                  size_t capacity, size_t *count) {
    if (t == NULL || count == NULL || (capacity > 0 && held == NULL)) return KVCORE_EINVAL;
    return take(t, 0, t->blocks.assigned, keys, held, capacity, count);
}

kvcore_status kvlogical_assignments_take_staged(tracker *t, uint64_t *keys, kvlogical_complete *staged, size_t capacity,
                                                size_t *count) {
    if (t == NULL || count == NULL || (capacity > 0 && staged == NULL)) return KVCORE_EINVAL;
    return take(t, t->blocks.assigned, t->blocks.staged, keys, staged, capacity, count);
}

kvcore_status kvlogical_assignments_take_unassigned(tracker *t, uint64_t *keys, kvlogical_mutable *blocks,
                                                    size_t capacity, size_t *count) {
    if (t == NULL || count == NULL || (capacity > 0 && blocks == NULL)) return KVCORE_EINVAL;
    return take(t, ledger_next(&t->blocks), t->blocks.unassigned, keys, blocks, capacity, count);
}

/* One stale copy makes the whole batch fail; then release one by one, so that the good ones are released. */
#define RELEASE(release, manager, guards, count)                                              \
    do {                                                                                      \
        if ((count) > 0 && (release)((manager), (guards), (count)) == KVLOGICAL_EGUARD)       \
            for (size_t i = 0; i < (count); i++) (void)(release)((manager), (guards) + i, 1); \
    } while (0)

void kvlogical__assignments_drop(tracker *t, size_t count) {
    if (count == 0) return;
    kvlogical_mutable *last = unassigned_guards(t) + (t->blocks.unassigned - count);
    RELEASE(kvlogical_release_mutable, t->manager, last, count);
    kvlogical__ledger_pop(&t->blocks, count);
}

void kvlogical__assignments_clear(tracker *t, bool tail_first) {
    ledger *l = &t->blocks;
    if (tail_first)
        RELEASE(kvlogical_release_tail_first, t->manager, assigned_guards(t), l->assigned);
    else
        RELEASE(kvlogical_release, t->manager, assigned_guards(t), l->assigned);
    RELEASE(kvlogical_release_complete, t->manager, staged_guards(t), l->staged);
    RELEASE(kvlogical_release_mutable, t->manager, unassigned_guards(t), l->unassigned);
    kvlogical__ledger_clear(l);
}

void kvlogical_assignments_clear(tracker *t) {
    if (t != NULL) kvlogical__assignments_clear(t, false);
}

bool kvlogical_assignments_contains(const tracker *t, uint64_t key) {
    return t != NULL && kvlogical__ledger_find(&t->blocks, key) != LEDGER_NONE;
}

kvlogical_assignments_view kvlogical_assignments_view_of(const tracker *t) {
    if (t == NULL || t->blocks.capacity == 0) return (kvlogical_assignments_view){0};
    return (kvlogical_assignments_view){
        .keys = t->blocks.ids,
        .assigned = assigned_guards(t),
        .staged = staged_guards(t),
        .unassigned = unassigned_guards(t),
        .assigned_count = t->blocks.assigned,
        .staged_count = t->blocks.staged,
        .unassigned_count = t->blocks.unassigned,
    };
}

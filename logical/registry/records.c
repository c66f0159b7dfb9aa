#include "registry/records.h"

void kvlogical__records_init(records *all, name_key key, const kvcore_allocator *allocator) {
    *all = (records){.unused = NO_ROW, .names.key = key, .allocator = *allocator};
}

uint64_t kvlogical__records_bytes(uint64_t capacity) {
    return capacity * sizeof(record) + name_table_capacity(capacity) * sizeof(name_entry);
}

void kvlogical__records_place(records *all, void *memory, uint32_t capacity) {
    record *rows = memory;
    if (all->used > 0) memcpy(rows, all->rows, all->used * sizeof(record));
    all->rows = rows;
    all->capacity = capacity;
    all->names.entries = (name_entry *)(void *)(rows + capacity);
    all->names.capacity = name_table_capacity(capacity);
    name_table_clear(&all->names);
    for (uint32_t row = 0; row < all->used; row++)
        if (rows[row].used) name_insert(&all->names, name_tag(&all->names, rows[row].name), row);
}

void kvlogical__records_clear(records *all) {
    if (all->fixed) return;
    kvcore_free(&all->allocator, all->rows, 1, (size_t)kvlogical__records_bytes(all->capacity), _Alignof(record));
}

static kvcore_status grow(records *all) {
    if (all->fixed) return KVCORE_ENOSPACE;
    uint64_t capacity = all->capacity == 0 ? 64 : 2 * (uint64_t)all->capacity;
    uint64_t bytes = kvlogical__records_bytes(capacity);
    if (capacity >= NO_ROW || bytes > SIZE_MAX) return KVCORE_ENOMEM;
    void *old = all->rows, *memory = kvcore_alloc(&all->allocator, 1, (size_t)bytes, _Alignof(record));
    if (memory == NULL) return KVCORE_ENOMEM;
    uint64_t old_bytes = kvlogical__records_bytes(all->capacity);
    kvlogical__records_place(all, memory, (uint32_t)capacity);
    kvcore_free(&all->allocator, old, 1, (size_t)old_bytes, _Alignof(record));
    return KVCORE_OK;
}

kvcore_status kvlogical__records_reserve(records *all, size_t count) {
    kvcore_status status = KVCORE_OK;
    while (status == KVCORE_OK && all->capacity - all->count < count) status = grow(all);
    return status;
}

kvcore_status kvlogical__record_hold(records *all, kvhash_plh name, uint32_t *out) {
    uint32_t row = records_find(all, name);
    if (row == NO_ROW) {
        kvcore_status status = kvlogical__records_reserve(all, 1);
        if (status != KVCORE_OK) return status;
        row = all->unused;
        if (row == NO_ROW) {
            row = all->used++;
            all->rows[row] = (record){.generation = 1};
        } else {
            all->unused = all->rows[row].next_unused;
        }
        all->rows[row] = (record){.name = name, .generation = all->rows[row].generation, .used = true};
        name_insert(&all->names, name_tag(&all->names, name), row);
        all->count++;
    }
    if (all->rows[row].holds == UINT32_MAX) return KVCORE_EOVERFLOW;
    all->rows[row].holds++;
    *out = row;
    return KVCORE_OK;
}

bool kvlogical__record_valid(const records *all, uint32_t row, uint32_t generation) {
    return row < all->used && all->rows[row].used && all->rows[row].holds > 0 &&
           all->rows[row].generation == generation;
}

/* What is attached to a record goes behind what is doomed already. */
static void doom(doomed *dead, const record *freed) {
    if (freed->attachments.first != NULL) {
        *(dead->attachments.first == NULL ? &dead->attachments.first : &dead->attachments.last->next) =
            freed->attachments.first;
        dead->attachments.last = freed->attachments.last;
    }
    if (freed->callbacks.first != NULL) {
        *(dead->callbacks.first == NULL ? &dead->callbacks.first : &dead->callbacks.last->next) =
            freed->callbacks.first;
        dead->callbacks.last = freed->callbacks.last;
    }
}

void kvlogical__record_free(records *all, uint32_t row) {
    record *freed = &all->rows[row];
    name_erase(&all->names, name_tag(&all->names, freed->name), row);
    doom(&all->doomed, freed);
    *freed = (record){.generation = freed->generation + 1, .next_unused = all->unused};
    all->unused = row;
    all->count--;
}

void kvlogical__doomed_destroy(doomed dead, const kvcore_allocator *allocator) {
    while (dead.attachments.first != NULL) {
        attachment *at = dead.attachments.first;
        dead.attachments.first = at->next;
        if (at->destructor != NULL) at->destructor(at->value);
        kvcore_free(allocator, at, 1, sizeof *at, _Alignof(attachment));
    }
    while (dead.callbacks.first != NULL) {
        touch_callback *at = dead.callbacks.first;
        dead.callbacks.first = at->next;
        kvcore_free(allocator, at, 1, sizeof *at, _Alignof(touch_callback));
    }
}

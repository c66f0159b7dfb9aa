#include "prefix/index.h"

#include <kvcore/config.h>

#include "config.h"

/* ---- life ---- */

static kvcore_status init(kvradix_index *index, const kvradix_config *config) {
    index->name_limit = config->name_limit != 0 ? config->name_limit : SIZE_MAX;
    index->holder_name_limit = config->holder_name_limit != 0 ? config->holder_name_limit : SIZE_MAX;
    kvcore_status status = kvradix__lineage_init(&index->lineage, config);
    if (status != KVCORE_OK) return status;
    status =
        kvradix__holders_init(&index->holders, config->holder_capacity, &index->lineage.columns, &config->allocator);
    if (status == KVCORE_OK && pthread_mutex_init(&index->writers, NULL) == 0) return KVCORE_OK;
    if (status == KVCORE_OK) kvradix__holders_destroy(&index->holders, &config->allocator);
    kvradix__lineage_destroy(&index->lineage);
    return KVCORE_ENOMEM;
}

kvcore_status kvradix_index_create(const kvradix_config *given, kvradix_index **index, kvcore_error *error) {
    kvradix_config config;
    kvcore_status status = kvradix__config_read(given, &config, error);
    if (status != KVCORE_OK) return status;
    if (index == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "index is NULL");
    kvradix_index *made = kvcore_alloc(&config.allocator, 1, sizeof *made, _Alignof(kvradix_index));
    if (made == NULL) return KVCORE_ENOMEM;
    status = init(made, &config);
    if (status == KVCORE_OK)
        *index = made;
    else
        kvcore_free(&config.allocator, made, 1, sizeof *made, _Alignof(kvradix_index));
    return status;
}

void kvradix_index_destroy(kvradix_index *index) {
    if (index == NULL) return;
    kvcore_allocator allocator = index->lineage.table.allocator;
    kvradix__holders_destroy(&index->holders, &allocator);
    kvradix__lineage_destroy(&index->lineage);
    pthread_mutex_destroy(&index->writers);
    kvcore_free(&allocator, index, 1, sizeof *index, _Alignof(kvradix_index));
}

/* ---- one name ---- */

bool kvradix__index_allows(const kvradix_index *index, const holder_state *state, kvhash_plh name) {
    const lineage *l = &index->lineage;
    size_t names = atomic_load_explicit(&l->names, memory_order_relaxed);
    size_t own = state->column == COLUMN_NONE ? 0 : l->columns.of[state->column].names;
    if (names < index->name_limit && own < index->holder_name_limit) return true;
    uint32_t slot = kvradix__lineage_find(l, name);
    if (slot == TABLE_NONE) return false;
    const name_record *record = name_at(l, slot);
    if (state->column != COLUMN_NONE && bit_get(record->row, state->column)) return true;
    return own < index->holder_name_limit && !kvradix__lineage_is_idle(l, record);
}

void kvradix__index_hold(kvradix_index *index, holder_state *state, kvhash_plh name) {
    lineage *l = &index->lineage;
    uint32_t slot = kvradix__lineage_add(l, name);
    kvradix__lineage_hold(l, slot, kvradix__holders_column(&index->holders, state, &l->table));
}

/* ---- what callers tell ---- */

static kvcore_status check_names(const kvhash_plh *names, size_t count) {
    if (names == NULL && count > 0) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    return KVCORE_OK;
}

/* How many are not in the table; brings what is needed into the cache. */
static size_t count_unknown(const kvradix_index *index, const kvhash_plh *names, size_t count) {
    const table *t = &index->lineage.table;
    const table_rows *rows = table_rows_now(t);
    size_t unknown = 0;
    for (size_t start = 0; start < count; start += TABLE_AHEAD) {
        size_t length = count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD;
        uint64_t hashes[TABLE_AHEAD];
        uint32_t guesses[TABLE_AHEAD];
        for (size_t i = 0; i < length; i++)
            table_prefetch(rows, hashes[i] = name_hash(index->lineage.table.key, names[start + i]));
        for (size_t i = 0; i < length; i++) guesses[i] = table_guess(t, rows, hashes[i]);
        for (size_t i = 0; i < length; i++)
            unknown += table_find_guessed(t, rows, hashes[i], guesses[i], same_name, &names[start + i]) == TABLE_NONE;
    }
    return unknown;
}

/* How many more names somebody has, and the holder has, if it gets these; one that occurs twice counts twice. */
static void count_new(const kvradix_index *index, uint32_t col, const kvhash_plh *names, size_t count, size_t *in_all,
                      size_t *of_holder) {
    *in_all = *of_holder = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = kvradix__lineage_find(&index->lineage, names[i]);
        const name_record *record = slot == TABLE_NONE ? NULL : name_at(&index->lineage, slot);
        *in_all += record == NULL || kvradix__lineage_is_idle(&index->lineage, record);
        *of_holder += record == NULL || col == COLUMN_NONE || !bit_get(record->row, col);
    }
}

/* A pass over the names, only when they might pass a limit. */
static kvcore_status check_limits(const kvradix_index *index, kvhash_holder holder, const kvhash_plh *names,
                                  size_t count) {
    const holder_state *state = kvradix__holders_find(&index->holders, holder);
    uint32_t col = state == NULL ? COLUMN_NONE : state->column;
    size_t own = col == COLUMN_NONE ? 0 : index->lineage.columns.of[col].names;
    size_t all = atomic_load_explicit(&index->lineage.names, memory_order_relaxed), more = 0, more_own = 0;
    size_t room = all < index->name_limit ? index->name_limit - all : 0;
    size_t room_own = own < index->holder_name_limit ? index->holder_name_limit - own : 0;
    if (count <= room && count <= room_own) return KVCORE_OK;
    count_new(index, col, names, count, &more, &more_own);
    return more <= room && more_own <= room_own ? KVCORE_OK : KVRADIX_EBUDGET;
}

kvcore_status kvradix_index_store(kvradix_index *index, kvhash_holder holder, const kvhash_plh *names, size_t count) {
    kvcore_status status = index == NULL ? KVCORE_EINVAL : check_names(names, count);
    if (status != KVCORE_OK) return status;
    pthread_mutex_lock(&index->writers);
    if (kvradix__holders_find(&index->holders, holder) == NULL && kvradix__holders_full(&index->holders))
        status = KVRADIX_EHOLDERS;
    if (status == KVCORE_OK) status = check_limits(index, holder, names, count);
    if (status == KVCORE_OK) {
        size_t slots = LINEAGE_SLOTS * count_unknown(index, names, count);
        status = kvradix__table_reserve(&index->lineage.table, slots, slots);
    }
    if (status == KVCORE_OK) {
        holder_state *state = kvradix__holders_add(&index->holders, holder);
        state->heard = true;
        state->fresh = false;
        for (size_t i = 0; i < count; i++) kvradix__index_hold(index, state, names[i]);
    }
    kvradix__table_settle(&index->lineage.table);
    pthread_mutex_unlock(&index->writers);
    return status;
}

/* At most TABLE_AHEAD. */
static void remove_some(kvradix_index *index, uint32_t col, const kvhash_plh *names, size_t count) {
    uint64_t hashes[TABLE_AHEAD];
    for (size_t i = 0; i < count; i++) hashes[i] = name_hash(index->lineage.table.key, names[i]);
    kvradix__lineage_fetch(&index->lineage, hashes, count);
    for (size_t i = count; i-- > 0;) {
        if (!kvhash_plh_valid(names[i])) continue;
        uint32_t slot = kvradix__lineage_find(&index->lineage, names[i]);
        if (slot != TABLE_NONE) kvradix__lineage_release(&index->lineage, slot, col);
    }
}

kvcore_status kvradix_index_remove(kvradix_index *index, kvhash_holder holder, const kvhash_plh *names, size_t count) {
    if (index == NULL || (names == NULL && count > 0)) return KVCORE_EINVAL;
    pthread_mutex_lock(&index->writers);
    holder_state *state = kvradix__holders_find(&index->holders, holder);
    if (state != NULL) state->heard = true;
    if (state != NULL && state->column != COLUMN_NONE)
        for (size_t end = count, start; end > 0; end = start) {
            start = end > TABLE_AHEAD ? end - TABLE_AHEAD : 0;
            remove_some(index, state->column, names + start, end - start);
        }
    kvradix__table_settle(&index->lineage.table);
    pthread_mutex_unlock(&index->writers);
    return KVCORE_OK;
}

/* ---- whole holders ---- */

static void scrub(kvradix_index *index, const uint64_t *dead) {
    uint64_t any = 0;
    for (size_t w = 0; w < index->lineage.columns.row_words; w++) any |= dead[w];
    if (any != 0) kvradix__lineage_scrub(&index->lineage, dead);
    kvradix__table_settle(&index->lineage.table);
}

static kvcore_status clear(kvradix_index *index, kvhash_holder holder, bool forget) {
    if (index == NULL) return KVCORE_EINVAL;
    uint64_t dead[ROW_WORDS_MAX] = {0};
    pthread_mutex_lock(&index->writers);
    holder_state *state = kvradix__holders_find(&index->holders, holder);
    if (state != NULL) {
        state->heard = true;
        kvradix__holders_clear(&index->holders, state, index_epoch(index), dead);
        if (forget) kvradix__holders_erase(&index->holders, state);
    }
    scrub(index, dead);
    pthread_mutex_unlock(&index->writers);
    return KVCORE_OK;
}

kvcore_status kvradix_index_clear(kvradix_index *index, kvhash_holder holder) { return clear(index, holder, false); }

kvcore_status kvradix_index_forget(kvradix_index *index, kvhash_holder holder) { return clear(index, holder, true); }

kvcore_status kvradix_index_expire(kvradix_index *index, uint64_t now_ns, uint64_t silence_ns, size_t *expired) {
    if (index == NULL) return KVCORE_EINVAL;
    uint64_t dead[ROW_WORDS_MAX] = {0};
    pthread_mutex_lock(&index->writers);
    size_t before = atomic_load_explicit(&index->holders.count, memory_order_relaxed);
    for (size_t i = before; i-- > 0;) {
        holder_state *state = &index->holders.states[i];
        if (state->heard) state->heard_ns = now_ns;
        state->heard = false;
        if (now_ns < state->heard_ns || now_ns - state->heard_ns <= silence_ns) continue;
        kvradix__holders_clear(&index->holders, state, index_epoch(index), dead);
        kvradix__holders_erase(&index->holders, state);
    }
    size_t after = atomic_load_explicit(&index->holders.count, memory_order_relaxed);
    scrub(index, dead);
    pthread_mutex_unlock(&index->writers);
    if (expired != NULL) *expired = before - after;
    return KVCORE_OK;
}

/* ---- how much there is ---- */

kvcore_status kvradix_index_read_counts(const kvradix_index *index, kvradix_index_counts *out) {
    if (index == NULL || out == NULL) return KVCORE_EINVAL;
    kvradix_index_counts counts = {
        .names = atomic_load_explicit(&index->lineage.names, memory_order_relaxed),
        .holders = atomic_load_explicit(&index->holders.count, memory_order_relaxed),
        .stale = atomic_load_explicit(&index->holders.stale_count, memory_order_relaxed),
        .lost = atomic_load_explicit(&index->holders.lost, memory_order_relaxed),
    };
    return kvcore_result_write(out, &counts, sizeof counts, NULL);
}

size_t kvradix_index_memory_bytes(const kvradix_index *index) {
    if (index == NULL) return 0;
    pthread_mutex_t *writers = index_lock(index);
    size_t bytes =
        sizeof *index + kvradix__lineage_memory_bytes(&index->lineage) + kvradix__holders_memory_bytes(&index->holders);
    pthread_mutex_unlock(writers);
    return bytes;
}

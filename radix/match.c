/* The readers of the positional index. Nothing here locks, waits or allocates.
 *
 * A closed column has, with every name, the one before: along a chain its bit is set up to where it ends and clear from there
 * on. So the ends of all closed columns are found by splitting: of an interval whose first name they all have and whose last
 * they all have not, eight parts are looked at, each column goes on in the part it ends in. Eight, because the seven names
 * between them are looked up side by side: a step costs the time of one cache miss, not of seven.
 *
 * Columns with orphans are followed from name to name: of several changes that happen on the way, one may be seen and an
 * earlier one, at a name passed already, not.
 *
 * What happens meanwhile: a bit changes at once, so the answer for a closed column is of some moment of the search, as long
 * as it stays closed. One that ceases to be closed is announced in index->openings before the change is made; the search is then
 * made again, from name to name for all columns, which relies on nothing. A column that dies is struck from index->live
 * before its bits are cleared; the search is then made again without it. */
#include "index.h"

#define PARTS 8
#define PROBES (PARTS - 1)
/* When columns end in so many parts, the parts are looked at name by name. */
#define CROWDED (PARTS / 2 + 1)

typedef uint64_t row[ROW_WORDS_MAX];

typedef struct found_column {
    uint32_t blocks, column;
} found_column;

typedef struct search {
    const kvradix_index *index;
    const table_rows *rows;
    const kvhash_plh *names;
    size_t count;
    size_t words;  /* of a row */
    size_t wanted; /* of closed columns */
    size_t found_count;
    found_column found[KVRADIX_HOLDERS_MAX];
} search;

/* ---- rows ---- */

static void row_load(uint64_t *to, const _Atomic uint64_t *from, size_t words) {
    for (size_t w = 0; w < words; w++) to[w] = atomic_load_explicit(&from[w], memory_order_acquire);
}

static bool row_any(const uint64_t *of, size_t words) {
    uint64_t any = 0;
    for (size_t w = 0; w < words; w++) any |= of[w];
    return any != 0;
}

/* Who has names[at[0]], names[at[1]], … */
static void probe(const search *s, const size_t *at, size_t count, row *rows) {
    const table *t = &s->index->table;
    uint64_t hashes[TABLE_AHEAD];
    uint32_t guesses[TABLE_AHEAD];
    for (size_t i = 0; i < count; i++) table_prefetch(s->rows, hashes[i] = name_hash(s->names[at[i]]));
    for (size_t i = 0; i < count; i++) guesses[i] = table_guess(t, s->rows, hashes[i]);
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = table_find_guessed(t, s->rows, hashes[i], guesses[i], same_name, &s->names[at[i]]);
        if (slot != TABLE_NONE)
            row_load(rows[i], name_at(s->index, slot)->row, s->words);
        else
            for (size_t w = 0; w < s->words; w++) rows[i][w] = 0;
    }
}

/* All these columns have so many blocks. */
static void emit(search *s, const uint64_t *columns, size_t blocks) {
    for (size_t w = 0; w < s->words; w++)
        for (uint64_t left = columns[w]; left != 0; left &= left - 1)
            s->found[s->found_count++] =
                (found_column){(uint32_t)blocks, (uint32_t)(64 * w) + (uint32_t)__builtin_ctzll(left)};
}

/* ---- closed columns ---- */

/* As split(), by looking at all names between, at most TABLE_AHEAD - 1: where many columns end that takes fewer steps. */
static void sweep(search *s, size_t low, size_t high, const uint64_t *alive) {
    const size_t between = high - low - 1, words = s->words;
    size_t at[TABLE_AHEAD];
    row have[TABLE_AHEAD + 1]; /* have[i]: those of `alive` that get as far as names[low + i] */
    for (size_t i = 0; i < between; i++) at[i] = low + 1 + i;
    probe(s, at, between, have + 1);
    for (size_t w = 0; w < words; w++) {
        have[0][w] = alive[w];
        for (size_t i = 1; i <= between; i++) have[i][w] &= have[i - 1][w];
        have[between + 1][w] = 0;
    }
    for (size_t i = between + 1; i-- > 0 && s->found_count < s->wanted;) {
        row ending;
        for (size_t w = 0; w < words; w++) ending[w] = have[i][w] & ~have[i + 1][w];
        emit(s, ending, low + i + 1);
    }
}

/* The columns of `alive`, not none, all have names[low] and have not names[high]; the longest first. `crowded`: others end all
 * around. */
static void split(search *s, size_t low, size_t high, const uint64_t *alive, bool crowded) {
    size_t between = high - low - 1;
    if (between == 0) {
        emit(s, alive, low + 1);
        return;
    }
    if (crowded && between < TABLE_AHEAD) {
        sweep(s, low, high, alive);
        return;
    }
    size_t probes = between < PROBES ? between : PROBES, at[PARTS + 1];
    row have[PARTS + 1]; /* have[i]: those of `alive` that get as far as names[at[i]] */
    for (size_t i = 0; i <= probes + 1; i++) at[i] = low + i * (high - low) / (probes + 1);
    probe(s, at + 1, probes, have + 1);
    for (size_t w = 0; w < s->words; w++) {
        have[0][w] = alive[w];
        for (size_t i = 1; i <= probes; i++) have[i][w] &= have[i - 1][w];
        have[probes + 1][w] = 0;
    }
    row ending[PARTS]; /* in each part */
    size_t used = 0;
    for (size_t i = 0; i <= probes; i++) {
        for (size_t w = 0; w < s->words; w++) ending[i][w] = have[i][w] & ~have[i + 1][w];
        used += row_any(ending[i], s->words);
    }
    for (size_t i = probes + 1; i-- > 0 && s->found_count < s->wanted;)
        if (row_any(ending[i], s->words)) split(s, at[i], at[i + 1], ending[i], used >= CROWDED);
}

/* ---- columns with orphans ---- */

/* The columns of `alive` all have names[0]; the shortest first. */
static void walk(search *s, uint64_t *alive) {
    for (size_t start = 1; start < s->count; start += TABLE_AHEAD) {
        size_t length = s->count - start < TABLE_AHEAD ? s->count - start : TABLE_AHEAD, at[TABLE_AHEAD];
        row rows[TABLE_AHEAD];
        for (size_t i = 0; i < length; i++) at[i] = start + i;
        probe(s, at, length, rows);
        for (size_t i = 0; i < length; i++) {
            row ending;
            for (size_t w = 0; w < s->words; w++) {
                ending[w] = alive[w] & ~rows[i][w];
                alive[w] &= rows[i][w];
            }
            emit(s, ending, start + i);
            if (!row_any(alive, s->words)) return;
        }
    }
    emit(s, alive, s->count);
}

/* ---- a search ---- */

/* Find the ends of all columns that live; false if it must be made again. */
static bool search_once(search *s, bool trust_closed) {
    const kvradix_index *index = s->index;
    uint64_t openings = atomic_load_explicit(&index->openings, memory_order_acquire);
    row live, closed, first, trusted = {0}, walked = {0}, still_live = {0};
    row_load(live, index->live, s->words);
    row_load(closed, index->closed, s->words);
    probe(s, &(size_t){0}, 1, &first);
    for (size_t w = 0; w < s->words; w++) {
        trusted[w] = trust_closed ? first[w] & live[w] & closed[w] : 0;
        walked[w] = first[w] & live[w] & ~trusted[w];
    }
    s->found_count = 0;
    if (row_any(trusted, s->words)) split(s, 0, s->count, trusted, false);
    if (row_any(walked, s->words)) walk(s, walked);
    row_load(still_live, index->live, s->words);
    for (size_t i = 0; i < s->found_count; i++)
        if ((still_live[s->found[i].column / 64] >> (s->found[i].column % 64) & 1) == 0) return false;
    return !trust_closed || atomic_load_explicit(&index->openings, memory_order_acquire) == openings;
}

static bool comes_first(const kvradix_index *index, found_column a, found_column b) {
    if (a.blocks != b.blocks) return a.blocks > b.blocks;
    return holder_compare(index->columns[a.column].holder, index->columns[b.column].holder) < 0;
}

/* Shell's sort: short, in place, and most of it is in order already. */
static void sort_found(search *s) {
    for (size_t gap = s->found_count / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < s->found_count; i++) {
            found_column moving = s->found[i];
            size_t j = i;
            for (; j >= gap && comes_first(s->index, moving, s->found[j - gap]); j -= gap)
                s->found[j] = s->found[j - gap];
            s->found[j] = moving;
        }
}

kvcore_status kvradix_index_match(const kvradix_index *index, const kvhash_plh *names, size_t count,
                                  kvradix_match *matches, size_t capacity, size_t *found) {
    if (index == NULL || found == NULL || (names == NULL && count > 0) || (matches == NULL && capacity > 0))
        return KVCORE_EINVAL;
    if (count > KVHASH_PLH_MAX_POSITION + 1) return KVCORE_EOVERFLOW;
    *found = 0;
    if (count == 0 || capacity == 0) return KVCORE_OK;
    search s;
    s.index = index;
    s.names = names;
    s.count = count;
    s.words = index->row_words;
    s.wanted = capacity;
    epoch_ticket inside = epoch_enter(&index->table.epochs);
    s.rows = table_rows_now(&index->table);
    for (bool trust_closed = true; !search_once(&s, trust_closed); trust_closed = false) {}
    sort_found(&s);
    *found = s.found_count < capacity ? s.found_count : capacity;
    for (size_t i = 0; i < *found; i++)
        matches[i] = (kvradix_match){index->columns[s.found[i].column].holder, s.found[i].blocks,
                                     bit_get(index->stale, s.found[i].column)};
    epoch_leave(inside);
    return KVCORE_OK;
}

kvcore_status kvradix_index_holders(const kvradix_index *index, kvhash_plh name, kvhash_holder *holders,
                                    size_t capacity, size_t *count) {
    if (index == NULL || count == NULL || (holders == NULL && capacity > 0)) return KVCORE_EINVAL;
    *count = 0;
    if (!kvhash_plh_valid(name)) return KVCORE_OK;
    epoch_ticket inside = epoch_enter(&index->table.epochs);
    row live = {0};
    row_load(live, index->live, index->row_words);
    uint32_t slot = table_find(&index->table, table_rows_now(&index->table), name_hash(name), same_name, &name);
    for (size_t w = 0; slot != TABLE_NONE && w < index->row_words; w++) {
        uint64_t left = live[w] & atomic_load_explicit(&name_at(index, slot)->row[w], memory_order_acquire);
        for (; left != 0; left &= left - 1, ++*count) {
            const column *of = &index->columns[64 * w + (size_t)__builtin_ctzll(left)];
            if (*count < capacity) holders[*count] = of->holder;
        }
    }
    epoch_leave(inside);
    return KVCORE_OK;
}

/* The readers of the positional index. Nothing here locks, waits or allocates.
 *
 * A closed column has, with every name, the one before. Along a chain its bit is set up to the column's end and clear behind
 * it. So the ends of all closed columns are found by splitting. Take an interval where every column holds the first name and
 * none holds the last. Split it into eight parts. Each column continues in the part that contains its end. The seven names
 * between the parts, and those of other intervals, are looked up side by side, because the number of waits for memory costs
 * time, not the number of look-ups.
 *
 * A column with orphans is followed from name to name. If several changes happen during the walk, the walk may see a later one
 * and miss an earlier one at a name it has already passed.
 *
 * Changes during a search: a bit changes at once, so the result for a column that stays closed was true at one instant of the
 * search. A column that ceases to be closed is announced in columns.openings before the change; the search then runs again from
 * name to name for all columns, which relies on nothing. A column that dies leaves columns.live before its bits are cleared; the
 * search then runs again without it. (Both are in index->lineage.) */
#include "prefix/index.h"

#define PARTS 8
#define PROBES (PARTS - 1)
/* How many names are looked up side by side. */
#define PROBES_AHEAD 64
/* How many intervals are split side by side. */
#define TAKEN_MAX 32
/* A row is worth its words: many short ones or few long ones. At least 128 intervals. */
#define PENDING_MAX 256
#define PENDING_WORDS ((size_t)128 * ROW_WORDS_MAX)
/* How much splitting one interval, and its last part and so on to the end, may add to those pending. */
#define SPLIT_DEPTH 8 /* PARTS^8 names are all that a chain can have */
#define PENDING_SPARE ((size_t)PROBES * SPLIT_DEPTH)

#define INLINE __attribute__((always_inline)) static inline

typedef uint64_t row[ROW_WORDS_MAX];

typedef struct found_column {
    uint32_t blocks, column;
} found_column;

/* Some columns all have names[low] and all have not names[high]. */
typedef struct interval {
    uint32_t low, high;
} interval;

typedef struct search {
    const kvradix_index *index;
    const table_rows *rows;
    const kvhash_plh *names;
    size_t count;
    size_t words;  /* of a row */
    size_t wanted; /* of closed columns */
    size_t found_count;
    found_column found[KVRADIX_HOLDERS_MAX];
    /* a stack: the longest last */
    size_t room; /* in it, but for PENDING_SPARE */
    size_t pending_count;
    interval pending[PENDING_MAX + 1];
    uint64_t pending_rows[PENDING_WORDS + ROW_WORDS_MAX];
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

/* Who has names[at[0]], names[at[1]], …; at most PROBES_AHEAD. */
INLINE void probe(const search *s, size_t words, const uint32_t *at, size_t count, uint64_t *rows) {
    const table *t = &s->index->lineage.table;
    uint64_t hashes[PROBES_AHEAD];
    uint32_t guesses[PROBES_AHEAD];
    for (size_t i = 0; i < count; i++)
        table_prefetch(s->rows, hashes[i] = name_hash(s->index->lineage.table.key, s->names[at[i]]));
    for (size_t i = 0; i < count; i++) guesses[i] = table_guess(t, s->rows, hashes[i]);
    for (size_t i = 0; i < count; i++, rows += words) {
        uint32_t slot = table_find_guessed(t, s->rows, hashes[i], guesses[i], same_name, &s->names[at[i]]);
        if (slot != TABLE_NONE)
            row_load(rows, name_at(&s->index->lineage, slot)->row, words);
        else
            for (size_t w = 0; w < words; w++) rows[w] = 0;
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

/* Where an interval is split: names[low] … names[high] in `probes` + 1 parts. */
static size_t probes_of(interval of) { return of.high - of.low - 1 < PROBES ? of.high - of.low - 1 : PROBES; }

static uint32_t split_at(interval of, size_t probes, size_t i) {
    return of.low + (uint32_t)(probes < PROBES ? i : i * (of.high - of.low) / PARTS);
}

/* How many intervals may be taken off the stack to be split. None for which there is no room, or that are not wanted. */
static size_t takeable(const search *s) {
    size_t wanted = s->wanted - s->found_count, fit = 1;
    if (s->pending_count + 2 * (size_t)PROBES <= s->room) fit = (s->room - s->pending_count) / PROBES;
    if (fit > TAKEN_MAX) fit = TAKEN_MAX;
    return fit < wanted ? fit : wanted;
}

/* Instead of `whole`, put its parts in which any of its columns end on the stack. `alive` are its columns, have[] those that have
 * the names it is split at. */
INLINE void push_parts(search *s, size_t words, interval whole, uint64_t *alive, const uint64_t *have) {
    size_t probes = probes_of(whole);
    interval part = {.low = whole.low};
    for (size_t i = 0; i <= probes; i++, part.low = part.high) {
        part.high = split_at(whole, probes, i + 1);
        uint64_t *ending = &s->pending_rows[s->pending_count * words], any = 0;
        for (size_t w = 0; w < words; w++) {
            uint64_t further = i < probes ? alive[w] & have[i * words + w] : 0;
            any |= ending[w] = alive[w] & ~further;
            alive[w] = further;
        }
        s->pending[s->pending_count] = part;
        s->pending_count += any != 0; /* no branch: it could not be predicted */
    }
}

/* Split as many of the last intervals as go side by side. */
INLINE void split_some(search *s, size_t words) {
    size_t taken = 0, probes = 0, takeable_count = takeable(s);
    interval wholes[TAKEN_MAX];
    uint64_t alive[TAKEN_MAX * ROW_WORDS_MAX], have[PROBES_AHEAD * ROW_WORDS_MAX];
    uint32_t at[PROBES_AHEAD];
    while (taken < takeable_count && s->pending_count > 0) {
        interval whole = s->pending[s->pending_count - 1];
        size_t more = probes_of(whole);
        if (probes + more > PROBES_AHEAD) break;
        s->pending_count--;
        for (size_t i = 0; i < more; i++) __builtin_prefetch(&s->names[at[probes++] = split_at(whole, more, i + 1)]);
        for (size_t w = 0; w < words; w++) alive[taken * words + w] = s->pending_rows[s->pending_count * words + w];
        wholes[taken++] = whole;
    }
    probe(s, words, at, probes, have);
    while (taken-- > 0) {
        probes -= probes_of(wholes[taken]);
        push_parts(s, words, wholes[taken], &alive[taken * words], &have[probes * words]);
    }
}

static __attribute__((noinline)) void split(search *s) {
    if (s->words == 1)
        split_some(s, 1);
    else
        split_some(s, s->words);
}

/* The ends of these columns, who all have names[0]; the longest first. */
static void search_closed(search *s, const uint64_t *columns) {
    s->pending_count = 1;
    s->pending[0] = (interval){0, (uint32_t)s->count};
    for (size_t w = 0; w < s->words; w++) s->pending_rows[w] = columns[w];
    while (s->pending_count > 0 && s->found_count < s->wanted) {
        interval last = s->pending[s->pending_count - 1];
        if (last.high - last.low == 1)
            emit(s, &s->pending_rows[--s->pending_count * s->words], last.high);
        else
            split(s);
    }
}

/* ---- columns with orphans ---- */

/* The columns of `alive` all have names[0]; the shortest first. */
static __attribute__((noinline)) void walk(search *s, uint64_t *alive) {
    size_t words = s->words;
    for (size_t start = 1; start < s->count; start += TABLE_AHEAD) {
        size_t length = s->count - start < TABLE_AHEAD ? s->count - start : TABLE_AHEAD;
        uint32_t at[TABLE_AHEAD];
        uint64_t rows[TABLE_AHEAD * ROW_WORDS_MAX];
        for (size_t i = 0; i < length; i++) at[i] = (uint32_t)(start + i);
        probe(s, words, at, length, rows);
        for (size_t i = 0; i < length; i++) {
            row ending;
            for (size_t w = 0; w < words; w++) {
                ending[w] = alive[w] & ~rows[i * words + w];
                alive[w] &= rows[i * words + w];
            }
            emit(s, ending, start + i);
            if (!row_any(alive, words)) return;
        }
    }
    emit(s, alive, s->count);
}

/* ---- a search ---- */

/* Find the ends of all columns that live; false if it must be made again. */
static bool search_once(search *s, bool trust_closed) {
    const kvradix_index *index = s->index;
    uint64_t openings = atomic_load_explicit(&index->lineage.columns.openings, memory_order_acquire);
    row live, closed, first, trusted = {0}, walked = {0}, still_live = {0};
    row_load(live, index->lineage.columns.live, s->words);
    row_load(closed, index->lineage.columns.closed, s->words);
    probe(s, s->words, &(uint32_t){0}, 1, first);
    for (size_t w = 0; w < s->words; w++) {
        trusted[w] = trust_closed ? first[w] & live[w] & closed[w] : 0;
        walked[w] = first[w] & live[w] & ~trusted[w];
    }
    s->found_count = 0;
    if (row_any(trusted, s->words)) search_closed(s, trusted);
    if (row_any(walked, s->words)) walk(s, walked);
    row_load(still_live, index->lineage.columns.live, s->words);
    for (size_t i = 0; i < s->found_count; i++)
        if ((still_live[s->found[i].column / 64] >> (s->found[i].column % 64) & 1) == 0) return false;
    return !trust_closed || atomic_load_explicit(&index->lineage.columns.openings, memory_order_acquire) == openings;
}

static bool comes_first(const kvradix_index *index, found_column a, found_column b) {
    if (a.blocks != b.blocks) return a.blocks > b.blocks;
    return holder_compare(index->lineage.columns.of[a.column].holder, index->lineage.columns.of[b.column].holder) < 0;
}

/* Shell's sort: short, and in place. */
static void sort_some(const kvradix_index *index, found_column *found, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < count; i++) {
            found_column moving = found[i];
            size_t j = i;
            for (; j >= gap && comes_first(index, moving, found[j - gap]); j -= gap) found[j] = found[j - gap];
            found[j] = moving;
        }
}

/* Closed columns arrive longest first: sort only within equal lengths. If walked columns follow, sort everything. */
static void sort_found(search *s) {
    found_column *found = s->found;
    bool descending = true;
    for (size_t i = 1; i < s->found_count; i++) descending &= found[i - 1].blocks >= found[i].blocks;
    if (!descending) sort_some(s->index, found, s->found_count);
    for (size_t start = 0, end; descending && start < s->found_count; start = end) {
        for (end = start + 1; end < s->found_count && found[end].blocks == found[start].blocks;) end++;
        sort_some(s->index, &found[start], end - start);
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
    s.words = index->lineage.columns.row_words;
    s.wanted = capacity;
    s.room = (s.words > PENDING_WORDS / PENDING_MAX ? PENDING_WORDS / s.words : PENDING_MAX) - PENDING_SPARE;
    epoch_ticket inside = epoch_enter(&index->lineage.table.epochs);
    s.rows = table_rows_now(&index->lineage.table);
    for (bool trust_closed = true; !search_once(&s, trust_closed); trust_closed = false) {}
    sort_found(&s);
    *found = s.found_count < capacity ? s.found_count : capacity;
    for (size_t i = 0; i < *found; i++)
        matches[i] = (kvradix_match){index->lineage.columns.of[s.found[i].column].holder, s.found[i].blocks,
                                     bit_get(index->lineage.columns.stale, s.found[i].column)};
    epoch_leave(inside);
    return KVCORE_OK;
}

kvcore_status kvradix_index_holders(const kvradix_index *index, kvhash_plh name, kvhash_holder *holders,
                                    size_t capacity, size_t *count) {
    if (index == NULL || count == NULL || (holders == NULL && capacity > 0)) return KVCORE_EINVAL;
    *count = 0;
    if (!kvhash_plh_valid(name)) return KVCORE_OK;
    epoch_ticket inside = epoch_enter(&index->lineage.table.epochs);
    row live = {0};
    row_load(live, index->lineage.columns.live, index->lineage.columns.row_words);
    uint32_t slot = table_find(&index->lineage.table, table_rows_now(&index->lineage.table),
                               name_hash(index->lineage.table.key, name), same_name, &name);
    for (size_t w = 0; slot != TABLE_NONE && w < index->lineage.columns.row_words; w++) {
        uint64_t left = live[w] & atomic_load_explicit(&name_at(&index->lineage, slot)->row[w], memory_order_acquire);
        for (; left != 0; left &= left - 1, ++*count) {
            const column *of = &index->lineage.columns.of[64 * w + (size_t)__builtin_ctzll(left)];
            if (*count < capacity) holders[*count] = of->holder;
        }
    }
    epoch_leave(inside);
    return KVCORE_OK;
}

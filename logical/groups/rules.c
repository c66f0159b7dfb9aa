/* Look-ups on bits, windows, masks: as the specification of groups has them. */
#include "groups/rules.h"

static bool there(const uint64_t *bits, size_t i) { return (bits[i / 64] >> i % 64 & 1) != 0; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* The first place from `i` on that is not there, at most `end`. */
static size_t run_end(const uint64_t *bits, size_t i, size_t end) {
    while (i < end) {
        uint64_t gaps = ~bits[i / 64] >> i % 64;
        if (gaps != 0) return least(end, i + (size_t)__builtin_ctzll(gaps));
        i += 64 - i % 64;
    }
    return end;
}

/* The place behind the last one below `end` that is there; 0: none is. */
static size_t last_end(const uint64_t *bits, size_t end) {
    while (end > 0) {
        size_t at = (end - 1) / 64 * 64;
        uint64_t word = bits[at / 64] & ~UINT64_C(0) >> (63 - (end - 1) % 64);
        if (word != 0) return at + 64 - (size_t)__builtin_clzll(word);
        end = at;
    }
    return 0;
}

static reach find_full(const rule *r, const uint64_t *bits, size_t end, bool drop) {
    size_t hit = run_end(bits, 0, end) * r->b;
    if (drop && hit > 0) hit -= r->b;
    return (reach){round_down(hit, r->align), 0};
}

size_t kvlogical__rule_need(const rule *r, bool drop) { return blocks_of((size_t)r->span - 1, r->b) + drop; }

/* May a run end with block i? The hit, which is one block less with drop, is aligned. */
static bool may_end(const rule *r, size_t i, bool drop) { return (i + !drop) * r->b % r->align == 0; }

static reach window_reach(const rule *r, size_t first, size_t end, bool drop) {
    size_t hit = round_down(end * r->b, r->align);
    if (drop && hit > 0) hit = round_down(hit - r->b, r->align);
    return (reach){hit, least(first, hit / r->b)};
}

static reach find_window(const rule *r, const uint64_t *bits, size_t end, bool drop) {
    size_t need = kvlogical__rule_need(r, drop), run = 0, top = 0;
    for (size_t i = last_end(bits, end); i > 0; i--) {
        if (!there(bits, i - 1)) {
            run = 0;
            i = last_end(bits, i) + 1;
            continue;
        }
        if (run == 0 && r->b != r->align && !may_end(r, i - 1, drop)) continue;
        if (run++ == 0) top = i;
        if (run < need) continue;
        size_t hit = top * r->b; /* aligned, or one block above with drop */
        if (drop) hit = round_down(hit - r->b, r->align);
        return (reach){hit, least(i - 1, hit / r->b)};
    }
    return window_reach(r, 0, run, drop);
}

static reach find_state(const rule *r, const uint64_t *bits, size_t end) {
    for (size_t i = last_end(bits, end); i > 0; i = last_end(bits, i - 1))
        if (i * r->b % r->align == 0) return (reach){i * r->b, i - 1};
    return (reach){0, 0};
}

static reach find_chunk(const rule *r, const uint64_t *bits, size_t end, size_t limit) {
    size_t first = round_down(limit, r->span) / r->b;
    return (reach){(first < end ? run_end(bits, first, end) : first) * r->b, first};
}

reach kvlogical__rule_find(const rule *r, const uint64_t *bits, size_t bit_count, size_t limit, bool drop) {
    size_t end = least(limit / r->b, bit_count);
    switch (r->kind) {
    case KVLOGICAL_GROUP_FULL: return find_full(r, bits, end, drop);
    case KVLOGICAL_GROUP_WINDOW: return find_window(r, bits, end, drop);
    case KVLOGICAL_GROUP_STATE: return find_state(r, bits, end);
    default: return find_chunk(r, bits, end, limit);
    }
}

size_t kvlogical__rule_past(const rule *r, size_t computed) {
    switch (r->kind) {
    case KVLOGICAL_GROUP_WINDOW: return computed + 1 > r->span ? computed + 1 - r->span : 0;
    case KVLOGICAL_GROUP_CHUNK: return round_down(computed, r->span);
    case KVLOGICAL_GROUP_STATE: return computed > 0 ? computed - 1 : 0;
    default: return 0;
    }
}

/* ---- which blocks get names ---- */

static void add(boundaries *all, size_t tokens) { all->at[all->count++] = tokens; }

/* One alignment below the last one, so that the dropped block is there. */
static size_t dropped(const rule *r, size_t tokens) {
    size_t at = round_down(tokens, r->align);
    return at > r->align ? at - r->align : 0;
}

boundaries kvlogical__rule_boundaries(const rule *r, size_t prompt, size_t reached) {
    boundaries all = {.count = 0};
    if (prompt > 0 && !r->eagle) add(&all, prompt - 1);
    if (prompt > 0 && r->eagle) {
        add(&all, dropped(r, prompt - 1));
        add(&all, dropped(r, prompt));
    }
    if (reached > 0) add(&all, reached);
    if (reached >= r->b && r->eagle) add(&all, reached - r->b);
    return all;
}

static bool window_names(const rule *r, size_t i, const boundaries *all) {
    size_t need = kvlogical__rule_need(r, r->eagle), shift = r->eagle;
    if (r->retention != KVLOGICAL_RETAIN_LATEST) {
        size_t per = (r->retention == KVLOGICAL_RETAIN_DENSE ? r->align : r->retention) / r->b;
        if (need >= per || (i >= shift && (i - shift) % per >= per - need)) return true;
    }
    if (r->retention == KVLOGICAL_RETAIN_DENSE) return false;
    for (size_t k = 0; k < all->count; k++) {
        size_t end = round_down(all->at[k], r->align) / r->b + shift;
        if (i < end && end - i <= need) return true;
    }
    return false;
}

static bool state_names(const rule *r, size_t i, const boundaries *all) {
    if (r->retention == KVLOGICAL_RETAIN_DENSE) return true;
    if (r->retention != KVLOGICAL_RETAIN_LATEST && (i + 1) % (r->retention / r->b) == 0) return true;
    for (size_t k = 0; k < all->count; k++)
        if (i + 1 == round_down(all->at[k], r->align) / r->b) return true;
    return false;
}

bool kvlogical__rule_names(const rule *r, size_t block, const boundaries *at) {
    if (r->kind == KVLOGICAL_GROUP_WINDOW) return window_names(r, block, at);
    return r->kind != KVLOGICAL_GROUP_STATE || state_names(r, block, at);
}

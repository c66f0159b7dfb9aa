#include <kvcore/bytes.h>
#include <kvcore/sort.h>
#include <kvwombat/manifest.h>

typedef struct replay {
    const kvwombat_delta *facts;
    size_t *order;
    kvwombat_conflict *conflicts;
} replay;

static int compare_keys(const kvwombat_delta *a, const kvwombat_delta *b) {
    int order = kvcore_bytes_compare(a->tenant_id, b->tenant_id);
    if (order == 0) order = kvcore_bytes_compare(a->fingerprint, b->fingerprint);
    return order != 0 ? order : kvcore_bytes_compare(a->prefix_hash, b->prefix_hash);
}

/* The order of replay: equal triples keep their places in the input. */
static bool replayed_before(const kvwombat_delta *facts, size_t a, size_t b) {
    if (facts[a].epoch_ms != facts[b].epoch_ms) return facts[a].epoch_ms < facts[b].epoch_ms;
    if (facts[a].seq != facts[b].seq) return facts[a].seq < facts[b].seq;
    int order = kvcore_bytes_compare(facts[a].write_id, facts[b].write_id);
    return order != 0 ? order < 0 : a < b;
}

static bool fact_before(void *ctx, size_t a, size_t b) {
    const replay *of = ctx;
    int order = compare_keys(&of->facts[of->order[a]], &of->facts[of->order[b]]);
    return order != 0 ? order < 0 : replayed_before(of->facts, of->order[a], of->order[b]);
}

static void swap_facts(void *ctx, size_t a, size_t b) {
    size_t *order = ((const replay *)ctx)->order, moved = order[a];
    order[a] = order[b];
    order[b] = moved;
}

static bool conflict_before(void *ctx, size_t a, size_t b) {
    const replay *of = ctx;
    return replayed_before(of->facts, of->conflicts[a].loser, of->conflicts[b].loser);
}

static void swap_conflicts(void *ctx, size_t a, size_t b) {
    kvwombat_conflict *conflicts = ((const replay *)ctx)->conflicts, moved = conflicts[a];
    conflicts[a] = conflicts[b];
    conflicts[b] = moved;
}

/* By key, then by replay: each key's facts stand together, its winner first. */
void kvwombat_delta_replay(const kvwombat_delta *facts, size_t count, size_t *winners, kvwombat_conflict *conflicts,
                           kvwombat_replay_stats *stats) {
    if (facts == NULL || winners == NULL || conflicts == NULL) count = 0;
    replay of = {facts, winners, conflicts};
    size_t winner_count = 0, conflict_count = 0;
    uint64_t idempotent = 0;
    for (size_t i = 0; i < count; i++) winners[i] = i;
    kvcore_sort(&(kvcore_sorting){&of, fact_before, swap_facts}, count);
    for (size_t i = 0; i < count; i++) {
        size_t fact = winners[i];
        if (winner_count == 0 || compare_keys(&facts[winners[winner_count - 1]], &facts[fact]) != 0) {
            winners[winner_count++] = fact; /* never past what was read */
            continue;
        }
        size_t winner = winners[winner_count - 1];
        if (kvcore_bytes_compare(facts[winner].payload_digest, facts[fact].payload_digest) == 0)
            idempotent++;
        else
            conflicts[conflict_count++] = (kvwombat_conflict){winner, fact};
    }
    kvcore_sort(&(kvcore_sorting){&of, conflict_before, swap_conflicts}, conflict_count);
    if (stats != NULL) *stats = (kvwombat_replay_stats){winner_count, idempotent, conflict_count};
}

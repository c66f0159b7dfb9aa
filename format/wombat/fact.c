#include <kvwombat/fact.h>

#include <string.h>

int kvwombat_fact_compare(const kvwombat_fact *a, const kvwombat_fact *b) {
    if (a == NULL || b == NULL) return (a != NULL) - (b != NULL);
    if (a->epoch_ms != b->epoch_ms) return a->epoch_ms < b->epoch_ms ? -1 : 1;
    return memcmp(a->write_id, b->write_id, sizeof a->write_id);
}

size_t kvwombat_fact_winner(const kvwombat_fact *facts, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (kvwombat_fact_compare(&facts[i], &facts[best]) < 0) best = i;
    return best;
}

#include "replay/name_set.h"

#include <stdlib.h>

/* The place of the name, or the absent place where it belongs. */
static size_t place_of(const name_set *set, kvhash_plh name) {
    uint64_t hash = (kvhash_plh_sequence_hash(name) ^ kvhash_plh_position(name)) * UINT64_C(0x9E3779B97F4A7C15);
    size_t place = (size_t)(hash >> 20) & (set->places - 1);
    while (set->states[place] != NAME_ABSENT && !kvhash_plh_equal(set->names[place], name))
        place = (place + 1) & (set->places - 1);
    return place;
}

uint8_t *name_set_find(const name_set *set, kvhash_plh name) {
    if (set->places == 0) return NULL;
    size_t place = place_of(set, name);
    return set->states[place] != NAME_ABSENT ? &set->states[place] : NULL;
}

static kvcore_status grow(name_set *set) {
    name_set larger = {.places = set->places == 0 ? 1024 : 2 * set->places, .count = set->count};
    larger.names = calloc(larger.places, sizeof *larger.names);
    larger.states = calloc(larger.places, 1);
    if (larger.names == NULL || larger.states == NULL) {
        name_set_clear(&larger);
        return KVCORE_ENOMEM;
    }
    for (size_t i = 0; i < set->places; i++) {
        if (set->states[i] == NAME_ABSENT) continue;
        size_t place = place_of(&larger, set->names[i]);
        larger.names[place] = set->names[i];
        larger.states[place] = set->states[i];
    }
    name_set_clear(set);
    *set = larger;
    return KVCORE_OK;
}

kvcore_status name_set_insert(name_set *set, kvhash_plh name, bool *added) {
    if (2 * (set->count + 1) > set->places) {
        kvcore_status status = grow(set);
        if (status != KVCORE_OK) return status;
    }
    size_t place = place_of(set, name);
    *added = set->states[place] == NAME_ABSENT;
    if (!*added) return KVCORE_OK;
    set->names[place] = name;
    set->states[place] = NAME_NEW;
    set->count++;
    return KVCORE_OK;
}

void name_set_clear(name_set *set) {
    free(set->names);
    free(set->states);
    *set = (name_set){.places = 0};
}

/* What an event means to a source: which ones count, and in which tier and group. */
#include "source.h"

#include "msgpack.h"

static bool filtered(kvevents_source *source, uint64_t *reason) {
    source->counts.filtered++;
    ++*reason;
    return false;
}

static uint64_t group_of(const kvevents_event *event) {
    return (event->has & KVEVENTS_HAS_GROUP) != 0 ? event->group : 0;
}

/* The place of a group whose kind is known, or group_count. */
static size_t find_group(const kvevents_source *source, uint64_t group) {
    size_t i = 0;
    while (i < source->group_count && source->groups[i].group != group) i++;
    return i;
}

/* False when the group has a kind that cannot be remembered: there are too many. */
static bool learn_kind(kvevents_source *source, const kvevents_event *event) {
    uint64_t group = group_of(event);
    size_t i = find_group(source, group);
    if (i == SOURCE_GROUPS) return false;
    if (i == source->group_count) source->group_count++;
    source->groups[i].group = (uint32_t)group;
    source->groups[i].counts = kvevents_kind_counts(event->spec_kind);
    return true;
}

static bool group_counts(kvevents_source *source, const kvevents_event *event) {
    uint64_t group = group_of(event);
    if (group > UINT32_MAX) return filtered(source, &source->counts.filtered_group);
    bool has_kind = event->kind == KVEVENTS_STORED && event->spec_kind.data != NULL;
    if (has_kind && !learn_kind(source, event)) return filtered(source, &source->counts.filtered_group);
    size_t i = find_group(source, group);
    if (i < source->group_count) return source->groups[i].counts || filtered(source, &source->counts.filtered_kind);
    return group == 0 || filtered(source, &source->counts.filtered_group);
}

static bool counts(kvevents_source *source, const kvevents_event *event, kvevents_tier *tier) {
    bool group = group_counts(source, event); /* first: kinds are learned from all events */
    if (!group) return false;
    if (event->locality.data != NULL && !MSGPACK_IS(event->locality, "LOCAL"))
        return filtered(source, &source->counts.filtered_locality);
    if (event->ownership.data != NULL) return filtered(source, &source->counts.filtered_ownership);
    *tier = kvevents_tier_of(event->medium);
    return *tier != KVEVENTS_NO_TIER || filtered(source, &source->counts.filtered_medium);
}

static void clear(kvevents_source *source) {
    kvevents__held_clear(&source->held);
    source->stale = false;
    source->counts.cleared++;
}

void kvevents__source_apply(kvevents_source *source, const kvevents_event *event) {
    kvevents_tier tier = KVEVENTS_DEVICE;
    switch (event->kind) {
    case KVEVENTS_STORED:
        source->counts.stored++;
        if (counts(source, event, &tier)) kvevents__held_store(&source->held, event, tier, (uint32_t)group_of(event));
        break;
    case KVEVENTS_REMOVED:
        source->counts.removed++;
        if (counts(source, event, &tier)) kvevents__held_remove(&source->held, event, tier, (uint32_t)group_of(event));
        break;
    case KVEVENTS_CLEARED: clear(source); break;
    default: source->counts.unknown++; break;
    }
}

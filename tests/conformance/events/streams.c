#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvevents/source.h>

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void expect_tier(kvtest_vector *v, const kvevents_source *source, kvevents_tier tier, json_object *held) {
    const char *name = kvevents_tier_text(tier);
    json_object *expected = kvtest_has(held, name) ? kvtest_array(v, held, name) : NULL;
    size_t count = 0, wanted = expected == NULL ? 0 : json_object_array_length(expected);
    kvtest_expect_status(v, "held", kvevents_source_held(source, tier, NULL, 0, &count), KVCORE_OK);
    kvtest_expect_u64(v, name, count, wanted);
    kvtest_expect_u64(v, name, kvevents_source_state_of(source).blocks[tier], wanted);
    uint64_t *hashes = kvtest_line_alloc(v, (count + 1) * sizeof *hashes);
    kvtest_expect_status(v, "held", kvevents_source_held(source, tier, hashes, count, &count), KVCORE_OK);
    qsort(hashes, count, sizeof *hashes, by_value);
    for (size_t i = 0; !v->failed && i < count; i++)
        kvtest_expect_u64(v, name, hashes[i], kvtest_u64_of(v, json_object_array_get_idx(expected, i), name));
}

static void expect_state(kvtest_vector *v, const kvevents_source *source, json_object *expected) {
    const kvevents_source_state state = kvevents_source_state_of(source);
    const kvevents_source_counts counts = kvevents_source_count(source);
    json_object *held = kvtest_field(v, expected, "held");
    for (kvevents_tier tier = KVEVENTS_DEVICE; tier < KVEVENTS_TIERS; tier++) expect_tier(v, source, tier, held);
    kvtest_expect_u64(v, "stale", state.stale, kvtest_bool(v, expected, "stale"));
    kvtest_expect_u64(v, "has a next", state.has_next, !kvtest_is_null(expected, "next"));
    kvtest_expect_u64(v, "next", state.next, kvtest_u64_or(v, expected, "next", 0));
    kvtest_expect_u64(v, "applied", counts.applied, kvtest_u64_or(v, expected, "applied", 0));
    kvtest_expect_u64(v, "refused", counts.refused, kvtest_u64_or(v, expected, "refused", 0));
    kvtest_expect_u64(v, "old", counts.old, kvtest_u64_or(v, expected, "old", 0));
    kvtest_expect_u64(v, "lost", counts.lost, kvtest_u64_or(v, expected, "lost", 0));
    kvtest_expect_u64(v, "restarts", counts.restarts, kvtest_u64_or(v, expected, "restarts", 0));
    kvtest_expect_u64(v, "filtered", counts.filtered, kvtest_u64_or(v, expected, "filtered", 0));
    kvtest_expect_u64(v, "unknown", counts.unknown, kvtest_u64_or(v, expected, "unknown", 0));
    kvtest_expect_u64(v, "replayed", counts.replayed, kvtest_u64_or(v, expected, "replayed", 0));
}

static size_t frames_of(kvtest_vector *v, json_object *array, kvcore_bytes **frames) {
    size_t count = json_object_array_length(array);
    *frames = kvtest_line_alloc(v, (count + 1) * sizeof **frames);
    for (size_t i = 0; i < count; i++) (*frames)[i] = kvtest_hex_of(v, json_object_array_get_idx(array, i), "frame");
    return count;
}

static void run_replay(kvtest_vector *v, kvevents_source *source, json_object *step) {
    kvtest_expect_u64(v, "replay from", kvevents_source_replay_from(source), kvtest_u64(v, step, "request"));
    json_object *replies = kvtest_array(v, step, "replies");
    kvevents_step next = KVEVENTS_ASK;
    for (size_t i = 0; next != KVEVENTS_NEXT && i < json_object_array_length(replies); i++) {
        kvcore_bytes *frames;
        size_t count = frames_of(v, json_object_array_get_idx(replies, i), &frames);
        next = kvevents_source_reply(source, frames, count, 0);
    }
    if (next != KVEVENTS_NEXT) kvevents_source_reply_timeout(source, 0);
}

static void run_step(kvtest_vector *v, kvevents_source *source, json_object *step) {
    bool request = kvtest_has(step, "request");
    kvevents_source_set_replay(source, request || kvtest_has(step, "replay"));
    kvcore_bytes *frames;
    size_t count = frames_of(v, kvtest_array(v, step, "frames"), &frames);
    kvevents_step next = kvevents_source_take(source, frames, count, 0);
    kvtest_expect_u64(v, "asks for a replay", next == KVEVENTS_ASK, request);
    if (request && !v->failed) run_replay(v, source, step);
    expect_state(v, source, kvtest_field(v, step, "state"));
}

void check_stream(kvtest_vector *v) {
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    config.counted = kvtest_bool(v, v->line, "counted");
    kvevents_source *source = NULL;
    kvtest_expect_status(v, "create", kvevents_source_create(&config, &source, NULL), KVCORE_OK);
    json_object *steps = kvtest_array(v, v->line, "steps");
    for (size_t i = 0; source != NULL && !v->failed && i < json_object_array_length(steps); i++) {
        run_step(v, source, json_object_array_get_idx(steps, i));
        if (!v->failed) continue;
        char text[sizeof v->difference];
        snprintf(text, sizeof text, "%.300s (step %zu)", v->difference, i);
        memcpy(v->difference, text, sizeof text);
    }
    kvevents_source_destroy(source);
}

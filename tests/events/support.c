#include "support.h"

static size_t place_of(const listener *of, unsigned tier, kvhash_plh name) {
    size_t i = 0;
    while (i < of->counts[tier] && !kvhash_plh_equal(of->names[tier][i], name)) i++;
    return i;
}

bool listener_has(const listener *of, kvevents_tier tier, kvhash_plh name) {
    return place_of(of, tier, name) < of->counts[tier];
}

static void change_one(listener *to, unsigned tier, kvhash_plh name, bool stored) {
    size_t at = place_of(to, tier, name), *count = &to->counts[tier];
    if (stored == (at < *count)) fail_msg("a name %s twice in tier %u", stored ? "came" : "went", tier);
    if (stored) {
        assert_true(*count < LISTENER_NAMES);
        to->names[tier][(*count)++] = name;
    } else {
        to->names[tier][at] = to->names[tier][--*count];
    }
}

void listener_change(void *ctx, const kvevents_change *change) {
    listener *to = ctx;
    if (change->kind == KVEVENTS_CLEARED) {
        memset(to->counts, 0, sizeof to->counts);
        to->cleared++;
        return;
    }
    for (size_t i = 0; i < change->count; i++)
        change_one(to, change->tier, change->names[i], change->kind == KVEVENTS_STORED);
}

kvevents_step take_events(kvevents_source *source, uint64_t number, double ts, const kvevents_event *events,
                          size_t count) {
    const kvevents_batch batch = {.ts = ts, .events = events, .event_count = count};
    size_t size = 0;
    kvtest_assert_status(kvevents_batch_write(&batch, KVEVENTS_VLLM_MAP, NULL, 0, &size), KVCORE_EBUFFER);
    uint8_t *bytes = malloc(size), head[8];
    kvtest_assert_ok(kvevents_batch_write(&batch, KVEVENTS_VLLM_MAP, bytes, size, &size));
    kvcore_store_be64(head, number);
    const kvcore_bytes frames[] = {{"", 0}, {head, 8}, {bytes, size}};
    kvevents_step step = kvevents_source_take(source, frames, 3, 0);
    free(bytes);
    return step;
}

size_t names_of_tokens(const uint32_t *tokens, size_t count, uint32_t block_tokens, const char *salt, kvhash_plh *names,
                       size_t capacity) {
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = count;
    request.block_tokens = block_tokens;
    request.salt = kvcore_text(salt);
    size_t named;
    kvtest_assert_ok(kvhash_request_names(&request, names, capacity, &named, NULL));
    return named;
}

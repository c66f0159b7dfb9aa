/* Messages of one publisher: each is a byte of what it is, a number, a length and a payload. Whatever comes, the listener hears
 * of no name that goes without having come, and in the end what it was told is what the source holds. */
#include <stdlib.h>
#include <string.h>

#include <kvevents/source.h>

#include "fuzz.h"

static void expect(bool holds) {
    if (!holds) abort();
}

static void count_names(void *ctx, const kvevents_change *change) {
    int64_t *names = ctx;
    if (change->kind == KVEVENTS_CLEARED) memset(names, 0, KVEVENTS_TIERS * sizeof *names);
    if (change->kind == KVEVENTS_STORED) names[change->tier] += (int64_t)change->count;
    if (change->kind == KVEVENTS_REMOVED) names[change->tier] -= (int64_t)change->count;
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) expect(names[tier] >= 0);
}

static kvevents_source *make_source(uint8_t how, int64_t *names) {
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    config.counted = (how & 1) != 0;
    config.has_replay = (how & 2) != 0;
    config.cumulative = (how & 4) != 0;
    config.block_tokens = (how & 8) != 0 ? 4 : 16;
    config.hashes = 1000;
    config.replies = 8;
    config.change = count_names;
    config.ctx = names;
    kvevents_source *source = NULL;
    expect(kvevents_source_create(&config, &source, NULL) == KVCORE_OK);
    return source;
}

static void give(kvevents_source *source, uint8_t what, uint8_t number, kvcore_bytes payload) {
    uint8_t head[9] = {0};
    head[7] = number;
    const kvcore_bytes frames[] = {{"", 0}, {"t", 1}, {head, what % 16 == 15 ? 9 : 8}, payload, {"", 0}};
    bool reply = (what & 0x80) != 0;
    size_t first = reply ? what & 1 : 1, count = what % 16 == 14 ? 2 : reply ? 4 - first : 3;
    if ((what & 0x60) == 0x60)
        kvevents_source_reply_timeout(source, 0);
    else if (reply)
        (void)kvevents_source_reply(source, frames + first, count, 0);
    else
        (void)kvevents_source_take(source, frames + first, count, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t names[KVEVENTS_TIERS] = {0};
    if (size == 0) return 0;
    kvevents_source *source = make_source(data[0], names);
    for (size_t at = 1; size - at >= 4;) {
        size_t length = (size_t)data[at + 2] << 8 | data[at + 3], left = size - at - 4;
        if (length > left) length = left;
        give(source, data[at], data[at + 1], (kvcore_bytes){data + at + 4, length});
        at += 4 + length;
    }
    const kvevents_source_state state = kvevents_source_state_of(source);
    expect(state.hashes <= 1000);
    int64_t most = 0;
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) most = names[tier] > most ? names[tier] : most;
    expect(most <= (int64_t)state.names);
    expect((state.names == 0) == (most == 0));
    kvevents_source_destroy(source);
    return 0;
}

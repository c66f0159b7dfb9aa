#include "source.h"

#include <stdalign.h>
#include <string.h>
#include <sys/random.h>

#include <kvcore/config.h>

#define HASHES ((size_t)1 << 22)
#define HASHES_MOST ((size_t)1 << 31)
#define REPLIES 10000
#define REFUSED_A_MINUTE 60
#define MINUTE_NS UINT64_C(60000000000)
#define BLOCK_TOKENS_MOST 4096
#define END_NUMBER UINT64_MAX

/* ---- what a source is ---- */

kvevents_source_config kvevents_source_config_init(void) { return (kvevents_source_config)KVEVENTS_SOURCE_CONFIG_INIT; }

static kvcore_status refuse_config(kvcore_error *error, const char *what, uint64_t expected, uint64_t actual) {
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX, .expected = expected, .actual = actual},
        "%s (got %llu)", what, (unsigned long long)actual);
}

static kvcore_status read_config(const kvevents_source_config *given, kvevents_source_config *config,
                                 kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status != KVCORE_OK) return status;
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return refuse_config(error, "allocator needs both functions, or neither", 2, 1);
    if (config->allocator.alloc == NULL) config->allocator = kvcore_allocator_libc();
    if (config->hashes > HASHES_MOST) return refuse_config(error, "hashes is too large", HASHES_MOST, config->hashes);
    if (config->block_tokens > BLOCK_TOKENS_MOST)
        return refuse_config(error, "block_tokens is too large", BLOCK_TOKENS_MOST, config->block_tokens);
    if (config->hashes == 0) config->hashes = HASHES;
    if (config->replies == 0) config->replies = REPLIES;
    if (config->refused_a_minute == 0) config->refused_a_minute = REFUSED_A_MINUTE;
    if (config->limits.struct_size == 0) config->limits.struct_size = sizeof config->limits;
    return KVCORE_OK;
}

static uint64_t secret(const void *fallback) {
    uint64_t bytes;
    return getrandom(&bytes, sizeof bytes, GRND_NONBLOCK) == (ssize_t)sizeof bytes ? bytes
                                                                                   : (uint64_t)(uintptr_t)fallback;
}

static void set_up_held(kvevents_source *source) {
    held_set *held = &source->held;
    held->allocator = source->config.allocator;
    held->change = source->config.change;
    held->ctx = source->config.ctx;
    held->counted = source->config.counted;
    held->cumulative = source->config.cumulative;
    held->limit = source->config.hashes;
    held->parts = 1;
    held->free_node = held->free_entry = HELD_NONE;
    held->counts = &source->counts;
    held->stale = &source->stale;
    held->secret = secret(source);
}

kvcore_status kvevents_source_create(const kvevents_source_config *config, kvevents_source **source,
                                     kvcore_error *error) {
    if (config == NULL || source == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "no config or no place for the source");
    kvevents_source_config own;
    kvcore_status status = read_config(config, &own, error);
    if (status != KVCORE_OK) return status;
    kvevents_source *made = kvcore_alloc(&own.allocator, 1, sizeof *made, alignof(kvevents_source));
    if (made == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX}, "no memory");
    memset(made, 0, sizeof *made);
    made->config = own;
    set_up_held(made);
    if (kvevents__held_set_sizes(&made->held, own.block_tokens, own.engine_block_tokens) != KVCORE_OK) {
        kvcore_free(&own.allocator, made, 1, sizeof *made, alignof(kvevents_source));
        return refuse_config(error, "engine_block_tokens and block_tokens: one must divide the other", own.block_tokens,
                             own.engine_block_tokens);
    }
    *source = made;
    return KVCORE_OK;
}

static void free_waiting(kvevents_source *source) {
    kvcore_free(&source->config.allocator, source->waiting, source->waiting_capacity, 1, 1);
    source->waiting = NULL;
    source->waiting_capacity = 0;
}

void kvevents_source_destroy(kvevents_source *source) {
    if (source == NULL) return;
    kvcore_allocator allocator = source->config.allocator;
    kvevents__held_free(&source->held);
    kvcore_free(&allocator, source->arena.memory, source->arena.capacity_bytes, 1, 16);
    free_waiting(source);
    kvcore_free(&allocator, source, 1, sizeof *source, alignof(kvevents_source));
}

void kvevents_source_forget(kvevents_source *source) {
    if (source == NULL) return;
    kvevents__held_clear(&source->held);
    source->stale = false;
    source->has_next = false;
    source->next = 0;
    source->group_count = 0;
    source->replay = REPLAY_NONE;
}

/* ---- refusals ---- */

static void count_refusal(kvevents_source *source, kvcore_status status, uint64_t now_ns) {
    static const kvcore_status reasons[] = {KVCORE_ETRUNCATED, KVEVENTS_ETRAILING, KVEVENTS_EINVALID, KVEVENTS_EDEPTH,
                                            KVEVENTS_EBATCH,   KVEVENTS_EEVENT,    KVEVENTS_EFIELD,   KVEVENTS_ESIZE};
    source->counts.refused++;
    bool known = false;
    for (size_t i = 0; i < 8; i++) {
        if (status != reasons[i]) continue;
        source->counts.refused_as[i]++;
        known = true;
    }
    if (!known) source->counts.refused_frames++;
    if (now_ns - source->minute_began_ns >= MINUTE_NS) {
        source->minute_began_ns = now_ns;
        source->refused_in_minute = 0;
    }
    if (++source->refused_in_minute > source->config.refused_a_minute) source->failed = true;
}

/* A source that failed is heard again a minute later. */
static bool is_paused(kvevents_source *source, uint64_t now_ns) {
    if (!source->failed) return false;
    if (now_ns - source->minute_began_ns < MINUTE_NS) return true;
    source->failed = false;
    source->refused_in_minute = 0;
    source->minute_began_ns = now_ns;
    return false;
}

/* ---- batches ---- */

static bool grow_arena(kvevents_source *source, size_t wanted) {
    void *memory = kvcore_alloc(&source->config.allocator, wanted, 1, 16);
    if (memory == NULL) return false;
    kvcore_free(&source->config.allocator, source->arena.memory, source->arena.capacity_bytes, 1, 16);
    source->arena = (kvevents_arena){memory, wanted, 0};
    return true;
}

static kvcore_status read_batch(kvevents_source *source, kvcore_bytes payload, kvevents_batch *batch) {
    for (;;) {
        kvcore_error error;
        source->arena.used_bytes = 0;
        kvcore_status status = kvevents_batch_read(payload, &source->config.limits, &source->arena, batch, &error);
        if (status != KVCORE_EBUFFER) return status;
        if (!grow_arena(source, (size_t)error.expected)) return KVCORE_ENOMEM;
    }
}

static void take_batch(kvevents_source *source, const kvevents_batch *batch) {
    source->last_ts = batch->ts;
    source->counts.applied++;
    for (size_t i = 0; i < batch->event_count; i++) kvevents__source_apply(source, &batch->events[i]);
}

/* A payload whose number is taken: its events, or it is refused. */
static bool take_payload(kvevents_source *source, kvcore_bytes payload, uint64_t now_ns) {
    kvevents_batch batch;
    source->counts.bytes += payload.size_bytes;
    kvcore_status status = read_batch(source, payload, &batch);
    if (status == KVCORE_OK) status = kvevents__held_reserve(&source->held, &batch);
    if (status == KVCORE_OK) {
        take_batch(source, &batch);
        return true;
    }
    source->stale = true;
    count_refusal(source, status, now_ns);
    return false;
}

/* ---- messages ---- */

static void lose_up_to(kvevents_source *source, uint64_t number) {
    uint64_t expected = source->has_next ? source->next : 0;
    if (number <= expected) return;
    source->counts.lost += number - expected;
    source->stale = true;
}

static void take_message(kvevents_source *source, uint64_t number, kvcore_bytes payload, uint64_t now_ns) {
    lose_up_to(source, number);
    source->has_next = true;
    source->next = number + 1;
    take_payload(source, payload, now_ns);
}

/* A smaller number than expected: a new life of the publisher, or an old message. */
static bool is_restart(kvevents_source *source, uint64_t number, kvcore_bytes payload) {
    kvevents_batch batch;
    if (read_batch(source, payload, &batch) != KVCORE_OK) return false;
    return batch.ts > source->last_ts || (number == 0 && source->next > 1);
}

static bool keep_waiting(kvevents_source *source, uint64_t number, kvcore_bytes payload) {
    if (payload.size_bytes > source->config.limits.payload_bytes && source->config.limits.payload_bytes > 0)
        return false;
    if (payload.size_bytes > source->waiting_capacity) {
        free_waiting(source);
        source->waiting = kvcore_alloc(&source->config.allocator, payload.size_bytes, 1, 1);
        if (source->waiting == NULL) return false;
        source->waiting_capacity = payload.size_bytes;
    }
    if (payload.size_bytes > 0) memcpy(source->waiting, payload.data, payload.size_bytes);
    source->waiting_bytes = payload.size_bytes;
    source->waiting_number = number;
    return true;
}

static bool number_of(kvcore_bytes frame, uint64_t *number) {
    if (frame.size_bytes != 8 || frame.data == NULL) return false;
    *number = kvcore_load_be64(frame.data);
    return true;
}

static kvevents_step step_of(const kvevents_source *source) {
    return source->replay == REPLAY_NONE ? KVEVENTS_NEXT : source->replay == REPLAY_DUE ? KVEVENTS_ASK : KVEVENTS_MORE;
}

static kvevents_step take_numbered(kvevents_source *source, uint64_t number, kvcore_bytes payload, uint64_t now_ns) {
    if (source->has_next && number < source->next) {
        if (!is_restart(source, number, payload)) {
            source->counts.old++;
            return KVEVENTS_NEXT;
        }
        kvevents_source_forget(source);
        source->counts.restarts++;
    }
    uint64_t expected = source->has_next ? source->next : 0;
    if (number > expected && source->config.has_replay && keep_waiting(source, number, payload)) {
        source->replay = REPLAY_DUE;
        source->replies_left = source->config.replies;
        source->counts.replays++;
        return KVEVENTS_ASK;
    }
    take_message(source, number, payload, now_ns);
    return KVEVENTS_NEXT;
}

kvevents_step kvevents_source_take(kvevents_source *source, const kvcore_bytes *frames, size_t count, uint64_t now_ns) {
    if (source == NULL) return KVEVENTS_NEXT;
    if (source->replay != REPLAY_NONE || is_paused(source, now_ns)) return step_of(source);
    uint64_t number = END_NUMBER;
    if (frames == NULL || count != 3 || !number_of(frames[1], &number) || number == END_NUMBER) {
        count_refusal(source, KVCORE_EINVAL, now_ns);
        return KVEVENTS_NEXT;
    }
    return take_numbered(source, number, frames[2], now_ns);
}

/* ---- replays ---- */

uint64_t kvevents_source_replay_from(const kvevents_source *source) {
    return source != NULL && source->has_next ? source->next : 0;
}

/* What waited is taken after what was replayed. */
static kvevents_step end_replay(kvevents_source *source, uint64_t now_ns) {
    source->replay = REPLAY_NONE;
    uint64_t expected = kvevents_source_replay_from(source);
    if (expected < source->waiting_number) source->counts.replay_failures++;
    kvcore_bytes payload = {source->waiting, source->waiting_bytes};
    take_message(source, source->waiting_number, payload, now_ns);
    return KVEVENTS_NEXT;
}

kvevents_step kvevents_source_reply(kvevents_source *source, const kvcore_bytes *frames, size_t count,
                                    uint64_t now_ns) {
    if (source == NULL || source->replay == REPLAY_NONE) return KVEVENTS_NEXT;
    source->replay = REPLAY_RUNS;
    uint64_t number;
    bool batch =
        frames != NULL && count >= 2 && frames[count - 1].size_bytes > 0 && number_of(frames[count - 2], &number);
    if (!batch || number >= source->waiting_number || source->replies_left-- == 0) return end_replay(source, now_ns);
    if (number < kvevents_source_replay_from(source)) return KVEVENTS_MORE;
    source->counts.replayed++;
    take_message(source, number, frames[count - 1], now_ns);
    return KVEVENTS_MORE;
}

void kvevents_source_reply_timeout(kvevents_source *source, uint64_t now_ns) {
    if (source != NULL && source->replay != REPLAY_NONE) end_replay(source, now_ns);
}

void kvevents_source_set_replay(kvevents_source *source, bool has_replay) {
    if (source != NULL) source->config.has_replay = has_replay;
}

void kvevents_source_lose(kvevents_source *source, uint64_t messages) {
    if (source == NULL || messages == 0) return;
    source->counts.lost += messages;
    source->stale = true;
}

/* ---- what it says ---- */

kvevents_source_counts kvevents_source_count(const kvevents_source *source) {
    return source == NULL ? (kvevents_source_counts){0} : source->counts;
}

kvevents_source_state kvevents_source_state_of(const kvevents_source *source) {
    kvevents_source_state state = {0};
    if (source == NULL) return state;
    state.stale = source->stale;
    state.failed = source->failed;
    state.replaying = source->replay != REPLAY_NONE;
    state.has_next = source->has_next;
    state.next = source->next;
    state.last_ts = source->last_ts;
    state.hashes = source->held.live;
    memcpy(state.blocks, source->held.tier_blocks, sizeof state.blocks);
    state.names = source->held.name_count;
    state.copies = source->held.copies;
    state.engine_block_tokens = source->held.engine_tokens;
    return state;
}

kvcore_status kvevents_source_held(const kvevents_source *source, kvevents_tier tier, uint64_t *hashes, size_t capacity,
                                   size_t *count) {
    if (source == NULL || count == NULL || (hashes == NULL && capacity > 0) || (unsigned)tier >= KVEVENTS_TIERS)
        return KVCORE_EINVAL;
    const held_set *held = &source->held;
    size_t found = 0;
    for (size_t i = 0; i < held->slot_count; i++) {
        const held_node *node = held->slots[i] == 0 ? NULL : &held->nodes[held_node_of_slot(held->slots[i])];
        if (node == NULL || node->refs[tier] == 0) continue;
        if (found < capacity) hashes[found] = node->hash;
        found++;
    }
    *count = found;
    return KVCORE_OK;
}

/* Metrics as a struct and as text. */
#include <stdio.h>

#include "pool/manager.h"
#include <kvcore/config.h>

kvcore_status kvlogical_manager_read_metrics(const kvlogical_manager *m, kvlogical_metrics *out) {
    if (m == NULL || out == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvlogical_metrics metrics = m->metrics;
    metrics.inflight_mutable = m->in_state[SLOT_MUTABLE];
    metrics.reset_pool_size = m->in_state[SLOT_FREE];
    metrics.inactive_pool_size = m->in_state[SLOT_INACTIVE];
    metrics.pending_blocks = m->in_state[SLOT_PENDING];
    if (m->order.policy->measure != NULL) m->order.policy->measure(&m->order, &metrics);
    manager_give(m);
    return kvcore_result_write(out, &metrics, sizeof metrics, NULL);
}

typedef struct family {
    const char *name, *type, *help;
    size_t offset;
} family;

#define COUNTER(name, field, help) \
    { name, "counter", help, offsetof(kvlogical_metrics, field) }
#define GAUGE(name, field, help) \
    { name, "gauge", help, offsetof(kvlogical_metrics, field) }

/* What the reference counts here is a race that cannot happen under one lock. */
#define NO_OFFSET SIZE_MAX
#define ALWAYS_0(name) \
    { name, "counter", "Always 0", NO_OFFSET }

static const family families[] = {
    COUNTER("kvbm_allocations_total", allocations, "Blocks handed out"),
    COUNTER("kvbm_allocations_from_reset_total", allocations_from_reset, "Blocks handed out that were free"),
    COUNTER("kvbm_evictions_total", evictions, "Blocks evicted to be handed out"),
    COUNTER("kvbm_registrations_total", registrations, "Blocks passed to register"),
    COUNTER("kvbm_duplicate_blocks_total", duplicate_blocks, "Blocks registered as duplicates"),
    COUNTER("kvbm_registration_dedup_total", registration_dedup, "Blocks rejected because their name was there"),
    COUNTER("kvbm_stagings_total", stagings, "Blocks staged"),
    COUNTER("kvbm_match_hashes_requested_total", match_hashes_requested, "Names given to match"),
    COUNTER("kvbm_match_blocks_returned_total", match_blocks_returned, "Blocks that match returned"),
    COUNTER("kvbm_scan_hashes_requested_total", scan_hashes_requested, "Names given to scan"),
    COUNTER("kvbm_scan_blocks_returned_total", scan_blocks_returned, "Blocks that scan returned"),
    ALWAYS_0("kvbm_eager_primary_to_inactive_total"),
    ALWAYS_0("kvbm_allocate_atomic_rollback_total"),
    ALWAYS_0("kvbm_release_primary_noop_total"),
    ALWAYS_0("kvbm_release_duplicate_noop_total"),
    GAUGE("kvbm_inflight_mutable", inflight_mutable, "Mutable blocks out"),
    GAUGE("kvbm_inflight_immutable", inflight_immutable, "Immutable guards out"),
    GAUGE("kvbm_reset_pool_size", reset_pool_size, "Free blocks"),
    GAUGE("kvbm_inactive_pool_size", inactive_pool_size, "Inactive blocks"),
    COUNTER("kvstrata_withdrawals_total", withdrawals, "Blocks taken out of circulation"),
    COUNTER("kvstrata_lineage_ghosts_dropped_total", ghosts_dropped, "Lineage placeholders given up"),
    GAUGE("kvstrata_lineage_ghosts", lineage_ghosts, "Lineage placeholders"),
    COUNTER("kvstrata_proof_mismatches_total", proof_mismatches, "Look-ups of names whose blocks have other proofs"),
    COUNTER("kvstrata_second_lives_total", second_lives, "Blocks registered beside one of the same name"),
    COUNTER("kvstrata_promises_total", promises, "Blocks whose names were promised"),
    COUNTER("kvstrata_promise_joins_total", promise_joins, "Guards that joined a promise"),
    COUNTER("kvstrata_promise_joins_saved_total", promise_joins_saved, "Joined guards of promises that were fulfilled"),
    COUNTER("kvstrata_promises_broken_total", promises_broken, "Promises broken"),
    COUNTER("kvstrata_pending_nanoseconds_total", pending_ns, "Time from promise to end"),
    GAUGE("kvstrata_pending_blocks", pending_blocks, "Blocks promised now"),
};

#define POOL_LABEL "pool"
#define MANAGER_LABEL "manager" /* of the second and later ones of a pool's label */

/* Text as far as there is room; the length counts on. */
typedef struct writer {
    char *text;
    size_t capacity, length;
} writer;

static void put(writer *w, char c) {
    if (w->length + 1 < w->capacity) w->text[w->length] = c;
    w->length++;
}

static void put_text(writer *w, const char *text) {
    for (; *text != '\0'; text++) put(w, *text);
}

/* Bytes of the character of UTF-8 that begins here (never beyond the NUL), or 0 when there is none. */
static size_t character_length(const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x80) return 1;
    size_t length = c[0] >= 0xF0 ? 4 : c[0] >= 0xE0 ? 3 : 2;
    if (c[0] < 0xC2 || c[0] > 0xF4) return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xC0) != 0x80) return 0;
    bool longer_than_needed = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool no_character = (c[0] == 0xED && c[1] > 0x9F) || (c[0] == 0xF4 && c[1] > 0x8F);
    return longer_than_needed || no_character ? 0 : length;
}

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD for each byte that is of no character */

static void put_label(writer *w, const char *name, const char *value) {
    put_text(w, name);
    put_text(w, "=\"");
    while (*value != '\0') {
        size_t length = character_length(value);
        if (length == 0) put_text(w, REPLACEMENT);
        if (*value == '\\' || *value == '"' || *value == '\n') put(w, '\\');
        for (size_t i = 0; i < length; i++) put(w, (char)(value[i] == '\n' ? 'n' : value[i]));
        value += length == 0 ? 1 : length;
    }
    put(w, '"');
}

static bool label_name(const char *name) {
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && (c == name || *c < '0' || *c > '9')) return false;
    }
    return *name != '\0';
}

/* A name of its own: a sample that has a label twice is no sample. */
static bool label_good(const kvlogical_label *labels, size_t i) {
    if (labels[i].name == NULL || labels[i].value == NULL || !label_name(labels[i].name)) return false;
    if (strcmp(labels[i].name, POOL_LABEL) == 0 || strcmp(labels[i].name, MANAGER_LABEL) == 0) return false;
    for (size_t j = 0; j < i; j++)
        if (strcmp(labels[j].name, labels[i].name) == 0) return false;
    return true;
}

#define NUMBER_BYTES 24

static const char *pool_label(const manager *m, char number[NUMBER_BYTES]) {
    snprintf(number, NUMBER_BYTES, "%llu", (unsigned long long)m->tier.number);
    return m->tier.label != NULL ? m->tier.label : number;
}

/* How many managers before this one have its label. */
static size_t namesakes(const manager *const *managers, size_t i) {
    char own[NUMBER_BYTES], other[NUMBER_BYTES];
    size_t count = 0;
    for (size_t j = 0; j < i; j++) count += strcmp(pool_label(managers[i], own), pool_label(managers[j], other)) == 0;
    return count;
}

static void put_sample(writer *w, const family *f, const manager *const *managers, size_t index,
                       const kvlogical_label *labels, size_t label_count) {
    const manager *m = managers[index];
    char number[NUMBER_BYTES];
    put_text(w, f->name);
    put(w, '{');
    put_label(w, POOL_LABEL, pool_label(m, number));
    size_t earlier = namesakes(managers, index);
    if (earlier > 0) {
        snprintf(number, sizeof number, "%zu", earlier);
        put(w, ',');
        put_label(w, MANAGER_LABEL, number);
    }
    for (size_t i = 0; i < label_count; i++) {
        put(w, ',');
        put_label(w, labels[i].name, labels[i].value);
    }
    kvlogical_metrics metrics = kvlogical_manager_metrics(m);
    int64_t value = 0; /* counters are below 2^63 for centuries */
    if (f->offset != NO_OFFSET) memcpy(&value, (const char *)&metrics + f->offset, sizeof value);
    snprintf(number, sizeof number, "%lld", (long long)value);
    put_text(w, "} ");
    put_text(w, number);
    put(w, '\n');
}

kvcore_status kvlogical_metrics_text(const kvlogical_manager *const *managers, size_t count,
                                     const kvlogical_label *labels, size_t label_count, char *text, size_t capacity,
                                     size_t *length) {
    if (length == NULL || (count > 0 && managers == NULL) || (label_count > 0 && labels == NULL) ||
        (capacity > 0 && text == NULL))
        return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (managers[i] == NULL) return KVCORE_EINVAL;
    for (size_t i = 0; i < label_count; i++)
        if (!label_good(labels, i)) return KVCORE_EINVAL;
    writer w = {text, capacity, 0};
    for (const family *f = families; count > 0 && f < families + sizeof families / sizeof *families; f++) {
        put_text(&w, "# HELP ");
        put_text(&w, f->name);
        put(&w, ' ');
        put_text(&w, f->help);
        put_text(&w, "\n# TYPE ");
        put_text(&w, f->name);
        put(&w, ' ');
        put_text(&w, f->type);
        put(&w, '\n');
        for (size_t i = 0; i < count; i++) put_sample(&w, f, managers, i, labels, label_count);
    }
    if (capacity > 0) text[w.length < capacity ? w.length : capacity - 1] = '\0';
    *length = w.length;
    return w.length < capacity || capacity == 0 ? KVCORE_OK : KVCORE_EBUFFER;
}

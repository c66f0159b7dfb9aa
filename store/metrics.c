/* Stats as Prometheus text. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <kvstore/store.h>

typedef struct page {
    char *text;
    size_t capacity, length;
    char labels[200];
} page;

__attribute__((format(printf, 2, 3))) static void add(page *to, const char *format, ...) {
    va_list arguments;
    size_t room = to->length < to->capacity ? to->capacity - to->length : 0;
    va_start(arguments, format);
    int length = vsnprintf(room > 0 ? to->text + to->length : NULL, room, format, arguments);
    va_end(arguments);
    if (length > 0) to->length += (size_t)length;
}

static void counter(page *to, const char *name, const char *help) {
    add(to, "# HELP kvstrata_store_%s %s\n# TYPE kvstrata_store_%s %s\n", name, help, name,
        strstr(name, "_total") != NULL ? "counter" : "gauge");
}

/* One sample; `label` and `value` may be NULL. */
static void sample(page *to, const char *name, const char *label, const char *value, uint64_t number) {
    const char *comma = to->labels[0] != '\0' && label != NULL ? "," : "";
    add(to, "kvstrata_store_%s", name);
    if (to->labels[0] != '\0' || label != NULL) {
        add(to, "{%s%s", to->labels, comma);
        if (label != NULL) add(to, "%s=\"%s\"", label, value);
        add(to, "}");
    }
    add(to, " %llu\n", (unsigned long long)number);
}

static void single(page *to, const char *name, const char *help, uint64_t number) {
    counter(to, name, help);
    sample(to, name, NULL, NULL, number);
}

static void family(page *to, const char *name, const char *help, const char *label, const char *const *values,
                   const uint64_t *numbers, size_t count) {
    counter(to, name, help);
    for (size_t i = 0; i < count; i++) sample(to, name, label, values[i], numbers[i]);
}

/* Buckets of powers of two, cumulative, in seconds. */
static void histogram(page *to, const char *name, const char *help, const uint64_t *buckets) {
    const char *comma = to->labels[0] != '\0' ? "," : "";
    uint64_t sum = 0;
    add(to, "# HELP kvstrata_store_%s %s\n# TYPE kvstrata_store_%s histogram\n", name, help, name);
    for (size_t i = 0; i < KVSTORE_LATENCY_BUCKETS; i++) {
        sum += buckets[i];
        if (i >= 9 && i % 2 == 1)
            add(to, "kvstrata_store_%s_bucket{%s%sle=\"%.9g\"} %llu\n", name, to->labels, comma,
                (double)(UINT64_C(2) << i) / 1e9, (unsigned long long)sum);
    }
    add(to, "kvstrata_store_%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, to->labels, comma, (unsigned long long)sum);
    add(to, "kvstrata_store_%s_count", name);
    if (to->labels[0] != '\0') add(to, "{%s}", to->labels);
    add(to, " %llu\n", (unsigned long long)sum);
}

static kvcore_status add_label(page *to, const char *name, const char *value) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    if (value == NULL) return KVCORE_OK;
    size_t length = strlen(to->labels), whole = strlen(value);
    if (strspn(value, allowed) != whole || length + whole + 16 > sizeof to->labels) return KVCORE_EINVAL;
    snprintf(to->labels + length, sizeof to->labels - length, "%s%s=\"%s\"", length > 0 ? "," : "", name, value);
    return KVCORE_OK;
}

static void write_page(page *to, const kvstore_stats *stats) {
    static const char *const reasons[] = {"bytes", "blocks", "free_space", "ttl"};
    static const char *const requests[] = {"get", "put", "head", "list", "delete"};
    static const char *const answers[] = {"2xx", "404", "409", "412", "4xx", "5xx", "timeout", "connection"};
    const char *outcomes[KVSTORE_OUTCOMES];
    for (uint32_t i = 0; i < KVSTORE_OUTCOMES; i++) outcomes[i] = kvstore_outcome_text(i);
    outcomes[KVSTORE_NO_ROOM] = "no_room";
    outcomes[KVSTORE_TOO_BIG] = "too_big";
    family(to, "blocks_total", "Blocks by outcome.", "outcome", outcomes, stats->blocks, KVSTORE_OUTCOMES);
    family(to, "payload_bytes_total", "Payload by outcome.", "outcome", outcomes, stats->bytes, KVSTORE_OUTCOMES);
    family(to, "evicted_blocks_total", "Blocks evicted, by limit.", "reason", reasons, stats->evicted_blocks,
           KVSTORE_EVICTED_REASONS);
    single(to, "evicted_bytes_total", "Allocated bytes evicted.", stats->evicted_bytes);
    single(to, "repaired_blocks_total", "Damaged names written anew.", stats->repaired_blocks);
    single(to, "ignored_entries_total", "Listed entries that are not ours.", stats->ignored_entries);
    family(to, "requests_total", "Requests sent.", "class", requests, stats->requests, KVSTORE_REQUESTS);
    family(to, "answers_total", "Answers by class.", "class", answers, stats->answers, KVSTORE_ANSWERS);
    single(to, "retries_total", "Requests repeated.", stats->retries);
    single(to, "breaker_opened_total", "Times the breaker opened.", stats->breaker_opened);
    single(to, "events_lost_total", "Events that found no room.", stats->events_lost);
    single(to, "breaker_state", "0 closed, 1 open, 2 half open.", stats->breaker);
    single(to, "inflight_bytes", "Payload of batches that are out.", stats->inflight_bytes);
    single(to, "inflight_blocks", "Blocks of batches that are out.", stats->inflight_blocks);
    single(to, "catalog_entries", "Names known.", stats->catalog_entries);
    single(to, "catalog_bytes", "Memory of the catalog.", stats->catalog_bytes);
    single(to, "disk_bytes", "Allocated bytes of the blocks known.", stats->disk_bytes);
    single(to, "free_bytes", "Free bytes of the file system.", stats->free_bytes);
    single(to, "max_bytes", "The limit of allocated bytes.", stats->max_bytes);
    single(to, "keeper", "1 when this process evicts.", stats->keeper);
    histogram(to, "get_seconds", "Time of a block fetched.", stats->get_latency);
    histogram(to, "put_seconds", "Time of a block stored.", stats->put_latency);
}

kvcore_status kvstore_stats_format(const kvstore_stats *stats, const char *backend, const char *space, char *text,
                                   size_t capacity, size_t *length) {
    if (stats == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    page to = {.text = text, .capacity = capacity};
    if (add_label(&to, "backend", backend) != KVCORE_OK || add_label(&to, "space", space) != KVCORE_OK)
        return KVCORE_EINVAL;
    write_page(&to, stats);
    *length = to.length;
    return to.length < capacity ? KVCORE_OK : KVCORE_EBUFFER;
}

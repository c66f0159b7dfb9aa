/* builder: which settings make a manager. The calls are in words; each word that occurs is a setting of ours.
 *
 * Where the original refuses a setting, we answer KVCORE_ECONFIG and name the field. Two differences by design: no registry
 * means a private one, and 0 means the default. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct settings {
    kvlogical_config config;
    bool registry, tracker;
    bool zero_means_default; /* a 0 that the original refuses */
} settings;

static void use_backend(settings *s, uint32_t eviction) {
    s->config.eviction = eviction;
    memset(s->config.frequency_thresholds, 0, sizeof s->config.frequency_thresholds);
}

/* Words without numbers, longer ones before their own beginnings. */
enum {
    PRIVATE_REGISTRY = 100,
    NO_COUNT,
    NOTHING,
    REGISTRY,
    NO_TRACKER,
    TRACKER,
    REJECT,
    ALLOW,
    RESET,
    NO_RESET,
    NOISE
};
static const struct word {
    const char *text;
    int meaning; /* below 100: an eviction kind */
} words[] = {
    {"builder().build()", NOTHING},
    {"registry only", NO_COUNT},
    {"block_count only", PRIVATE_REGISTRY},
    {"registry", REGISTRY},
    {"without tracker", NO_TRACKER},
    {"with tracker", TRACKER},
    {"policy reject", REJECT},
    {"policy allow", ALLOW},
    {"duplication_policy(Reject)", REJECT},
    {"duplication_policy(Allow)", ALLOW},
    {"with_default_reset_on_release(true)", RESET},
    {"with_default_reset_on_release(false)", NO_RESET},
    {"with_lineage_backend_eviction(Tick)", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"with_lineage_backend_eviction(Fifo)", KVLOGICAL_EVICT_LINEAGE_FIFO},
    {"with_lineage_backend()", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"with_multi_lru_backend()", KVLOGICAL_EVICT_MULTI_LRU},
    {"with_lru_backend()", KVLOGICAL_EVICT_LRU},
    {"with_hashmap_backend()", KVLOGICAL_EVICT_FIFO},
    {"lineage_tick", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"lineage_fifo", KVLOGICAL_EVICT_LINEAGE_FIFO},
    {"lineage", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"multi_lru", KVLOGICAL_EVICT_MULTI_LRU},
    {"lru", KVLOGICAL_EVICT_LRU},
    {"hashmap", KVLOGICAL_EVICT_FIFO},
    {"defaults", NOISE},
    {"last wins", NOISE},
    {"then", NOISE},
    {"and", NOISE},
};

static void apply(settings *s, int meaning) {
    switch (meaning) {
    case NOTHING:
        s->registry = false;
        s->config.block_count = 0;
        break;
    case NO_COUNT: s->config.block_count = 0; break;
    case PRIVATE_REGISTRY: s->registry = false; break;
    case REGISTRY: s->registry = true; break;
    case NO_TRACKER: s->tracker = false; break;
    case TRACKER: s->tracker = true; break;
    case REJECT: s->config.duplicates = KVLOGICAL_DUPLICATES_REJECT; break;
    case ALLOW: s->config.duplicates = KVLOGICAL_DUPLICATES_ALLOW; break;
    case RESET: s->config.reset_on_release = true; break;
    case NO_RESET: s->config.reset_on_release = false; break;
    case NOISE: break;
    default: use_backend(s, (uint32_t)meaning);
    }
}

/* A setting with numbers at the beginning of the text: how many characters it takes, 0 if it is none. */
static size_t apply_numbers(settings *s, const char *text) {
    unsigned long long a;
    unsigned b, c, d;
    int length = 0;
    if (strncmp(text, "with_", 5) == 0) { /* with_multi_lru_backend_custom_thresholds is the whole name */
        sscanf(text, "with_multi_lru_backend_custom_thresholds(%u, %u, %u)%n", &b, &c, &d, &length);
    } else if (strncmp(text, "multi", 5) == 0) {
        sscanf(text, "multi_lru_custom_thresholds(%u, %u, %u)%n", &b, &c, &d, &length);
    }
    if (length > 0) {
        use_backend(s, KVLOGICAL_EVICT_MULTI_LRU);
        s->config.frequency_thresholds[0] = b;
        s->config.frequency_thresholds[1] = c;
        s->config.frequency_thresholds[2] = d;
        s->zero_means_default = b == 0 && c == 0 && d == 0;
        return (size_t)length;
    }
    if (sscanf(text, "block_size%*1[( ]%llu%n", &a, &length) == 1 && length > 0) {
        s->config.block_tokens = a > UINT32_MAX ? UINT32_MAX : (uint32_t)a;
        s->zero_means_default = a == 0;
        return (size_t)length;
    }
    if (sscanf(text, "block_count%*1[( ]%llu%n", &a, &length) == 1 && length > 0) {
        s->config.block_count = (size_t)a;
        return (size_t)length;
    }
    return 0;
}

static bool read_call(const char *call, settings *s) {
    while (*(call += strspn(call, " ,+:()")) != '\0') {
        size_t length = apply_numbers(s, call), i = 0;
        if (length == 0) {
            while (i < COUNT(words) && strncmp(call, words[i].text, strlen(words[i].text)) != 0) i++;
            if (i == COUNT(words)) return false;
            apply(s, words[i].meaning);
            length = strlen(words[i].text);
        }
        call += length;
    }
    return true;
}

/* Which policy a manager has shows in what a second block of one name becomes. */
static void expect_policy(kvtest_vector *v, kvlogical_manager *manager, uint32_t tokens, const char *policy) {
    kvhash_plh names[2] = {kvhash_plh_root(7), kvhash_plh_root(7)};
    uint32_t sizes[2] = {tokens, tokens};
    kvlogical_mutable blocks[2];
    kvlogical_complete staged[2];
    kvlogical_immutable held[2];
    size_t done;
    if (kvlogical_manager_counts(manager).total < 2) return;
    if (!world_ok(v, "kvlogical_allocate", kvlogical_allocate(manager, 2, blocks, NULL)) ||
        !world_ok(v, "kvlogical_stage_sized",
                  kvlogical_stage_sized(manager, blocks, names, sizes, 2, staged, &done, NULL)) ||
        !world_ok(v, "kvlogical_register", kvlogical_register(manager, staged, 2, held)))
        return;
    kvtest_expect_text(v, "policy", held[0].block == held[1].block ? "Reject" : "Allow", policy);
    world_ok(v, "kvlogical_release", kvlogical_release(manager, held, 2));
}

static void expect_manager(kvtest_vector *v, kvlogical_manager *manager, json_object *ok) {
    uint32_t tokens = kvlogical_manager_block_tokens(manager);
    kvlogical_counts counts = kvlogical_manager_counts(manager);
    kvtest_expect_u64(v, "available", counts.available, kvtest_u64(v, ok, "available"));
    kvtest_expect_u64(v, "total", counts.total, kvtest_u64(v, ok, "total"));
    kvtest_expect_u64(v, "block_size", tokens, kvtest_u64(v, ok, "block_size"));
    expect_policy(v, manager, tokens, kvtest_string(v, ok, "policy"));
}

/* What the original says of a field, and what we call it. */
static void expect_field(kvtest_vector *v, const char *theirs, const kvcore_error *error) {
    static const struct {
        const char *theirs, *ours;
    } fields[] = {
        {"frequency tracking", "tracking"}, {"hreshold", "hreshold"},    {"block_size", "block_tokens"},
        {"block_count", "block_count"},     {"registry", "block_count"}, /* nothing set: ours lacks only the count */
    };
    for (size_t i = 0; i < COUNT(fields); i++)
        if (strstr(theirs, fields[i].theirs) != NULL) {
            if (strstr(error->text, fields[i].ours) == NULL)
                kvtest_differ(v, "the error names another field: got \"%s\", expected \"%s\"", error->text, theirs);
            return;
        }
    kvtest_differ(v, "the refusal \"%s\" is not known", theirs);
}

static void build(kvtest_vector *v, settings *s, json_object *expect) {
    kvlogical_registry_config registry_config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    kvlogical_manager *manager = NULL;
    kvcore_error error = {0};
    if (s->tracker) registry_config.frequency_capacity = 64;
    if (s->registry &&
        !world_ok(v, "kvlogical_registry_create", kvlogical_registry_create(&registry_config, &registry, NULL)))
        return;
    s->config.registry = registry;
    kvcore_status status = kvlogical_manager_create(&s->config, &manager, &error);
    bool accepted = kvtest_has(expect, "ok");
    bool by_design = (!s->registry && s->config.block_count != 0) || s->zero_means_default;
    if (accepted || by_design) {
        if (status != KVCORE_OK) kvtest_differ(v, "got \"%s\", expected a manager", error.text);
        if (status == KVCORE_OK && accepted) expect_manager(v, manager, kvtest_field(v, expect, "ok"));
    } else {
        const char *key = kvtest_has(expect, "panic") ? "panic" : "error";
        kvtest_expect_status(v, "kvlogical_manager_create", status, KVCORE_ECONFIG);
        kvtest_expect_true(v, "a failed creation gives no manager", manager == NULL);
        if (status != KVCORE_OK) expect_field(v, kvtest_string(v, expect, key), &error);
    }
    world_ok(v, "kvlogical_manager_destroy", kvlogical_manager_destroy(manager));
    world_ok(v, "kvlogical_registry_destroy", kvlogical_registry_destroy(registry));
}

static bool check_size(kvtest_vector *v, const char *call, json_object *expect) {
    static const struct {
        const char *call;
        size_t size;
    } sizes[] = {
        {"FrequencyTrackingCapacity::Small.size()", KVLOGICAL_FREQUENCY_SMALL},
        {"FrequencyTrackingCapacity::Medium.size()", KVLOGICAL_FREQUENCY_MEDIUM},
        {"FrequencyTrackingCapacity::Large.size()", KVLOGICAL_FREQUENCY_LARGE},
    };
    for (size_t i = 0; i < COUNT(sizes); i++)
        if (strcmp(sizes[i].call, call) == 0) {
            kvtest_expect_u64(v, "size", sizes[i].size, kvtest_u64(v, expect, "size"));
            return true;
        }
    return false;
}

void check_builder(kvtest_vector *v) {
    const char *call = kvtest_string(v, v->line, "call");
    json_object *expect = kvtest_field(v, v->line, "expect");
    if (v->failed || check_size(v, call, expect)) return;
    settings s = {.config = KVLOGICAL_CONFIG_INIT, .registry = true};
    s.config.block_count = 4;
    if (read_call(call, &s))
        build(v, &s, expect);
    else
        kvtest_differ(v, "the call \"%s\" is not known", call);
}

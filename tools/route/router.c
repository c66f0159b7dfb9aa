#include "route/router.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kvevents/subscriber.h>
#include <kvhash/request.h>
#include <kvhash/tokens.h>
#include <kvradix/index.h>

#include "shared/json.h"

#define LEVELS 3
#define MODELS 64
#define ENGINES 256
#define HOLDERS 1024
#define TOKENS_MAX ((size_t)1 << 21)
#define TEXT_BYTES 256
#define LOOK_EVERY_NS UINT64_C(100000000)

typedef struct model {
    char name[TEXT_BYTES], tenant[TEXT_BYTES];
    uint32_t block_tokens;
    kvradix_index *index;
} model;

typedef struct engine {
    char id[TEXT_BYTES];
    char endpoint[TEXT_BYTES], replay[TEXT_BYTES], type[32];
    uint32_t rank;
    bool id_is_number;
    model *of;
    uint64_t number; /* the worker of its holders, never given again */
    uint64_t source;
    kvevents_source_counts counts; /* when it was looked at last */
    kvevents_source_state state;
} engine;

struct router {
    router_options options;
    kvevents_subscriber *subscriber;
    pthread_mutex_t lock;
    model models[MODELS];
    size_t model_count;
    engine **engines; /* each stays where it is while its source lives */
    uint64_t next_number, looked_ns;
    uint64_t hits, misses, unknown, microseconds;
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- answers ---- */

static router_answer say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

static router_answer say(int status, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    router_answer answer = {status, NULL};
    json_object *object = json_object_new_object();
    json_object_object_add(object, status < 300 ? "status" : "error", json_object_new_string(text));
    answer.text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
    return answer;
}

static router_answer say_json(json_object *object) {
    router_answer answer = {200, strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN))};
    json_object_put(object);
    return answer;
}

/* ---- requests ---- */

/* A field by any of its spellings. */
static json_object *field(json_object *of, const char *name, const char *other) {
    json_object *value = NULL;
    if (json_object_object_get_ex(of, name, &value) && value != NULL) return value;
    if (other != NULL && json_object_object_get_ex(of, other, &value)) return value;
    return NULL;
}

static bool text_of(json_object *of, const char *name, const char *other, char *text) {
    json_object *value = field(of, name, other);
    text[0] = '\0';
    if (value == NULL) return true;
    if (!json_object_is_type(value, json_type_string) && !json_object_is_type(value, json_type_int)) return false;
    return snprintf(text, TEXT_BYTES, "%s", json_object_get_string(value)) < TEXT_BYTES;
}

static bool number_of(json_object *of, const char *name, uint64_t most, uint64_t *number) {
    json_object *value = field(of, name, NULL);
    *number = 0;
    return value == NULL || (json_to_u64(value, number) && *number <= most);
}

static kvcore_bytes bytes_of(json_object *of, const char *name) {
    json_object *value = field(of, name, NULL);
    if (!json_object_is_type(value, json_type_string)) return (kvcore_bytes){NULL, 0};
    return (kvcore_bytes){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

/* ---- models and engines ---- */

/* block_tokens 0: any. */
static model *find_model(router *of, const char *name, const char *tenant, uint64_t block_tokens) {
    for (size_t i = 0; i < of->model_count; i++)
        if (strcmp(of->models[i].name, name) == 0 && strcmp(of->models[i].tenant, tenant) == 0 &&
            (block_tokens == 0 || of->models[i].block_tokens == block_tokens))
            return &of->models[i];
    return NULL;
}

static model *add_model(router *of, const char *name, const char *tenant, uint32_t block_tokens) {
    model *made = find_model(of, name, tenant, block_tokens);
    if (made != NULL || of->model_count == MODELS) return made;
    made = &of->models[of->model_count];
    memset(made, 0, sizeof *made);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.holder_capacity = HOLDERS;
    if (kvradix_index_create(&config, &made->index, NULL) != KVCORE_OK) return NULL;
    snprintf(made->name, sizeof made->name, "%s", name);
    snprintf(made->tenant, sizeof made->tenant, "%s", tenant);
    made->block_tokens = block_tokens;
    of->model_count++;
    return made;
}

static kvhash_holder holder_of(const engine *of, uint32_t level) {
    return (kvhash_holder){.worker = of->number, .rank = level};
}

/* Called by the subscriber's thread: the index takes it. What it has no memory for is only missing. */
static void change(void *ctx, const kvevents_change *told) {
    const engine *of = ctx;
    for (uint32_t level = 0; told->kind == KVEVENTS_CLEARED && level < LEVELS; level++)
        (void)kvradix_index_clear(of->of->index, holder_of(of, level));
    if (told->kind == KVEVENTS_CLEARED || told->tier >= LEVELS) return;
    kvhash_holder holder = holder_of(of, (uint32_t)told->tier);
    if (told->kind == KVEVENTS_STORED) {
        kvcore_status status = kvradix_index_store(of->of->index, holder, told->names, told->count);
        (void)status;
    } else {
        (void)kvradix_index_remove(of->of->index, holder, told->names, told->count);
    }
}

static engine **find_engine(router *of, const char *id, const model *in, uint64_t rank) {
    for (size_t i = 0; i < of->options.engines; i++)
        if (of->engines[i] != NULL && strcmp(of->engines[i]->id, id) == 0 && of->engines[i]->of == in &&
            of->engines[i]->rank == rank)
            return &of->engines[i];
    return NULL;
}

static engine **free_engine(router *of) {
    for (size_t i = 0; i < of->options.engines; i++)
        if (of->engines[i] == NULL) return &of->engines[i];
    return NULL;
}

static bool is_allowed(const router *of, const char *endpoint) {
    bool scheme = strncmp(endpoint, "tcp://", 6) == 0 || strncmp(endpoint, "ipc://", 6) == 0;
    for (size_t i = 0; scheme && i < of->options.allowed_count; i++)
        if (strncmp(endpoint, of->options.allowed[i], strlen(of->options.allowed[i])) == 0) return true;
    return scheme && of->options.allowed_count == 0;
}

typedef struct registration {
    engine as;
    char model[TEXT_BYTES], tenant[TEXT_BYTES];
    uint64_t block_tokens;
} registration;

static bool read_registration(json_object *body, registration *read) {
    uint64_t rank = 0;
    char type[TEXT_BYTES];
    memset(read, 0, sizeof *read);
    json_object *id = field(body, "instance_id", NULL);
    read->as.id_is_number = json_object_is_type(id, json_type_int);
    bool fine = text_of(body, "instance_id", NULL, read->as.id) && text_of(body, "endpoint", NULL, read->as.endpoint) &&
                text_of(body, "replay_endpoint", NULL, read->as.replay) && text_of(body, "type", NULL, type) &&
                text_of(body, "model_name", "modelname", read->model) &&
                text_of(body, "routing_group", "tenant_id", read->tenant) &&
                number_of(body, "dp_rank", UINT32_MAX, &rank) &&
                number_of(body, "block_size", 4096, &read->block_tokens);
    snprintf(read->as.type, sizeof read->as.type, "%.31s", type);
    read->as.rank = (uint32_t)rank;
    return fine && read->as.id[0] != '\0' && read->model[0] != '\0';
}

static bool same_registration(const engine *a, const engine *b) {
    return strcmp(a->endpoint, b->endpoint) == 0 && strcmp(a->replay, b->replay) == 0 && strcmp(a->type, b->type) == 0;
}

static bool is_sglang(const char *type) { return strncmp(type, "sglang", 6) == 0 || strncmp(type, "SGLang", 6) == 0; }

static router_answer hear(router *of, engine **place, const registration *read, model *in) {
    engine *made = malloc(sizeof *made);
    if (made == NULL) return say(503, "no memory");
    *made = read->as;
    made->of = in;
    made->number = ++of->next_number;
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    config.counted = !is_sglang(made->type);
    config.cumulative = true;
    config.block_tokens = in->block_tokens;
    config.change = change;
    config.ctx = made;
    const kvevents_address address = {.endpoint = made->endpoint,
                                      .replay_endpoint = made->replay[0] != '\0' ? made->replay : NULL};
    kvcore_error error;
    if (kvevents_subscriber_add(of->subscriber, &address, &config, &made->source, &error) != KVCORE_OK) {
        free(made);
        return say(400, "%s", error.text);
    }
    *place = made;
    of->looked_ns = 0;
    return say(201, "registered");
}

static router_answer do_register(router *of, json_object *body) {
    registration read;
    if (!read_registration(body, &read) || read.block_tokens == 0 || read.as.endpoint[0] == '\0')
        return say(400, "expected instance_id, endpoint, model_name and block_size");
    if (!is_allowed(of, read.as.endpoint) || (read.as.replay[0] != '\0' && !is_allowed(of, read.as.replay)))
        return say(403, "this endpoint is not allowed");
    model *in = add_model(of, read.model, read.tenant, (uint32_t)read.block_tokens);
    if (in == NULL) return say(503, "no room for another model");
    engine **known = find_engine(of, read.as.id, in, read.as.rank);
    if (known != NULL)
        return same_registration(*known, &read.as) ? say(200, "registered already")
                                                   : say(409, "registered already with other values");
    engine **place = free_engine(of);
    return place == NULL ? say(503, "no room for another engine") : hear(of, place, &read, in);
}

static void forget(router *of, engine **place) {
    engine *gone = *place;
    (void)!kvevents_subscriber_remove(of->subscriber, gone->source);
    for (uint32_t level = 0; level < LEVELS; level++)
        (void)kvradix_index_forget(gone->of->index, holder_of(gone, level));
    *place = NULL;
    free(gone);
}

static router_answer do_unregister(router *of, json_object *body) {
    registration read;
    if (!read_registration(body, &read)) return say(400, "expected instance_id and model_name");
    bool any_rank = field(body, "dp_rank", NULL) == NULL;
    size_t gone = 0;
    for (size_t i = 0; i < of->options.engines; i++) {
        const engine *at = of->engines[i];
        if (at == NULL || strcmp(at->id, read.as.id) != 0 || strcmp(at->of->name, read.model) != 0 ||
            strcmp(at->of->tenant, read.tenant) != 0 || (!any_rank && at->rank != read.as.rank))
            continue;
        forget(of, &of->engines[i]);
        gone++;
    }
    return gone == 0 ? say(404, "not registered") : say(200, "unregistered");
}

/* ---- queries ---- */

typedef struct standing { /* how much each engine has, in tokens, by level */
    uint64_t tokens[LEVELS];
} standing;

static void look(router *of) {
    uint64_t now = now_ns();
    if (of->looked_ns != 0 && now - of->looked_ns < LOOK_EVERY_NS) return;
    of->looked_ns = now;
    for (size_t i = 0; i < of->options.engines; i++) {
        engine *at = of->engines[i];
        if (at != NULL) (void)!kvevents_subscriber_look(of->subscriber, at->source, &at->counts, &at->state);
    }
}

static bool match(router *of, const model *in, const kvhash_plh *names, size_t count, standing *standings) {
    kvradix_match matches[HOLDERS];
    size_t found = 0;
    memset(standings, 0, of->options.engines * sizeof *standings);
    if (count == 0) return false;
    if (kvradix_index_match(in->index, names, count, matches, HOLDERS, &found) != KVCORE_OK) return false;
    for (size_t i = 0; i < found; i++)
        for (size_t k = 0; k < of->options.engines; k++)
            if (of->engines[k] != NULL && of->engines[k]->number == matches[i].holder.worker)
                standings[k].tokens[matches[i].holder.rank] = (uint64_t)matches[i].blocks * in->block_tokens;
    return found > 0;
}

static void add_tokens(json_object *to, const char *key, uint64_t tokens) {
    json_object *old = NULL;
    if (json_object_object_get_ex(to, key, &old) && json_object_get_uint64(old) >= tokens) return;
    json_object_object_add(to, key, json_object_new_uint64(tokens));
}

static json_object *child(json_object *of, const char *key) {
    json_object *value = NULL;
    if (json_object_object_get_ex(of, key, &value)) return value;
    value = json_object_new_object();
    json_object_object_add(of, key, value);
    return value;
}

/* One rank of an engine in the answer; of several, the largest counts for the engine. */
static void add_standing(json_object *instances, const engine *at, const standing *has, bool conductor) {
    json_object *one = child(instances, at->id);
    char rank[16];
    snprintf(rank, sizeof rank, "%" PRIu32, at->rank);
    add_tokens(one, "longest_matched", has->tokens[LEVELS - 1]);
    add_tokens(one, conductor ? "GPU" : "gpu", has->tokens[0]);
    add_tokens(child(one, conductor ? "DP" : "dp"), rank, has->tokens[0]);
    add_tokens(one, conductor ? "CPU" : "cpu", has->tokens[1]);
    add_tokens(one, conductor ? "DISK" : "disk", has->tokens[2]);
    json_object *stale = NULL;
    bool before = json_object_object_get_ex(one, "stale", &stale) && json_object_get_boolean(stale);
    if (!conductor) json_object_object_add(one, "stale", json_object_new_boolean(before || at->state.stale));
}

static json_object *instances_of(router *of, const model *in, const standing *standings, bool conductor) {
    json_object *instances = json_object_new_object();
    for (size_t i = 0; i < of->options.engines; i++)
        if (of->engines[i] != NULL && of->engines[i]->of == in)
            add_standing(instances, of->engines[i], &standings[i], conductor);
    return instances;
}

static json_object *scores_of(router *of, const model *in, const standing *standings) {
    json_object *scores = json_object_new_object();
    for (size_t i = 0; i < of->options.engines; i++) {
        const engine *at = of->engines[i];
        if (at == NULL || at->of != in || standings[i].tokens[0] == 0) continue;
        char rank[16];
        snprintf(rank, sizeof rank, "%" PRIu32, at->rank);
        add_tokens(child(scores, at->id), rank, standings[i].tokens[0]);
    }
    return scores;
}

/* The engine that costs least: weight · blocks that have to be computed, and the load that the caller reports of it, in blocks.
 * Of equal ones the first by name. */
static const engine *choose(router *of, const model *in, const standing *standings, size_t blocks, json_object *body) {
    json_object *loads = field(body, "loads", NULL), *weight_field = field(body, "overlap_weight", NULL);
    double weight = weight_field == NULL ? 1 : json_object_get_double(weight_field), best = 0;
    const engine *chosen = NULL;
    for (size_t i = 0; i < of->options.engines; i++) {
        const engine *at = of->engines[i];
        if (at == NULL || at->of != in) continue;
        json_object *load = NULL;
        if (json_object_is_type(loads, json_type_object)) json_object_object_get_ex(loads, at->id, &load);
        uint64_t there = standings[i].tokens[0] / in->block_tokens;
        double missing = (double)blocks - (double)there;
        double cost = weight * missing + (load == NULL ? 0 : json_object_get_double(load));
        if (chosen != NULL && (cost > best || (cost >= best && strcmp(at->id, chosen->id) >= 0))) continue;
        chosen = at;
        best = cost;
    }
    return chosen;
}

static router_answer answer_query(router *of, model *in, const kvhash_plh *names, size_t count, json_object *body,
                                  bool conductor, bool choosing) {
    standing *standings = calloc(of->options.engines, sizeof *standings);
    if (standings == NULL) return say(503, "no memory");
    look(of);
    bool hit = match(of, in, names, count, standings);
    of->hits += hit;
    of->misses += !hit;
    json_object *answer = json_object_new_object();
    if (conductor) {
        const char *tenant = in->tenant[0] == '\0' ? "default" : in->tenant;
        json_object_object_add(answer, tenant, instances_of(of, in, standings, true));
    } else {
        json_object_object_add(answer, "scores", scores_of(of, in, standings));
        json_object_object_add(answer, "frequencies", json_object_new_array());
        json_object_object_add(answer, "instances", instances_of(of, in, standings, false));
    }
    const engine *chosen = choosing ? choose(of, in, standings, count, body) : NULL;
    if (chosen != NULL) {
        json_object *choice = child(answer, "choice");
        json_object_object_add(choice, "instance_id", json_object_new_string(chosen->id));
        json_object_object_add(choice, "dp_rank", json_object_new_uint64(chosen->rank));
    }
    free(standings);
    return say_json(answer);
}

static model *model_of_query(router *of, json_object *body, router_answer *refusal) {
    char name[TEXT_BYTES], tenant[TEXT_BYTES];
    uint64_t block_tokens;
    if (!text_of(body, "model_name", "model", name) || !text_of(body, "routing_group", "tenant_id", tenant) ||
        !number_of(body, "block_size", 4096, &block_tokens)) {
        *refusal = say(400, "model_name, routing_group or block_size is not what it should be");
        return NULL;
    }
    model *in = find_model(of, name, tenant, block_tokens);
    if (in == NULL) {
        of->unknown++;
        *refusal = say(404, "no engine of this model is registered");
    }
    return in;
}

static router_answer do_query(router *of, json_object *body, const json_numbers *tokens, bool conductor,
                              bool choosing) {
    router_answer refusal;
    model *in = model_of_query(of, body, &refusal);
    if (in == NULL) return refusal;
    if (!tokens->found) return say(400, "expected token_ids, a list of numbers");
    uint32_t *narrow = malloc((tokens->count + 1) * sizeof *narrow);
    size_t capacity = tokens->count / in->block_tokens + 1, count = 0;
    kvhash_plh *names = malloc(capacity * sizeof *names);
    router_answer answer = say(400, "a token is past 2^32 - 1");
    if (narrow != NULL && names != NULL &&
        kvhash_tokens_from_u64(tokens->values, tokens->count, narrow, NULL) == KVCORE_OK) {
        kvhash_request request = KVHASH_REQUEST_INIT;
        request.tokens = narrow;
        request.token_count = tokens->count;
        request.salt = bytes_of(body, "cache_salt");
        request.lora_name = bytes_of(body, "lora_name");
        request.block_tokens = in->block_tokens;
        free(answer.text);
        answer = kvhash_request_names(&request, names, capacity, &count, NULL) == KVCORE_OK
                     ? answer_query(of, in, names, count, body, conductor, choosing)
                     : say(400, "more tokens than a chain can have");
    }
    free(narrow);
    free(names);
    return answer;
}

/* Local hashes of the blocks give the names of their chain, as tokens do; rolling hashes are the chain itself. */
static bool name_of_hash(uint64_t hash, bool rolling, size_t i, const kvhash_plh *before, kvhash_plh *name) {
    if (rolling) {
        uint64_t parent = i == 0 ? 0 : kvhash_plh_sequence_hash(*before);
        return kvhash_plh_make(hash, parent, i, name) == KVCORE_OK;
    }
    *name = kvhash_plh_root(hash);
    return i == 0 || kvhash_plh_extend(*before, hash, name) == KVCORE_OK;
}

static router_answer do_query_by_hash(router *of, json_object *body, bool conductor) {
    router_answer refusal;
    model *in = model_of_query(of, body, &refusal);
    if (in == NULL) return refusal;
    json_object *hashes = field(body, "block_hashes", NULL);
    bool rolling = hashes == NULL;
    if (rolling) hashes = field(body, "seq_hashes", NULL);
    if (!json_object_is_type(hashes, json_type_array)) return say(400, "expected block_hashes or seq_hashes");
    size_t count = json_object_array_length(hashes);
    kvhash_plh *names = malloc((count + 1) * sizeof *names);
    bool fine = names != NULL;
    for (size_t i = 0; fine && i < count; i++) {
        json_object *item = json_object_array_get_idx(hashes, i);
        uint64_t hash = 0;
        fine = json_object_is_type(item, json_type_int);
        if (fine && !json_to_u64(item, &hash)) hash = (uint64_t)json_object_get_int64(item);
        fine = fine && name_of_hash(hash, rolling, i, i == 0 ? NULL : &names[i - 1], &names[i]);
    }
    router_answer answer =
        fine ? answer_query(of, in, names, count, body, conductor, false) : say(400, "a hash is no number of 64 bits");
    free(names);
    return answer;
}

router_answer router_post(router *of, const char *path, char *body, size_t size, bool conductor) {
    json_numbers tokens = {.key = "token_ids", .most = TOKENS_MAX};
    json_object *object = NULL;
    kvcore_error error;
    uint64_t began = now_ns();
    kvcore_status status = json_read(body, size, &tokens, &object, &error);
    router_answer answer;
    if (status != KVCORE_OK || !json_object_is_type(object, json_type_object)) {
        answer = status == KVCORE_OK ? say(400, "expected an object") : say(400, "%s", error.text);
    } else {
        pthread_mutex_lock(&of->lock);
        if (strcmp(path, "/register") == 0)
            answer = do_register(of, object);
        else if (strcmp(path, "/unregister") == 0)
            answer = do_unregister(of, object);
        else if (strcmp(path, "/query") == 0)
            answer = do_query(of, object, &tokens, conductor, false);
        else if (strcmp(path, "/choose") == 0)
            answer = do_query(of, object, &tokens, false, true);
        else if (strcmp(path, "/query_by_hash") == 0)
            answer = do_query_by_hash(of, object, conductor);
        else
            answer = say(404, "no such call");
        of->microseconds += (now_ns() - began) / 1000;
        pthread_mutex_unlock(&of->lock);
    }
    json_object_put(object);
    free(tokens.values);
    return answer;
}

/* ---- what it says of itself ---- */

static json_object *describe(const engine *at, bool full) {
    json_object *one = json_object_new_object();
    json_object_object_add(one, "instance_id", json_object_new_string(at->id));
    json_object_object_add(one, "dp_rank", json_object_new_uint64(at->rank));
    json_object_object_add(one, "endpoint", json_object_new_string(at->endpoint));
    if (at->replay[0] != '\0') json_object_object_add(one, "replay_endpoint", json_object_new_string(at->replay));
    if (at->type[0] != '\0') json_object_object_add(one, "type", json_object_new_string(at->type));
    json_object_object_add(one, "model_name", json_object_new_string(at->of->name));
    if (at->of->tenant[0] != '\0') json_object_object_add(one, "routing_group", json_object_new_string(at->of->tenant));
    json_object_object_add(one, "block_size", json_object_new_uint64(at->of->block_tokens));
    if (!full) return one;
    json_object_object_add(one, "stale", json_object_new_boolean(at->state.stale));
    json_object_object_add(one, "failed", json_object_new_boolean(at->state.failed));
    json_object *blocks = child(one, "blocks");
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++)
        json_object_object_add(blocks, kvevents_tier_text((kvevents_tier)tier),
                               json_object_new_uint64(at->state.blocks[tier]));
    json_object_object_add(one, "names", json_object_new_uint64(at->state.names));
    json_object_object_add(one, "applied", json_object_new_uint64(at->counts.applied));
    json_object_object_add(one, "lost", json_object_new_uint64(at->counts.lost));
    json_object_object_add(one, "refused", json_object_new_uint64(at->counts.refused));
    json_object_object_add(one, "restarts", json_object_new_uint64(at->counts.restarts));
    json_object_object_add(one, "replayed", json_object_new_uint64(at->counts.replayed));
    return one;
}

static router_answer list_engines(router *of, bool full) {
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < of->options.engines; i++)
        if (of->engines[i] != NULL) json_object_array_add(list, describe(of->engines[i], full));
    json_object *answer = json_object_new_object();
    json_object_object_add(answer, full ? "workers" : "sources", list);
    return say_json(answer);
}

static void print_label(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', out);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

static void print_metric(FILE *out, const engine *at, const char *name, uint64_t value) {
    fprintf(out, "kvstrata_%s{source=\"", name);
    print_label(out, at->id);
    fprintf(out, "/%" PRIu32 "\"} %" PRIu64 "\n", at->rank, value);
}

static void print_metrics(FILE *out, const engine *at) {
    print_metric(out, at, "events_batches_total", at->counts.applied);
    print_metric(out, at, "events_bytes_total", at->counts.bytes);
    print_metric(out, at, "events_refused_total", at->counts.refused);
    print_metric(out, at, "events_filtered_total", at->counts.filtered);
    print_metric(out, at, "events_lost_total", at->counts.lost);
    print_metric(out, at, "events_old_total", at->counts.old);
    print_metric(out, at, "events_restarts_total", at->counts.restarts);
    print_metric(out, at, "events_replays_total", at->counts.replays);
    print_metric(out, at, "events_replayed_total", at->counts.replayed);
    print_metric(out, at, "events_replay_failures_total", at->counts.replay_failures);
    print_metric(out, at, "events_orphans_total", at->counts.orphans);
    print_metric(out, at, "events_unnamed_total", at->counts.unnamed);
    print_metric(out, at, "events_copies", at->state.copies);
    print_metric(out, at, "source_stale", at->state.stale);
    print_metric(out, at, "source_next_number", at->state.next);
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) {
        fputs("kvstrata_source_blocks{source=\"", out);
        print_label(out, at->id);
        fprintf(out, "/%" PRIu32 "\",tier=\"%s\"} %zu\n", at->rank, kvevents_tier_text((kvevents_tier)tier),
                at->state.blocks[tier]);
    }
}

static router_answer list_metrics(router *of) {
    router_answer answer = {200, NULL};
    size_t size = 0;
    FILE *out = open_memstream(&answer.text, &size);
    if (out == NULL) return say(503, "no memory");
    for (size_t i = 0; i < of->options.engines; i++)
        if (of->engines[i] != NULL) print_metrics(out, of->engines[i]);
    fprintf(out, "kvstrata_queries_total{result=\"hit\"} %" PRIu64 "\n", of->hits);
    fprintf(out, "kvstrata_queries_total{result=\"miss\"} %" PRIu64 "\n", of->misses);
    fprintf(out, "kvstrata_queries_total{result=\"unknown model\"} %" PRIu64 "\n", of->unknown);
    fclose(out);
    return answer;
}

router_answer router_get(router *of, const char *path) {
    router_answer answer;
    pthread_mutex_lock(&of->lock);
    look(of);
    if (strcmp(path, "/workers") == 0 || strcmp(path, "/global_view") == 0)
        answer = list_engines(of, true);
    else if (strcmp(path, "/dump") == 0)
        answer = list_engines(of, false);
    else if (strcmp(path, "/metrics") == 0)
        answer = list_metrics(of);
    else if (strcmp(path, "/health") == 0)
        answer = say(200, "ok");
    else
        answer = say(404, "no such call");
    pthread_mutex_unlock(&of->lock);
    return answer;
}

/* ---- made and unmade ---- */

router *router_create(const router_options *options) {
    router *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->options = *options;
    if (made->options.engines == 0) made->options.engines = ENGINES;
    made->engines = calloc(made->options.engines, sizeof(engine *));
    kvevents_subscriber_config config = KVEVENTS_SUBSCRIBER_CONFIG_INIT;
    config.thread = true;
    config.sources = made->options.engines;
    pthread_mutex_init(&made->lock, NULL);
    if (made->engines != NULL && kvevents_subscriber_create(&config, &made->subscriber, NULL) == KVCORE_OK) return made;
    router_destroy(made);
    return NULL;
}

void router_destroy(router *of) {
    if (of == NULL) return;
    kvevents_subscriber_destroy(of->subscriber);
    for (size_t i = 0; of->engines != NULL && i < of->options.engines; i++) free(of->engines[i]);
    for (size_t i = 0; i < of->model_count; i++) kvradix_index_destroy(of->models[i].index);
    pthread_mutex_destroy(&of->lock);
    free(of->engines);
    free(of);
}

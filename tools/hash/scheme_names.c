#include "hash/scheme_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static kvcore_status add(scheme_set *set, const char *name, size_t length, kvcore_error *error) {
    kvhash_scheme_kind kind = kvhash_scheme_kind_of((kvcore_bytes){name, length});
    if (kind == KVHASH_SCHEME_NONE)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG},
                           "expected a scheme (--list-schemes), found '%.*s'", length > 60 ? 60 : (int)length, name);
    for (size_t i = 0; i < set->count; i++)
        if (set->kinds[i] == kind)
            return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG}, "scheme %s is named twice",
                               kvhash_scheme_kind_text(kind));
    set->kinds[set->count++] = kind;
    return KVCORE_OK;
}

kvcore_status scheme_set_parse(scheme_set *set, const char *list, kvcore_error *error) {
    set->count = 0;
    for (;;) {
        size_t length = strcspn(list, ",");
        kvcore_status status = add(set, list, length, error);
        if (status != KVCORE_OK || list[length] == '\0') return status;
        list += length + 1;
    }
}

void scheme_list_print(FILE *out) {
    for (unsigned i = 1; i < KVHASH_SCHEME_COUNT; i++) {
        kvhash_scheme_kind kind = (kvhash_scheme_kind)i;
        fprintf(out, "%-26s  %-14s  %-7s  ", kvhash_scheme_kind_text(kind), scheme_system(kind), scheme_version(kind));
        scheme_print_keys(out, kind);
        fputc('\n', out);
    }
}

/* ---- naming ---- */

static bool grow(void **memory, size_t *room, size_t count, size_t size_bytes) {
    if (*memory != NULL && count <= *room) return true;
    free(*memory);
    *memory = calloc(count + 1, size_bytes);
    *room = *memory != NULL ? count : 0;
    return *memory != NULL;
}

static kvcore_status name_events(scheme_names *names, kvcore_error *error) {
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < 2 && status == KVCORE_OK; i++) {
        void *memory = names->events[i];
        bool fits = grow(&memory, &names->event_room[i], names->count, sizeof **names->events);
        names->events[i] = memory;
        status = fits ? kvhash_sglang_events(names->scheme, &names->request.request, i == 1, names->events[i],
                                             names->count, &names->event_count, error)
                      : KVCORE_ENOMEM;
    }
    return status;
}

static kvcore_status name_blocks(scheme_names *names, kvcore_error *error) {
    const kvhash_scheme_request *request = &names->request.request;
    size_t count = 0;
    void *memory = names->names;
    kvcore_status status = kvhash_scheme_count(names->scheme, request, &count, error);
    if (status != KVCORE_OK) return status;
    names->name_bytes = kvhash_scheme_name_bytes(names->scheme);
    bool fits = grow(&memory, &names->name_room, count, KVHASH_SCHEME_NAME_BYTES);
    names->names = memory;
    if (!fits) return KVCORE_ENOMEM;
    status = kvhash_scheme_names(names->scheme, request, 0, NULL, names->names, count, &names->count, error);
    if (status == KVCORE_OK)
        status = kvhash_scheme_root(names->scheme, request, names->root, &names->root_bytes, error);
    return status;
}

static kvcore_status name_request(scheme_names *names, kvhash_scheme_kind kind, const hash_request *request,
                                  kvcore_error *error) {
    kvhash_scheme_destroy(names->scheme);
    names->scheme = NULL;
    kvcore_status status = scheme_request_read(&names->request, kind, request, error);
    if (status == KVCORE_OK) status = kvhash_scheme_create(&names->request.config, &names->scheme, error);
    if (status == KVCORE_OK) status = name_blocks(names, error);
    if (status == KVCORE_OK && kind == KVHASH_SCHEME_SGLANG) status = name_events(names, error);
    return status;
}

kvcore_status scheme_refused(kvcore_status status, kvhash_scheme_kind kind, kvcore_error *error) {
    kvcore_error given = *error;
    if (status == KVCORE_ENOMEM) return kvcore_fail(error, &(kvcore_error){.code = status}, "out of memory");
    given.code = status == KVCORE_ENOTSUP ? status : KVCORE_EFORMAT;
    char text[sizeof given.text];
    memcpy(text, given.text, sizeof text);
    return kvcore_fail(error, &given, "%s: %s", kvhash_scheme_kind_text(kind), text);
}

kvcore_status scheme_set_name(scheme_set *set, const hash_request *request, kvcore_error *error) {
    for (size_t i = 0; i < set->count; i++) {
        kvcore_status status = name_request(&set->names[i], set->kinds[i], request, error);
        if (status != KVCORE_OK) return scheme_refused(status, set->kinds[i], error);
    }
    return KVCORE_OK;
}

void scheme_set_clear(scheme_set *set) {
    for (size_t i = 0; i < KVHASH_SCHEME_COUNT; i++) {
        scheme_names *names = &set->names[i];
        kvhash_scheme_destroy(names->scheme);
        scheme_request_clear(&names->request);
        free(names->names);
        free(names->events[0]);
        free(names->events[1]);
        *names = (scheme_names){.scheme = NULL};
    }
}

/* ---- output ---- */

void scheme_print_hex(FILE *out, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) fprintf(out, "%02x", bytes[i]);
}

static void print_hex_text(FILE *out, const uint8_t *bytes, size_t count) {
    fputc('"', out);
    scheme_print_hex(out, bytes, count);
    fputc('"', out);
}

static bool is_vllm(kvhash_scheme_kind kind) {
    return kind >= KVHASH_SCHEME_VLLM_SHA256 && kind <= KVHASH_SCHEME_VLLM_XXHASH_CBOR;
}

static bool is_trtllm(kvhash_scheme_kind kind) {
    return kind >= KVHASH_SCHEME_TRTLLM_V1 && kind <= KVHASH_SCHEME_TRTLLM_V2_U64;
}

static void print_numbers(FILE *out, const scheme_names *names, const char *key, bool is_signed) {
    fprintf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < names->count; i++) {
        uint64_t value = kvhash_scheme_event64(names->scheme, names->names + i * names->name_bytes);
        if (is_signed)
            fprintf(out, "%s\"%" PRId64 "\"", i > 0 ? "," : "", (int64_t)value);
        else
            fprintf(out, "%s\"%" PRIu64 "\"", i > 0 ? "," : "", value);
    }
    fputc(']', out);
}

static void print_events(FILE *out, const char *key, const int64_t *values, size_t count) {
    fprintf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < count; i++) fprintf(out, "%s\"%" PRId64 "\"", i > 0 ? "," : "", values[i]);
    fputc(']', out);
}

/* What an event carries; a name that is a number is printed as one too. */
static void print_64_bits(FILE *out, const scheme_names *names, kvhash_scheme_kind kind) {
    if (kind == KVHASH_SCHEME_SGLANG) {
        print_events(out, "events", names->events[0], names->event_count);
        print_events(out, "events_dynamo", names->events[1], names->event_count);
    } else if (is_vllm(kind) || is_trtllm(kind)) {
        print_numbers(out, names, "events", false);
    } else if (names->name_bytes == 8) {
        print_numbers(out, names, "numbers",
                      kind == KVHASH_SCHEME_LMCACHE_BUILTIN || names->request.config.without_vllm);
    }
}

static void print_names(FILE *out, const scheme_names *names, kvhash_scheme_kind kind) {
    fprintf(out, "\"%s\":{\"root\":", kvhash_scheme_kind_text(kind));
    if (names->root_bytes > 0)
        print_hex_text(out, names->root, names->root_bytes);
    else
        fputs("null", out);
    fputs(",\"names\":[", out);
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0) fputc(',', out);
        print_hex_text(out, names->names + i * names->name_bytes, names->name_bytes);
    }
    fputc(']', out);
    print_64_bits(out, names, kind);
    fputc('}', out);
}

void scheme_set_print(FILE *out, const scheme_set *set) {
    fputs(",\"schemes\":{", out);
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0) fputc(',', out);
        print_names(out, &set->names[i], set->kinds[i]);
    }
    fputc('}', out);
}

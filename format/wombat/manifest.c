/* Manifests and deltas from JSON. jansson rather than json-c, because that one cannot tell a field given twice from one given
 * once, and this format must. */
#include <kvwombat/manifest.h>

#include <jansson.h>

enum { SCHEMA = 1 };

/* One allocation: the document, its entries, its texts. */
typedef struct document {
    kvcore_allocator allocator;
    size_t size_bytes;
    size_t used_bytes; /* while it is filled */
    union {
        kvwombat_manifest manifest;
        kvwombat_delta delta;
    } as;
    uint8_t memory[];
} document;

static const char *const manifest_texts[] = {"object_id", "key_range_start", "key_range_end"};
static const char *const delta_texts[] = {"tenant_id", "fingerprint", "prefix_hash", "payload_digest", "write_id"};

static kvcore_status refuse(kvcore_error *error, kvcore_status code, uint64_t index, const char *field,
                            const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = index}, "%s %s", field, what);
}

static kvcore_status load(kvcore_bytes text, size_t flags, json_t **root, kvcore_error *error) {
    json_error_t fault;
    *root = json_loadb(text.data != NULL ? text.data : "", text.size_bytes, flags | JSON_ALLOW_NUL, &fault);
    if (*root != NULL) return KVCORE_OK;
    kvcore_status code = json_error_code(&fault) == json_error_out_of_memory ? KVCORE_ENOMEM : KVFORMAT_EJSON;
    return kvcore_fail(error,
                       &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .offset = (uint64_t)fault.position},
                       "%s", fault.text);
}

/* An unsigned integer of at most `most`; anything else is not the JSON it must be. */
static kvcore_status read_number(const json_t *object, const char *field, uint64_t most, uint64_t *value,
                                 kvcore_error *error) {
    const json_t *found = json_object_get(object, field);
    if (found == NULL) return refuse(error, KVFORMAT_EJSON, KVCORE_NO_INDEX, field, "is missing");
    if (!json_is_integer(found) || json_integer_value(found) < 0 || (uint64_t)json_integer_value(found) > most)
        return refuse(error, KVFORMAT_EJSON, KVCORE_NO_INDEX, field, "is not an unsigned integer of its size");
    *value = (uint64_t)json_integer_value(found);
    return KVCORE_OK;
}

/* All texts are there; adds up their bytes. */
static kvcore_status check_texts(const json_t *object, uint64_t index, const char *const *fields, size_t count,
                                 size_t *bytes, kvcore_error *error) {
    for (size_t i = 0; i < count; i++) {
        const json_t *found = json_object_get(object, fields[i]);
        if (!json_is_string(found))
            return refuse(error, KVFORMAT_EJSON, index, fields[i], found == NULL ? "is missing" : "is not a text");
        *bytes += json_string_length(found);
    }
    return KVCORE_OK;
}

static document *make_document(const kvcore_allocator *allocator, size_t bytes) {
    kvcore_allocator from = allocator != NULL ? *allocator : kvcore_allocator_libc();
    size_t size;
    if (__builtin_add_overflow(sizeof(document), bytes, &size)) return NULL;
    document *made = kvcore_alloc(&from, 1, size, _Alignof(document));
    if (made != NULL) *made = (document){.allocator = from, .size_bytes = size};
    return made;
}

static void destroy_document(document *old) {
    kvcore_allocator from = old->allocator;
    kvcore_free(&from, old, 1, old->size_bytes, _Alignof(document));
}

static document *document_of(const void *content) {
    return (document *)(void *)((uint8_t *)(uintptr_t)content - offsetof(document, as));
}

static kvcore_bytes copy_text(document *to, const json_t *object, const char *field) {
    const json_t *found = json_object_get(object, field);
    kvcore_bytes text = {to->memory + to->used_bytes, json_string_length(found)};
    memcpy(to->memory + to->used_bytes, json_string_value(found), text.size_bytes);
    to->used_bytes += text.size_bytes;
    return text;
}

static kvcore_status check_schema(uint64_t version, kvcore_error *error) {
    if (version == SCHEMA) return KVCORE_OK;
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVFORMAT_ESCHEMA, .index = KVCORE_NO_INDEX, .expected = SCHEMA, .actual = version},
        "schema_version is %u, not 1", (unsigned)version);
}

static kvcore_status build_manifest(const json_t *root, const kvcore_allocator *allocator, document **out,
                                    kvcore_error *error) {
    uint64_t schema, epoch, checksum;
    kvcore_status status = read_number(root, "schema_version", UINT16_MAX, &schema, error);
    if (status == KVCORE_OK) status = read_number(root, "epoch_ms", UINT64_MAX, &epoch, error);
    if (status == KVCORE_OK) status = read_number(root, "checksum32", UINT32_MAX, &checksum, error);
    if (status != KVCORE_OK) return status;
    const json_t *array = json_object_get(root, "entries");
    if (!json_is_array(array)) return refuse(error, KVFORMAT_EJSON, KVCORE_NO_INDEX, "entries", "is not an array");
    size_t count = json_array_size(array), text_bytes = 0, bytes;
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(array, i);
        if (!json_is_object(entry))
            return refuse(error, KVFORMAT_EJSON, i, "entries", "holds an element that is not an object");
        status = check_texts(entry, i, manifest_texts, 3, &text_bytes, error);
        if (status != KVCORE_OK) return status;
    }
    document *made = NULL;
    if (!__builtin_mul_overflow(count, sizeof(kvwombat_manifest_entry), &bytes) &&
        !__builtin_add_overflow(bytes, text_bytes, &bytes))
        made = make_document(allocator, bytes);
    if (made == NULL) return refuse(error, KVCORE_ENOMEM, KVCORE_NO_INDEX, "manifest", "does not fit in memory");
    kvwombat_manifest_entry *entries = (kvwombat_manifest_entry *)(void *)made->memory;
    made->used_bytes = count * sizeof *entries;
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(array, i);
        entries[i].object_id = copy_text(made, entry, manifest_texts[0]);
        entries[i].key_range_start = copy_text(made, entry, manifest_texts[1]);
        entries[i].key_range_end = copy_text(made, entry, manifest_texts[2]);
    }
    made->as.manifest = (kvwombat_manifest){epoch, (uint32_t)checksum, (uint16_t)schema, entries, count};
    *out = made;
    return KVCORE_OK;
}

static kvcore_status check_manifest(const document *found, kvcore_error *error) {
    const kvwombat_manifest *manifest = &found->as.manifest;
    kvcore_status status = check_schema(manifest->schema_version, error);
    for (size_t i = 0; i < manifest->entry_count && status == KVCORE_OK; i++) {
        const kvwombat_manifest_entry *entry = &manifest->entries[i];
        const kvcore_bytes texts[] = {entry->object_id, entry->key_range_start, entry->key_range_end};
        for (size_t k = 0; k < 3 && status == KVCORE_OK; k++)
            if (texts[k].size_bytes == 0) status = refuse(error, KVFORMAT_EEMPTY, i, manifest_texts[k], "is empty");
    }
    return status;
}

static kvcore_status build_delta(const json_t *root, const kvcore_allocator *allocator, document **out,
                                 kvcore_error *error) {
    uint64_t schema, epoch, seq;
    size_t bytes = 0;
    kvcore_status status = read_number(root, "schema_version", UINT16_MAX, &schema, error);
    if (status == KVCORE_OK) status = read_number(root, "epoch_ms", UINT64_MAX, &epoch, error);
    if (status == KVCORE_OK) status = read_number(root, "seq", UINT64_MAX, &seq, error);
    if (status == KVCORE_OK) status = check_texts(root, KVCORE_NO_INDEX, delta_texts, 5, &bytes, error);
    if (status != KVCORE_OK) return status;
    document *made = make_document(allocator, bytes);
    if (made == NULL) return refuse(error, KVCORE_ENOMEM, KVCORE_NO_INDEX, "delta", "does not fit in memory");
    kvwombat_delta *delta = &made->as.delta;
    *delta = (kvwombat_delta){.epoch_ms = epoch, .seq = seq, .schema_version = (uint16_t)schema};
    delta->tenant_id = copy_text(made, root, delta_texts[0]);
    delta->fingerprint = copy_text(made, root, delta_texts[1]);
    delta->prefix_hash = copy_text(made, root, delta_texts[2]);
    delta->payload_digest = copy_text(made, root, delta_texts[3]);
    delta->write_id = copy_text(made, root, delta_texts[4]);
    *out = made;
    return KVCORE_OK;
}

static kvcore_status check_delta(const document *found, kvcore_error *error) {
    const kvwombat_delta *delta = &found->as.delta;
    kvcore_status status = check_schema(delta->schema_version, error);
    const kvcore_bytes texts[] = {delta->tenant_id, delta->fingerprint, delta->prefix_hash, delta->payload_digest,
                                  delta->write_id};
    for (size_t i = 0; i < 5 && status == KVCORE_OK; i++)
        if (texts[i].size_bytes == 0)
            status = refuse(error, KVFORMAT_EEMPTY, KVCORE_NO_INDEX, delta_texts[i], "is empty");
    return status;
}

/* What the two kinds of document differ in. */
typedef struct document_kind {
    kvcore_status (*build)(const json_t *root, const kvcore_allocator *allocator, document **out, kvcore_error *error);
    kvcore_status (*check)(const document *found, kvcore_error *error);
} document_kind;

static kvcore_status parse_strict(const document_kind *kind, kvcore_bytes text, const kvcore_allocator *allocator,
                                  document **out, kvcore_error *error) {
    json_t *root;
    document *made = NULL;
    kvcore_status status = load(text, JSON_REJECT_DUPLICATES, &root, error);
    if (status != KVCORE_OK) return status;
    status = json_is_object(root) ? kind->build(root, allocator, &made, error)
                                  : refuse(error, KVFORMAT_EJSON, KVCORE_NO_INDEX, "document", "is not an object");
    json_decref(root);
    if (status != KVCORE_OK) return status;
    status = kind->check(made, error);
    if (status == KVCORE_OK)
        *out = made;
    else
        destroy_document(made);
    return status;
}

/* What the dispatching parser looks at before it chooses a version. */
static kvcore_status look_at_schema(kvcore_bytes text, kvcore_error *error) {
    json_t *root;
    kvcore_status status = load(text, JSON_DECODE_ANY, &root, error);
    if (status != KVCORE_OK) return status;
    const json_t *version = json_object_get(root, "schema_version"); /* NULL when root is no object */
    if (version == NULL)
        status = refuse(error, KVFORMAT_EMISSING, KVCORE_NO_INDEX, "schema_version", "is missing");
    else if (!json_is_integer(version) || json_integer_value(version) < 0 || json_integer_value(version) > UINT16_MAX)
        status = refuse(error, KVFORMAT_ETYPE, KVCORE_NO_INDEX, "schema_version", "is not an integer of 16 bits");
    else
        status = check_schema((uint64_t)json_integer_value(version), error);
    json_decref(root);
    return status;
}

static kvcore_status parse(const document_kind *kind, kvcore_bytes text, kvwombat_parser parser,
                           const kvcore_allocator *allocator, document **out, kvcore_error *error) {
    kvcore_status status = parser == KVWOMBAT_PARSER_DISPATCH ? look_at_schema(text, error) : KVCORE_OK;
    return status == KVCORE_OK ? parse_strict(kind, text, allocator, out, error) : status;
}

kvcore_status kvwombat_manifest_parse(kvcore_bytes text, kvwombat_parser parser, const kvcore_allocator *allocator,
                                      const kvwombat_manifest **manifest, kvcore_error *error) {
    if (manifest == NULL || (text.data == NULL && text.size_bytes > 0))
        return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, manifest == NULL ? "manifest" : "text", "is NULL");
    static const document_kind kind = {build_manifest, check_manifest};
    document *made;
    kvcore_status status = parse(&kind, text, parser, allocator, &made, error);
    if (status == KVCORE_OK) *manifest = &made->as.manifest;
    return status;
}

void kvwombat_manifest_destroy(const kvwombat_manifest *manifest) {
    if (manifest != NULL) destroy_document(document_of(manifest));
}

kvcore_status kvwombat_delta_parse(kvcore_bytes text, kvwombat_parser parser, const kvcore_allocator *allocator,
                                   const kvwombat_delta **delta, kvcore_error *error) {
    if (delta == NULL || (text.data == NULL && text.size_bytes > 0))
        return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, delta == NULL ? "delta" : "text", "is NULL");
    static const document_kind kind = {build_delta, check_delta};
    document *made;
    kvcore_status status = parse(&kind, text, parser, allocator, &made, error);
    if (status == KVCORE_OK) *delta = &made->as.delta;
    return status;
}

void kvwombat_delta_destroy(const kvwombat_delta *delta) {
    if (delta != NULL) destroy_document(document_of(delta));
}

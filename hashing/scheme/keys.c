/* The key texts of LMCache's stores. */
#include <kvhash/scheme.h>

#include <inttypes.h>
#include <stdio.h>

#include "text.h"

typedef struct writer {
    char *text;
    size_t capacity;
    size_t length; /* as long as it would be */
} writer;

static void write_bytes(writer *to, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++, to->length++)
        if (to->length < to->capacity) to->text[to->length] = ((const char *)bytes)[i];
}

static void write_text(writer *to, const char *text) { write_bytes(to, text, strlen(text)); }
static void write_span(writer *to, kvcore_bytes span) { write_bytes(to, span.data, span.size_bytes); }

static void write_number(writer *to, const char *format, uint64_t number) {
    char digits[32];
    write_bytes(to, digits, (size_t)snprintf(digits, sizeof digits, format, number));
}

static kvcore_status written(const writer *to, size_t *length) {
    *length = to->length;
    return to->length <= to->capacity ? KVCORE_OK : KVCORE_EBUFFER;
}

static bool is_text(kvcore_bytes span, const char *text) {
    return span.size_bytes == strlen(text) && memcmp(span.data, text, span.size_bytes) == 0;
}

/* How a key writes an element type; NULL for one that has no text. */
static const char *dtype_text(kvcore_bytes dtype) {
    static const char *const names[][2] = {
        {"half", "half"},
        {"float16", "half"},
        {"bfloat16", "bfloat16"},
        {"float", "float"},
        {"float32", "float"},
        {"double", "double"},
        {"float64", "double"},
        {"uint8", "uint8"},
        {"int8", "int8"},
        {"uint16", "uint16"},
        {"int16", "int16"},
        {"int32", "int32"},
        {"int64", "int64"},
        {"bool", "bool"},
        {"fp8_e4m3fn", "fp8_e4m3fn"},
        {"float8_e4m3fn", "fp8_e4m3fn"},
        {"fp8_e4m3fnuz", "fp8_e4m3fnuz"},
        {"float8_e4m3fnuz", "fp8_e4m3fnuz"},
        {"fp8_e5m2", "fp8_e5m2"},
        {"float8_e5m2", "fp8_e5m2"},
        {"fp8_e5m2fnuz", "fp8_e5m2fnuz"},
        {"float8_e5m2fnuz", "fp8_e5m2fnuz"},
    };
    for (size_t i = 0; dtype.data != NULL && i < sizeof names / sizeof *names; i++)
        if (is_text(dtype, names[i][0])) return names[i][1];
    return NULL;
}

kvcore_status kvhash_lmcache_engine_key(kvcore_bytes model, uint32_t world_size, uint32_t worker, uint64_t hash,
                                        bool hash_negative, kvcore_bytes dtype, int64_t layer, const kvcore_bytes *tags,
                                        size_t tag_count, char *text, size_t capacity, size_t *length) {
    if (length == NULL || (text == NULL && capacity != 0) || (tags == NULL && tag_count != 0)) return KVCORE_EINVAL;
    if (model.data == NULL && model.size_bytes != 0) return KVCORE_EINVAL;
    const char *element = dtype_text(dtype);
    if (element == NULL) return KVCORE_ENOTSUP;
    writer to = {text, capacity, 0};
    write_span(&to, model);
    write_number(&to, "@%" PRIu64, world_size);
    write_number(&to, "@%" PRIu64, worker);
    write_text(&to, hash_negative && hash >> 63 != 0 ? "@-" : "@");
    write_number(&to, "%" PRIx64, hash_negative && hash >> 63 != 0 ? 0 - hash : hash);
    write_text(&to, "@");
    write_text(&to, element);
    if (layer >= 0) write_number(&to, "@%" PRIu64, (uint64_t)layer);
    for (size_t i = 0; i < tag_count; i++) {
        write_text(&to, "@");
        write_span(&to, tags[2 * i]);
        write_text(&to, "%");
        write_span(&to, tags[2 * i + 1]);
    }
    return written(&to, length);
}

/* --- reading a key ----------------------------------------------------------------------------------------------------- */

/* The next field of a text; what follows its `@` stays in *rest, not given behind the last one. */
static kvcore_bytes next_field(kvcore_bytes *rest) {
    kvcore_bytes field = *rest;
    const char *at = field.size_bytes == 0 ? NULL : memchr(field.data, '@', field.size_bytes);
    if (at == NULL) {
        *rest = (kvcore_bytes){NULL, 0};
        return field;
    }
    field.size_bytes = (size_t)(at - (const char *)field.data);
    *rest = (kvcore_bytes){at + 1, rest->size_bytes - field.size_bytes - 1};
    return field;
}

static unsigned digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f') return (unsigned)(digit - 'a') + 10;
    return 99;
}

static bool read_number(kvcore_bytes field, unsigned base, uint64_t *number) {
    uint64_t value = 0;
    for (size_t i = 0; i < field.size_bytes; i++) {
        unsigned digit = digit_value(((const char *)field.data)[i]);
        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *number = value;
    return field.size_bytes != 0;
}

static bool read_hash(kvcore_bytes field, kvhash_lmcache_parsed *parsed) {
    parsed->negative = field.size_bytes != 0 && *(const char *)field.data == '-';
    if (parsed->negative) field = (kvcore_bytes){(const char *)field.data + 1, field.size_bytes - 1};
    if (!read_number(field, 16, &parsed->hash)) return false;
    if (parsed->negative) parsed->hash = 0 - parsed->hash;
    return true;
}

static bool count_tags(kvcore_bytes rest, kvhash_lmcache_parsed *parsed) {
    parsed->tags = rest;
    while (rest.data != NULL) {
        kvcore_bytes tag = next_field(&rest);
        if (tag.size_bytes == 0 || memchr(tag.data, '%', tag.size_bytes) == NULL) return false;
        parsed->tag_count++;
    }
    return true;
}

kvcore_status kvhash_lmcache_parse_engine_key(kvcore_bytes text, kvhash_lmcache_parsed *parsed) {
    kvhash_lmcache_parsed read = {.layer = -1};
    uint64_t layer;
    if (text.data == NULL || parsed == NULL) return KVCORE_EINVAL;
    read.model = next_field(&text);
    if (!read_number(next_field(&text), 10, &read.world_size)) return KVCORE_EFORMAT;
    if (!read_number(next_field(&text), 10, &read.worker)) return KVCORE_EFORMAT;
    if (!read_hash(next_field(&text), &read)) return KVCORE_EFORMAT;
    read.dtype = next_field(&text);
    if (read.dtype.size_bytes == 0 || dtype_text(read.dtype) == NULL) return KVCORE_EFORMAT;
    kvcore_bytes behind = text, sixth = next_field(&behind);
    if (text.data != NULL && read_number(sixth, 10, &layer) && layer <= INT64_MAX) {
        read.layer = (int64_t)layer;
        text = behind;
    }
    if (!count_tags(text, &read)) return KVCORE_EFORMAT;
    *parsed = read;
    return KVCORE_OK;
}

uint32_t kvhash_lmcache_kv_rank(uint32_t world_size, uint32_t rank) {
    return world_size << 24 | rank << 16 | world_size << 8 | rank;
}

static bool holds(kvcore_bytes span, char character) {
    return span.size_bytes != 0 && memchr(span.data, character, span.size_bytes) != NULL;
}

static size_t characters(kvcore_bytes text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size_bytes; i++) count += (((const uint8_t *)text.data)[i] & 0xc0) != 0x80;
    return count;
}

#define SALT_MOST_CHARACTERS 128

static kvcore_status refused(kvcore_error *error, uint64_t actual, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX, .actual = actual}, "%s",
                       what);
}

static kvcore_status check_key(kvcore_bytes model, int64_t group, kvcore_bytes salt, kvcore_error *error) {
    if (!kvhash__is_utf8(model) || !kvhash__is_utf8(salt)) return refused(error, 0, "a text is not UTF-8");
    if (holds(model, '@')) return refused(error, '@', "'@' in the model");
    if (group < 0) return refused(error, (uint64_t)group, "the object group is below 0");
    static const char forbidden[4] = {'@', '/', '\\', '\0'};
    for (size_t i = 0; i < sizeof forbidden; i++)
        if (holds(salt, forbidden[i]))
            return refused(error, (uint8_t)forbidden[i], "a forbidden character in the salt");
    if (characters(salt) > SALT_MOST_CHARACTERS)
        return refused(error, characters(salt), "the salt has more than 128 characters");
    return KVCORE_OK;
}

static bool is_kept(uint8_t byte, bool keep_slash) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '.' || byte == '-' || byte == '~' || (keep_slash && byte == '/');
}

static void write_percent(writer *to, kvcore_bytes span, bool keep_slash) {
    const uint8_t *at = span.data;
    for (size_t i = 0; i < span.size_bytes; i++) {
        if (is_kept(at[i], keep_slash))
            write_bytes(to, at + i, 1);
        else
            write_number(to, "%%%02" PRIX64, at[i]);
    }
}

static void write_model(writer *to, kvhash_lmcache_form form, kvcore_bytes model) {
    const char *at = model.data;
    if (form == KVHASH_LMCACHE_RAW_BLOCK || form == KVHASH_LMCACHE_S3_PATH) {
        write_percent(to, model, form == KVHASH_LMCACHE_S3_PATH);
        return;
    }
    for (size_t i = 0; i < model.size_bytes; i++) {
        if (form == KVHASH_LMCACHE_FILE && at[i] == '/')
            write_text(to, "-SEP-");
        else
            write_bytes(to, at + i, 1);
    }
}

kvcore_status kvhash_lmcache_object_key(kvhash_lmcache_form form, kvcore_bytes name, kvcore_bytes model,
                                        uint32_t kv_rank, int64_t group, kvcore_bytes salt, char *text, size_t capacity,
                                        size_t *length, kvcore_error *error) {
    if (length == NULL || (text == NULL && capacity != 0) || (unsigned)form > KVHASH_LMCACHE_RAW_BLOCK ||
        (name.data == NULL && name.size_bytes != 0) || (model.data == NULL && model.size_bytes != 0) ||
        (salt.data == NULL && salt.size_bytes != 0))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "an argument is NULL");
    kvcore_status status = check_key(model, group, salt, error);
    if (status != KVCORE_OK) return status;
    writer to = {text, capacity, 0};
    bool path = form == KVHASH_LMCACHE_S3_PATH, prefixed = form >= KVHASH_LMCACHE_FILE;
    const char *at = path ? "%40" : "@";
    if (path) write_text(&to, "/");
    write_model(&to, form, model);
    write_text(&to, at);
    write_number(&to, prefixed ? "0x%08" PRIx64 : "%08" PRIx64, kv_rank);
    write_text(&to, at);
    write_number(&to, "%" PRIx64, (uint64_t)group);
    write_text(&to, at);
    for (size_t i = 0; i < name.size_bytes; i++) write_number(&to, "%02" PRIx64, ((const uint8_t *)name.data)[i]);
    if (salt.size_bytes != 0) {
        write_text(&to, at);
        if (path)
            write_percent(&to, salt, true);
        else
            write_span(&to, salt);
    }
    if (form == KVHASH_LMCACHE_FILE) write_text(&to, ".data");
    status = written(&to, length);
    if (status == KVCORE_OK) return status;
    return kvcore_fail(
        error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX, .expected = *length, .actual = capacity},
        "a key of %zu characters does not fit", *length);
}

/* A program that builds terms: each byte makes one from those before. Every term encodes to the size it said, equals itself, and
 * compares with the one before the same both ways round. */
#include <stdlib.h>
#include <string.h>

#include <kvcontent/key.h>

#include "fuzz.h"

enum { MOST_TERMS = 512, MOST_BYTES = 1 << 16 };

typedef struct program {
    const uint8_t *at, *end;
    kvcontent_term made[MOST_TERMS];
    size_t count;
} program;

static uint8_t next(program *of) { return of->at < of->end ? *of->at++ : 0; }

static kvcore_bytes next_bytes(program *of) {
    size_t size = next(of) % 40, left = (size_t)(of->end - of->at);
    kvcore_bytes bytes = {of->at, size < left ? size : left};
    of->at += bytes.size_bytes;
    return bytes;
}

static size_t next_terms(program *of, kvcontent_term terms[8]) {
    size_t count = of->count == 0 ? 0 : next(of) % 8;
    for (size_t i = 0; i < count; i++) terms[i] = of->made[next(of) % of->count];
    return count;
}

static kvcore_status make(program *of, kvcontent_terms *terms, kvcontent_term *term) {
    kvcontent_term parts[8], values[8];
    uint8_t what = next(of);
    kvcore_bytes bytes;
    double number = 0;
    size_t count;
    switch (what % 10) {
    case 0: return kvcontent_term_atom(terms, next_bytes(of), term);
    case 1: return kvcontent_term_integer(terms, (int8_t)next(of) * INT64_C(20000000), term);
    case 2: return kvcontent_term_big_integer(terms, what > 127, next_bytes(of), term);
    case 3:
        bytes = next_bytes(of);
        memcpy(&number, bytes.data, bytes.size_bytes < sizeof number ? bytes.size_bytes : sizeof number);
        return kvcontent_term_float(terms, number, term);
    case 4: return kvcontent_term_binary(terms, next_bytes(of), term);
    case 5:
        bytes = next_bytes(of);
        return kvcontent_term_bits(terms, bytes.data, bytes.size_bytes * 8 - (bytes.size_bytes > 0 ? what % 8 : 0),
                                   term);
    case 6: count = next_terms(of, parts); return kvcontent_term_tuple(terms, parts, count, term);
    case 7:
        count = next_terms(of, parts);
        values[0] = what > 127 && of->count > 0 ? of->made[what % of->count] : (kvcontent_term){0};
        return kvcontent_term_list(terms, parts, count, values[0], term);
    case 8:
        count = next_terms(of, parts);
        for (size_t i = 0; i < count; i++) values[i] = of->made[next(of) % of->count];
        return kvcontent_term_map(terms, parts, values, count, what > 127, term);
    default:
        count = next_terms(of, parts);
        return count < 2 ? KVCORE_EINVAL : kvcontent_term_function(terms, parts[0], parts[1], what, term);
    }
}

static void check(kvcontent_terms *terms, kvcontent_term term, kvcontent_term before, uint8_t *buffer) {
    uint64_t size = 0, written = 0;
    int order = 1, back = 1;
    for (int profile = 0; profile < 3; profile++) {
        kvcore_status status = kvcontent_term_encode(terms, term, (kvcontent_term_profile)profile, NULL, 0, &size);
        if (status != KVCORE_EBUFFER && status != KVCORE_ENOTSUP) abort();
        if (status != KVCORE_EBUFFER || size > MOST_BYTES) continue;
        uint8_t *end = buffer + size;
        *end = 0xA5;
        if (kvcontent_term_encode(terms, term, (kvcontent_term_profile)profile, buffer, (size_t)size, &written) !=
            KVCORE_OK)
            abort();
        if (written != size || *end != 0xA5 || buffer[0] != 131) abort();
    }
    if (size > MOST_BYTES) return; /* a term that holds others many times over takes as long as its text */
    if (kvcontent_term_compare_exact(terms, term, term, &order) != KVCORE_OK || order != 0) abort();
    if (before.number == 0 ||
        kvcontent_term_encode(terms, before, KVCONTENT_TERM_PORTABLE, NULL, 0, &size) != KVCORE_EBUFFER ||
        size > MOST_BYTES)
        return;
    if (kvcontent_term_compare(terms, term, before, &order) != KVCORE_OK) abort();
    if (kvcontent_term_compare(terms, before, term, &back) != KVCORE_OK) abort();
    if ((order > 0) != (back < 0) || (order == 0) != (back == 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvcontent_terms *terms;
    uint8_t *buffer = malloc(MOST_BYTES + 1);
    if (buffer == NULL) return 0;
    if (kvcontent_terms_create(NULL, &terms) != KVCORE_OK) abort();
    program of = {.at = data, .end = data + size};
    while (of.at < of.end && of.count < MOST_TERMS) {
        uint64_t bytes = 0;
        kvcontent_term term;
        if (make(&of, terms, &term) != KVCORE_OK) continue;
        check(terms, term, of.count > 0 ? of.made[of.count - 1] : (kvcontent_term){0}, buffer);
        if (kvcontent_term_encode(terms, term, KVCONTENT_TERM_PORTABLE, NULL, 0, &bytes) != KVCORE_EBUFFER) abort();
        if (bytes <= MOST_BYTES) of.made[of.count++] = term;
    }
    kvcontent_terms_destroy(terms);
    free(buffer);
    return 0;
}

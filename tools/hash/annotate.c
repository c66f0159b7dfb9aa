#include "hash/annotate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 8
#define TEXT_SHOWN 40

typedef struct reader {
    const annotate_image *image;
    annotate_piece *piece;
    void *context;
    size_t at;
    size_t integers; /* pickle: how many came */
    uint32_t memo;   /* pickle: number of the next object */
} reader;

static size_t left(const reader *r) { return r->image->size_bytes - r->at; }

static size_t first_token(const reader *r) {
    return r->image->block * (size_t)r->image->names->request.config.block_size;
}

static void say(reader *r, size_t length, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(reader *r, size_t length, const char *format, ...) {
    char text[160];
    va_list arguments;
    if (length > left(r)) length = left(r);
    if (length == 0) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    r->piece(r->context, r->at, length, text);
    r->at += length;
}

/* Bytes of a number: `size` from r->at + skip, most significant first or last. */
static uint64_t number(const reader *r, size_t skip, size_t size, bool big_endian) {
    uint64_t value = 0;
    for (size_t i = 0; i < size && skip + i < left(r); i++) {
        uint64_t byte = r->image->bytes[r->at + skip + i];
        value = big_endian ? value << 8 | byte : value | byte << 8 * i;
    }
    return value;
}

static void say_text(reader *r, size_t head, uint64_t size, const char *role) {
    uint64_t room = left(r) > head ? left(r) - head : 0;
    if (size > room) size = room;
    int shown = size > TEXT_SHOWN ? TEXT_SHOWN : (int)size;
    const char *text = (const char *)r->image->bytes + r->at + head;
    say(r, head + (size_t)size, "%s: text \"%.*s%s\" (length %" PRIu64 ")", role, shown, text,
        size > TEXT_SHOWN ? "..." : "", size);
}

static void say_bytes(reader *r, size_t head, uint64_t size, const char *role) {
    uint64_t room = left(r) > head ? left(r) - head : 0;
    if (size > room) size = room;
    say(r, head, "%s: bytes (length %" PRIu64 ")", role, size);
    say(r, (size_t)size, "%s", "  the bytes");
}

/* ---- CBOR ---- */

static const char *child_role(const reader *r, unsigned depth, const char *role, uint64_t index, char room[48]) {
    static const char *const of_block[] = {"parent", "tokens", "extra keys"};
    static const char *const of_root[] = {"seed hash", "nothing", "model"};
    bool root = r->image->block == KVHASH_SCHEME_ROOT_IMAGE;
    if (depth == 0) return index < 3 ? (root ? of_root : of_block)[index] : "more";
    if (strcmp(role, "tokens") == 0) {
        snprintf(room, 48, "token %" PRIu64, first_token(r) + index);
        return room;
    }
    return "extra key";
}

static void cbor_item(reader *r, unsigned depth, const char *role);

static void cbor_items(reader *r, unsigned depth, const char *role, uint64_t count) {
    char room[48];
    for (uint64_t i = 0; i < count && left(r) > 0; i++) cbor_item(r, depth + 1, child_role(r, depth, role, i, room));
}

/* NOLINTNEXTLINE(misc-no-recursion): at most DEPTH_MAX deep. */
static void cbor_item(reader *r, unsigned depth, const char *role) {
    if (left(r) == 0) return;
    unsigned byte = r->image->bytes[r->at], low = byte & 31;
    size_t head = low < 24 ? 1 : low == 24 ? 2 : low == 25 ? 3 : low == 26 ? 5 : 9;
    uint64_t value = low < 24 ? low : number(r, 1, head - 1, true);
    if (depth > DEPTH_MAX) {
        say(r, left(r), "more");
        return;
    }
    switch (byte >> 5) {
    case 0: say(r, head, "%s: %" PRIu64, role, value); break;
    case 1: say(r, head, "%s: -%" PRIu64, role, value == UINT64_MAX ? value : value + 1); break;
    case 2: say_bytes(r, head, value, role); break;
    case 3: say_text(r, head, value, role); break;
    case 4:
        say(r, head, "%s: list of %" PRIu64, role, value);
        cbor_items(r, depth, role, value);
        break;
    case 5:
        say(r, head, "%s: map of %" PRIu64, role, value);
        cbor_items(r, depth == 0 ? 1 : depth, "pair", value > UINT64_MAX / 2 ? value : 2 * value);
        break;
    default: say(r, head, "%s: %s", role, byte == 0xf6 ? "null" : "a simple value"); break;
    }
}

/* ---- pickle, whose tuples come after their items ---- */

static void pickle_integer(reader *r, size_t head, size_t size) {
    bool with_parent = r->image->names->name_bytes == 8; /* LMCache in-process: the parent is a number */
    uint64_t value = number(r, head, size > 8 ? 8 : size, false), index = r->integers++ - with_parent;
    unsigned top = size == 0 ? 0 : (unsigned)number(r, head + size - 1, 1, false);
    bool negative = head == 1 ? size == 4 && top > 127 : top > 127; /* 4a and 8a are signed, 4b and 4d are not */
    uint64_t block = (uint64_t)r->image->names->request.config.block_size;
    char amount[32];
    if (negative && size < 8) value |= UINT64_MAX << 8 * size;
    snprintf(amount, sizeof amount, negative ? "%" PRId64 : "%" PRIu64, value);
    if (with_parent && r->integers == 1)
        say(r, head + size, "parent: %s", amount);
    else if (index < block)
        say(r, head + size, "token %" PRIu64 ": %s", first_token(r) + index, amount);
    else
        say(r, head + size, "integer %s", amount);
}

static void pickle_container(reader *r, unsigned code) {
    switch (code) {
    case 0x28: say(r, 1, "a tuple begins"); break;
    case 0x29: say(r, 1, "empty tuple"); break;
    case 0x74: say(r, 1, "the tuple ends"); break;
    case 0x85: say(r, 1, "tuple of the last value"); break;
    case 0x86: say(r, 1, "tuple of the last 2 values"); break;
    default: say(r, 1, "tuple of the last 3 values"); break;
    }
}

static void pickle_step(reader *r) {
    unsigned code = r->image->bytes[r->at];
    switch (code) {
    case 0x80: say(r, 2, "pickle, protocol %u", (unsigned)number(r, 1, 1, false)); break;
    case 0x95: say(r, 9, "frame of %" PRIu64 " bytes", number(r, 1, 8, false)); break;
    case 0x4e: say(r, 1, "null"); break;
    case 0x4b: pickle_integer(r, 1, 1); break;
    case 0x4d: pickle_integer(r, 1, 2); break;
    case 0x4a: pickle_integer(r, 1, 4); break;
    case 0x8a: pickle_integer(r, 2, (size_t)number(r, 1, 1, false)); break;
    case 0x43: say_bytes(r, 2, number(r, 1, 1, false), r->memo == 0 ? "parent" : "bytes"); break;
    case 0x42: say_bytes(r, 5, number(r, 1, 4, false), "bytes"); break;
    case 0x8c: say_text(r, 2, number(r, 1, 1, false), "extra key"); break;
    case 0x58: say_text(r, 5, number(r, 1, 4, false), "extra key"); break;
    case 0x94: say(r, 1, "which is object %" PRIu32, r->memo++); break;
    case 0x68: say(r, 2, "object %" PRIu64 " again", number(r, 1, 1, false)); break;
    case 0x6a: say(r, 5, "object %" PRIu64 " again", number(r, 1, 4, false)); break;
    case 0x2e: say(r, 1, "end"); break;
    case 0x28:
    case 0x29:
    case 0x74:
    case 0x85:
    case 0x86:
    case 0x87: pickle_container(r, code); break;
    default: say(r, left(r), "more"); break;
    }
}

/* ---- parent and tokens one after the other ---- */

static void sglang_page(reader *r) {
    const kvhash_scheme_config *config = &r->image->names->request.config;
    if (r->image->block > 0 || r->image->names->root_bytes > 0)
        say(r, 32, "%s", r->image->block > 0 ? "parent" : "seed of the name space");
    bool wide = left(r) % 4 == 1;
    size_t size = wide ? 8 : 4;
    if (wide) say(r, 1, "tokens of 8 bytes");
    for (size_t i = 0; left(r) > 0; i++) {
        size_t token = first_token(r) + (config->pairs ? i / 2 + i % 2 : i);
        say(r, size, "token %zu: %" PRIu64, token, number(r, 0, size, false));
    }
}

static void blake3_chunk(reader *r) {
    say(r, 32, "parent");
    for (size_t token = first_token(r); left(r) > 0; token++)
        say(r, 4, "token %zu: %" PRIu64, token, number(r, 0, 4, true));
}

/* The first position of an item is its digest. */
static void trtllm_block(reader *r) {
    const kvhash_scheme_request *request = &r->image->names->request.request;
    size_t size = r->image->kind == KVHASH_SCHEME_TRTLLM_V2_U64 ? 8 : 4, item = 0;
    say(r, 32, "parent");
    for (size_t token = first_token(r); left(r) > 0; token++) {
        while (item < request->item_count && request->items[item].offset < token) item++;
        bool digest =
            item < request->item_count && request->items[item].offset == token && request->items[item].start == 0;
        if (digest)
            say(r, 32, "token %zu: digest of an item", token);
        else
            say(r, size, "token %zu: %" PRIu64, token, number(r, 0, size, false));
    }
}

/* A block may begin or end inside a token. */
static void aibrix_block(reader *r) {
    say(r, 8, "parent: %" PRIu64, number(r, 0, 8, false));
    for (size_t byte = first_token(r); left(r) > 0;) {
        size_t size = 4 - byte % 4;
        if (size > left(r)) size = left(r);
        if (size == 4)
            say(r, size, "token %zu: %" PRIu64, byte / 4, number(r, 0, 4, true));
        else
            say(r, size, "part of token %zu", byte / 4);
        byte += size;
    }
}

static bool is_pickle(kvhash_scheme_kind kind) {
    return kind == KVHASH_SCHEME_VLLM_SHA256 || kind == KVHASH_SCHEME_VLLM_XXHASH ||
           kind == KVHASH_SCHEME_LMCACHE_SHA256 || kind == KVHASH_SCHEME_LMCACHE_XXHASH ||
           kind == KVHASH_SCHEME_LMCACHE_SERVER_SHA256 || kind == KVHASH_SCHEME_LMCACHE_SERVER_XXHASH;
}

void annotate(const annotate_image *image, annotate_piece *piece, void *context) {
    reader r = {.image = image, .piece = piece, .context = context};
    switch (image->kind) {
    case KVHASH_SCHEME_SGLANG: sglang_page(&r); break;
    case KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3: blake3_chunk(&r); break;
    case KVHASH_SCHEME_TRTLLM_V2:
    case KVHASH_SCHEME_TRTLLM_V2_U64: trtllm_block(&r); break;
    case KVHASH_SCHEME_AIBRIX: aibrix_block(&r); break;
    default:
        while (is_pickle(image->kind) && left(&r) > 0) pickle_step(&r);
        if (!is_pickle(image->kind)) cbor_item(&r, 0, image->block == KVHASH_SCHEME_ROOT_IMAGE ? "root" : "block");
        break;
    }
    if (left(&r) > 0) say(&r, left(&r), "more");
}

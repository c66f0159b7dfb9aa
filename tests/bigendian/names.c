/* Prints what must be the same bytes on every machine: run.sh builds it for the host and for a big-endian one and compares. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <kvhash/hash.h>
#include <kvhash/proof.h>
#include <kvhash/request.h>
#include <kvhash/scheme.h>
#include <kvhash/sequence.h>
#include <kvhash/wire.h>

#define TOKENS 3000

static uint32_t tokens[TOKENS];
static kvhash_block blocks[TOKENS];

static void need(kvcore_status status, const char *what) {
    if (status == KVCORE_OK) return;
    printf("%s: %s\n", what, kvcore_status_text(status));
    exit(1);
}

/* Over the wire forms, so that it does not depend on how this machine stores a struct. */
static uint64_t digest(size_t count) {
    static uint8_t bytes[TOKENS * 40];
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = bytes + 40 * i;
        kvcore_store_le64(at, blocks[i].block_hash);
        kvhash_plh_encode(blocks[i].plh, at + 8);
        kvhash_psh_encode(blocks[i].psh, at + 24);
    }
    return kvhash_xxh3((kvcore_bytes){bytes, 40 * count}, 0);
}

static void print_requests(void) {
    static const kvhash_mm_run runs[] = {
        {UINT64_C(0x0102030405060708), 900, 1500}, {1, 0, 1}, {UINT64_MAX, 33, 3}, {2, 2999, 1}};
    static const uint32_t sizes[] = {1, 2, 4, 16, 17, 32, 60, 61, 64, 100, 128, 512, 700, 2500};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t run_count = 0; run_count <= 4; run_count += 4) {
            kvhash_request request = KVHASH_REQUEST_INIT;
            size_t count = 0;
            request.tokens = tokens, request.token_count = TOKENS, request.block_tokens = sizes[i];
            request.salt = kvcore_text("tenant"), request.lora_name = kvcore_text("adapter");
            request.runs = runs, request.run_count = run_count;
            need(kvhash_request_blocks(&request, blocks, TOKENS, &count, NULL), "request");
            printf("size %u runs %zu: %zu blocks, digest %" PRIu64 "\n", (unsigned)sizes[i], run_count, count,
                   digest(count));
        }
}

static void print_sequence(void) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 100;
    config.salt_hash = 1337;
    kvhash_sequence *sequence;
    need(kvhash_sequence_create(&config, &sequence, NULL), "create");
    for (size_t i = 0; i < 950; i++) need(kvhash_sequence_append(sequence, tokens[i], NULL), "append");
    need(kvhash_sequence_push_run(sequence, 77, 333, NULL), "run");
    size_t count;
    const kvhash_plh *names = kvhash_sequence_names(sequence, &count);
    char text[KVHASH_PLH_TEXT_BYTES];
    for (size_t i = 0; i < count; i++) {
        kvhash_plh_format(names[i], text);
        printf("%s\n", text);
    }
    kvhash_sequence_destroy(sequence);
}

static void print_wire(void) {
    uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
    size_t size;
    for (kvhash_wire_format format = KVHASH_WIRE_JSON; format <= KVHASH_WIRE_MSGPACK_NAMED; format++) {
        need(kvhash_wire_write_block(format, &blocks[0], bytes, sizeof bytes, &size), "wire");
        for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
        printf("\n");
    }
}

/* A secret gives the same proofs everywhere, and a text the same digests. */
static void print_proofs(void) {
    static const kvhash_mm_run run = {77, 100, 50};
    kvhash_prover_config config = KVHASH_PROVER_CONFIG_INIT;
    config.secret = kvcore_text("0123456789abcdef0123456789ABCDEF");
    config.bits = 128;
    kvhash_prover *prover;
    need(kvhash_prover_create(&config, &prover, NULL), "prover");
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens, request.token_count = 480, request.block_tokens = 48;
    request.salt = kvcore_text("salt"), request.runs = &run, request.run_count = 1;
    kvhash_proof proofs[10];
    kvcore_hash256 digests[10];
    size_t count;
    need(kvhash_request_proofs(prover, &request, proofs, 10, &count, NULL), "proofs");
    need(kvhash_request_digests(&request, digests, 10, &count, NULL), "digests");
    for (size_t i = 0; i < count; i++) {
        printf("%016" PRIx64 "%016" PRIx64 " ", proofs[i].high, proofs[i].low);
        for (size_t j = 0; j < sizeof digests[i].bytes; j++) printf("%02x", digests[i].bytes[j]);
        printf("\n");
    }
    kvhash_prover_destroy(prover);
}

/* Every scheme, with all that it takes. */
static void print_schemes(void) {
    static uint8_t names[TOKENS * KVHASH_SCHEME_NAME_BYTES];
    static uint32_t small[TOKENS];
    static const kvhash_scheme_item items[] = {{{"0123456789abcdef0123456789abcdef", 32}, 3, 200, 0, 7}};
    for (size_t i = 0; i < TOKENS; i++) small[i] = tokens[i] >> (1 + tokens[i] % 24);
    for (int kind = 1; kind < KVHASH_SCHEME_COUNT; kind++)
        for (size_t item_count = 0; item_count < 2; item_count++) {
            kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
            kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
            kvhash_scheme *scheme;
            size_t count = 0;
            config.kind = (kvhash_scheme_kind)kind, config.block_size = 16, config.seed = kvcore_text("0");
            need(kvhash_scheme_create(&config, &scheme, NULL), "scheme");
            request.tokens = small, request.token_count = TOKENS;
            request.salt = kvcore_text("tenant"), request.lora_name = kvcore_text("adapter");
            request.items = items, request.item_count = item_count;
            need(kvhash_scheme_names(scheme, &request, 0, NULL, names, TOKENS, &count, NULL), "names of a scheme");
            kvcore_bytes all = {names, count * kvhash_scheme_name_bytes(scheme)};
            printf("%s items %zu: %zu names, digest %" PRIu64 "\n", kvhash_scheme_kind_text((kvhash_scheme_kind)kind),
                   item_count, count, kvhash_xxh3(all, 0));
            kvhash_scheme_destroy(scheme);
        }
}

/* One vector of the specification in full, so that two machines cannot agree on something wrong. */
static void check_specification(void) {
    static const uint64_t hashes[] = {UINT64_C(0x1d4d275de663af4d), UINT64_C(0xaa51e315a509c833),
                                      UINT64_C(0x2fcf355a44ee56ab), UINT64_C(0xfc2f560b1d946e07)};
    const kvhash_mm_run run = {UINT64_C(0x123456789ABCDEF0), 4, 6};
    uint32_t first[16];
    for (uint32_t i = 0; i < 16; i++) first[i] = i;
    kvhash_request request = KVHASH_REQUEST_INIT;
    size_t count = 0;
    request.tokens = first, request.token_count = 16, request.block_tokens = 4;
    request.lora_name = kvcore_text("lora-x"), request.salt = kvcore_text("salt");
    request.runs = &run, request.run_count = 1;
    need(kvhash_request_blocks(&request, blocks, 4, &count, NULL), "specification");
    for (size_t i = 0; i < 4; i++)
        if (blocks[i].block_hash != hashes[i]) need(KVCORE_EINVARIANT, "the specification's block hashes");
    if (blocks[3].plh.high != UINT64_C(0x00e412dcbbbfd76f) || blocks[3].plh.low != UINT64_C(0x6155af147985acf7))
        need(KVCORE_EINVARIANT, "the specification's name");
}

int main(void) {
    uint64_t x = 42;
    for (size_t i = 0; i < TOKENS; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        tokens[i] = (uint32_t)(x >> 32);
    }
    print_requests();
    print_sequence();
    print_wire();
    print_proofs();
    print_schemes();
    check_specification();
    printf("done\n");
    return 0;
}

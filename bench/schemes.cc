// Naming by other systems' schemes, beside the bare hash function over the same bytes in the same run.
//
//     build/release/bench/bench_schemes --benchmark_repetitions=7 --benchmark_enable_random_interleaving=true
//
// bare/KIND hashes the prepared inputs of all blocks one after another; name/KIND makes them and hashes them. Names are a chain:
// a block's input holds the name before. bare/KIND of XXH3 and FNV waits for the hash before as a chain does; free/KIND does not.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <kvhash/scheme.h>

namespace {

struct input {
    input(kvhash_scheme_kind kind, size_t token_count, int64_t block_size) : tokens(token_count) {
        uint64_t x = 42;
        for (uint32_t &token : tokens) {
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            token = static_cast<uint32_t>((x >> 32) % 151936);
        }
        kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
        config.kind = kind;
        config.block_size = block_size;
        config.seed = kvcore_text("0");
        ok = kvhash_scheme_create(&config, &scheme, nullptr) == KVCORE_OK;
        request = kvhash_scheme_request_init();
        request.tokens = tokens.data();
        request.token_count = tokens.size();
        request.model = kvcore_text("m");
        names.resize(token_count / static_cast<size_t>(block_size) * KVHASH_SCHEME_NAME_BYTES);
    }
    input(const input &) = delete;
    input &operator=(const input &) = delete;
    ~input() { kvhash_scheme_destroy(scheme); }

    size_t name() {
        size_t count = 0;
        if (kvhash_scheme_names(scheme, &request, 0, nullptr, names.data(), names.size() / KVHASH_SCHEME_NAME_BYTES,
                                &count, nullptr) != KVCORE_OK)
            ok = false;
        return count;
    }

    // The hashed bytes of every block, one after another.
    void prepare() {
        size_t count = name(), size = kvhash_scheme_name_bytes(scheme);
        for (size_t i = 0; i < count; i++) {
            uint8_t image[4096];
            size_t length = 0;
            uint8_t root[KVHASH_SCHEME_NAME_BYTES];
            size_t root_bytes = 0;
            if (i == 0 && kvhash_scheme_root(scheme, &request, root, &root_bytes, nullptr) != KVCORE_OK) ok = false;
            const uint8_t *parent = i == 0 ? (root_bytes == 0 ? nullptr : root) : names.data() + (i - 1) * size;
            if (kvhash_scheme_preimage(scheme, &request, i, parent, image, sizeof image, &length, nullptr) != KVCORE_OK)
                ok = false;
            bytes.insert(bytes.end(), image, image + length);
            ends.push_back(bytes.size());
        }
    }

    std::vector<uint32_t> tokens;
    std::vector<uint8_t> names, bytes;
    std::vector<size_t> ends;
    kvhash_scheme *scheme = nullptr;
    kvhash_scheme_request request;
    bool ok = false;
};

void name(benchmark::State &state, kvhash_scheme_kind kind) {
    input in(kind, static_cast<size_t>(state.range(0)), state.range(1));
    size_t count = 0;
    for (auto unused : state) benchmark::DoNotOptimize(count = in.name());
    if (!in.ok) state.SkipWithError("no names");
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}

template <typename F> void over_blocks(benchmark::State &state, kvhash_scheme_kind kind, F hash) {
    input in(kind, static_cast<size_t>(state.range(0)), state.range(1));
    in.prepare();
    for (auto unused : state) {
        size_t from = 0;
        for (size_t end : in.ends) {
            hash(in.bytes.data() + from, end - from);
            from = end;
        }
    }
    if (!in.ok) state.SkipWithError("no images");
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(in.ends.size()));
}

// A kept context and a fetched algorithm, as fast as EVP goes.
void bare_sha256(benchmark::State &state, kvhash_scheme_kind kind) {
    EVP_MD *algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    over_blocks(state, kind, [&](const uint8_t *bytes, size_t size) {
        uint8_t digest[32];
        EVP_DigestInit_ex(context, algorithm, nullptr);
        EVP_DigestUpdate(context, bytes, size);
        EVP_DigestFinal_ex(context, digest, nullptr);
        benchmark::DoNotOptimize(digest);
    });
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
}

volatile uint64_t no_bits = 0; // the compiler does not know that it is 0

template <bool chained> void xxh128(benchmark::State &state, kvhash_scheme_kind kind) {
    uint64_t before = 0, mask = no_bits;
    over_blocks(state, kind, [&](const uint8_t *bytes, size_t size) {
        before = XXH3_128bits(bytes + (chained ? before & mask : 0), size).low64;
        benchmark::DoNotOptimize(before);
    });
}

template <bool chained> void fnv(benchmark::State &state, kvhash_scheme_kind kind) {
    uint64_t before = 0, mask = no_bits;
    over_blocks(state, kind, [&](const uint8_t *bytes, size_t size) {
        uint64_t hash = UINT64_C(14695981039346656037) ^ (chained ? before & mask : 0);
        for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
        before = hash;
        benchmark::DoNotOptimize(before);
    });
}

void sizes(benchmark::internal::Benchmark *bench) {
    for (int64_t tokens : {8192, 131072})
        for (int64_t block : {16, 64}) bench->Args({tokens, block});
}

void add(const char *text, kvhash_scheme_kind kind, void (*bare)(benchmark::State &, kvhash_scheme_kind)) {
    std::string suffix = text;
    benchmark::RegisterBenchmark(("name/" + suffix).c_str(), name, kind)->Apply(sizes);
    if (bare != nullptr) benchmark::RegisterBenchmark(("bare/" + suffix).c_str(), bare, kind)->Apply(sizes);
}

} // namespace

int main(int argc, char **argv) {
    add("vllm-sha256", KVHASH_SCHEME_VLLM_SHA256, bare_sha256);
    add("vllm-sha256-cbor", KVHASH_SCHEME_VLLM_SHA256_CBOR, bare_sha256);
    add("vllm-xxhash-cbor", KVHASH_SCHEME_VLLM_XXHASH_CBOR, xxh128<true>);
    add("sglang", KVHASH_SCHEME_SGLANG, bare_sha256);
    add("llmd", KVHASH_SCHEME_LLMD, fnv<true>);
    add("lmcache-builtin", KVHASH_SCHEME_LMCACHE_BUILTIN, nullptr);
    add("trtllm-v1", KVHASH_SCHEME_TRTLLM_V1, nullptr);
    benchmark::RegisterBenchmark("free/vllm-xxhash-cbor", xxh128<false>, KVHASH_SCHEME_VLLM_XXHASH_CBOR)->Apply(sizes);
    benchmark::RegisterBenchmark("free/llmd", fnv<false>, KVHASH_SCHEME_LLMD)->Apply(sizes);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

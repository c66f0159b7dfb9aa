// Naming requests and growing sequences, beside the fastest plain use of XXH3 on the same tokens in the same run.
//
//     build/release/bench/bench_hashing --benchmark_repetitions=7 --benchmark_enable_random_interleaving=true
//
// The last table divides the medians by the fastest baseline of the same size: hash.baseline/seed (inlined), /secret (inlined,
// the secret prepared once), /dispatch (the same, compiled for the CPU it runs on).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <kvhash/hash.h>
#include <kvhash/request.h>
#include <kvhash/sequence.h>

extern "C" {
using baseline = uint64_t(const uint32_t *tokens, size_t blocks, size_t block_tokens, uint64_t seed,
                          const void *secret);
baseline baseline_seed, baseline_secret, baseline_avx2_secret, baseline_avx512_secret;
}

namespace {

// All benches read from the same alignment.
template <typename T> struct aligned {
    using value_type = T;
    aligned() = default;
    template <typename U> aligned(const aligned<U> &) {}
    T *allocate(size_t count) { return static_cast<T *>(::operator new(count * sizeof(T), std::align_val_t(64))); }
    void deallocate(T *at, size_t) { ::operator delete(at, std::align_val_t(64)); }
    template <typename U> bool operator==(const aligned<U> &) const { return true; }
    template <typename U> bool operator!=(const aligned<U> &) const { return false; }
};
using token_list = std::vector<uint32_t, aligned<uint32_t>>;

token_list make_tokens(size_t count, uint64_t x) {
    token_list tokens(count);
    for (uint32_t &token : tokens) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        token = static_cast<uint32_t>(x >> 32);
    }
    return tokens;
}

struct input {
    explicit input(const benchmark::State &state, uint64_t x0 = 42)
        : tokens(make_tokens(static_cast<size_t>(state.range(0)), x0)),
          block_tokens(static_cast<uint32_t>(state.range(1))), blocks(tokens.size() / block_tokens) {}

    kvhash_request request() const {
        kvhash_request made = KVHASH_REQUEST_INIT;
        made.tokens = tokens.data();
        made.token_count = tokens.size();
        made.salt = kvcore_text("bench");
        made.block_tokens = block_tokens;
        return made;
    }

    token_list tokens;
    uint32_t block_tokens;
    size_t blocks;
};

void check(benchmark::State &state, kvcore_status status) {
    if (status != KVCORE_OK) state.SkipWithError(kvcore_status_text(status));
}

void count_tokens(benchmark::State &state) { state.SetItemsProcessed(state.iterations() * state.range(0)); }

// --- the baseline ----------------------------------------------------------------------------------------------------

baseline *dispatched() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return baseline_avx512_secret;
    if (__builtin_cpu_supports("avx2")) return baseline_avx2_secret;
#endif
    return baseline_secret;
}

void run_baseline(benchmark::State &state, baseline *function) {
    input in(state);
    uint64_t seed = kvhash_salt_hash(kvcore_text("bench"), kvcore_text(nullptr));
    alignas(64) uint8_t secret[KVHASH_SECRET_BYTES];
    kvhash_secret(seed, secret);
    for (auto _ : state) benchmark::DoNotOptimize(function(in.tokens.data(), in.blocks, in.block_tokens, seed, secret));
    count_tokens(state);
}

// --- requests --------------------------------------------------------------------------------------------------------

template <typename Out, typename Call> void run_request(benchmark::State &state, Call call, bool with_runs = false) {
    input in(state);
    kvhash_request request = in.request();
    std::vector<kvhash_mm_run> runs;
    for (uint64_t at = 128; with_runs && at + 256 <= in.tokens.size(); at += 1024)
        runs.push_back({0x1122334455667788, at, 256});
    request.runs = runs.data();
    request.run_count = runs.size();
    std::vector<Out, aligned<Out>> out(in.blocks);
    size_t count = 0;
    for (auto _ : state) {
        check(state, call(&request, out.data(), out.size(), &count, nullptr));
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    count_tokens(state);
}

void names(benchmark::State &state) { run_request<kvhash_plh>(state, kvhash_request_names); }
void block_hashes(benchmark::State &state) { run_request<uint64_t>(state, kvhash_request_block_hashes); }
void sequence_hashes(benchmark::State &state) { run_request<uint64_t>(state, kvhash_request_sequence_hashes); }
void into_blocks(benchmark::State &state) { run_request<kvhash_block>(state, kvhash_request_blocks); }
void names_mm(benchmark::State &state) { run_request<kvhash_plh>(state, kvhash_request_names, true); }
void into_blocks_mm(benchmark::State &state) { run_request<kvhash_block>(state, kvhash_request_blocks, true); }

void build_into_sequence_hashes(benchmark::State &state) {
    input in(state);
    for (auto _ : state) {
        input copy(in);
        kvhash_request request = copy.request();
        std::vector<uint64_t> hashes(copy.blocks);
        size_t count = 0;
        check(state, kvhash_request_sequence_hashes(&request, hashes.data(), hashes.size(), &count, nullptr));
        benchmark::DoNotOptimize(hashes.data());
    }
    count_tokens(state);
}

// One public call a block, as an engine would that hashes blocks as they fill.
void block_hash_plh_chain(benchmark::State &state) {
    input in(state);
    for (auto _ : state) {
        const uint32_t *tokens = in.tokens.data();
        kvhash_plh name = kvhash_plh_root(kvhash_block_hash(tokens, in.block_tokens, 1337));
        for (size_t i = 1; i < in.blocks; i++)
            check(state, kvhash_plh_extend(name, kvhash_block_hash(tokens + i * in.block_tokens, in.block_tokens, 1337),
                                           &name));
        benchmark::DoNotOptimize(name);
    }
    count_tokens(state);
}

void block_hash_only(benchmark::State &state) {
    input in(state);
    for (auto _ : state)
        for (size_t i = 0; i < in.blocks; i++)
            benchmark::DoNotOptimize(kvhash_block_hash(in.tokens.data() + i * in.block_tokens, in.block_tokens, 1337));
    count_tokens(state);
}

// --- sequences -------------------------------------------------------------------------------------------------------

kvhash_sequence *make_sequence(benchmark::State &state, const input &in, size_t reserve) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = in.block_tokens;
    config.salt_hash = 1337;
    config.reserve_tokens = reserve;
    kvhash_sequence *sequence = nullptr;
    check(state, kvhash_sequence_create(&config, &sequence, nullptr));
    return sequence;
}

void append_all(benchmark::State &state, bool reserve) {
    input in(state, 7);
    for (auto _ : state) {
        kvhash_sequence *sequence = make_sequence(state, in, reserve ? in.tokens.size() : 0);
        kvhash_block_range completed;
        for (uint32_t token : in.tokens) check(state, kvhash_sequence_append(sequence, token, &completed));
        benchmark::DoNotOptimize(completed);
        kvhash_sequence_destroy(sequence);
    }
    count_tokens(state);
}

void append(benchmark::State &state) { append_all(state, false); }
void append_reserved(benchmark::State &state) { append_all(state, true); }

void extend_all(benchmark::State &state) {
    input in(state, 7);
    for (auto _ : state) {
        kvhash_sequence *sequence = make_sequence(state, in, 0);
        kvhash_block_range completed;
        check(state, kvhash_sequence_extend(sequence, in.tokens.data(), in.tokens.size(), &completed));
        benchmark::DoNotOptimize(completed);
        kvhash_sequence_destroy(sequence);
    }
    count_tokens(state);
}

// --- what it comes to ------------------------------------------------------------------------------------------------

// Medians of CPU time (or of the one run there is) in ns, by bench and size.
class ratio_reporter : public benchmark::ConsoleReporter {
  public:
    void ReportRuns(const std::vector<Run> &runs) override {
        ConsoleReporter::ReportRuns(runs);
        for (const Run &run : runs) {
            bool is_median = run.run_type == Run::RT_Aggregate && run.aggregate_name == "median";
            if (!is_median && (run.run_type == Run::RT_Aggregate || run.repetitions > 1)) continue;
            double time = run.GetAdjustedCPUTime();
            const std::string &name = run.run_name.function_name;
            if (name.rfind("hash.baseline/", 0) == 0) {
                double &best = baselines_[run.run_name.args];
                best = best == 0 ? time : std::min(best, time);
            }
            times_[{name, run.run_name.args}] = time;
        }
    }

    void Finalize() override {
        std::printf("\n%-34s %-26s %10s %8s\n", "bench", "size", "ns/token", "ratio");
        for (const auto &[key, time] : times_) {
            auto best = baselines_.find(key.second);
            long tokens = 1;
            if (std::sscanf(key.second.c_str(), "tokens:%ld", &tokens) != 1) continue;
            std::printf("%-34s %-26s %10.3f", key.first.c_str(), key.second.c_str(),
                        time / static_cast<double>(tokens));
            if (best != baselines_.end()) std::printf(" %8.2f", time / best->second);
            std::printf("\n");
        }
    }

  private:
    std::map<std::string, double> baselines_;
    std::map<std::pair<std::string, std::string>, double> times_;
};

void sizes(benchmark::internal::Benchmark *bench) {
    bench->ArgNames({"tokens", "block"})->ArgsProduct({{1024, 8192, 131072}, {16, 64, 128, 512}});
}

template <typename Function> void add(const char *name, Function function) {
    benchmark::RegisterBenchmark(name, function)->Apply(sizes);
}

} // namespace

int main(int argc, char **argv) {
    add("hash.baseline/seed", [](benchmark::State &state) { run_baseline(state, baseline_seed); });
    add("hash.baseline/secret", [](benchmark::State &state) { run_baseline(state, baseline_secret); });
    add("hash.baseline/dispatch", [](benchmark::State &state) { run_baseline(state, dispatched()); });
    add("hash.names", names);
    add("hash.block_hashes", block_hashes);
    add("hash.sequence_hashes", sequence_hashes);
    add("hash.into_blocks", into_blocks);
    add("hash.names_mm", names_mm);
    add("hash.into_blocks_mm", into_blocks_mm);
    add("hash.build_into_sequence_hashes", build_into_sequence_hashes);
    add("hash.block_hash_plh_chain", block_hash_plh_chain);
    add("hash.block_hash_only", block_hash_only);
    add("seq.append", append);
    add("seq.append_reserved", append_reserved);
    add("seq.extend_all", extend_all);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    ratio_reporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::Shutdown();
}

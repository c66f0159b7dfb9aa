// What counting distances costs beside the least that it can: one look into a table for each block.
//
// Names lie in memory, as an engine has them. The workload is chat: sessions that grow turn by turn behind shared prompts.
// Build with -DCMAKE_BUILD_TYPE=Release; figures are nanoseconds a reference (items), and only those of one run compare.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>

#include <kvanswers/curve.h>
#include <kvanswers/estimator.h>

namespace {

void must(kvcore_status status) {
    if (status == KVCORE_OK) return;
    std::fprintf(stderr, "%s\n", kvcore_status_text(status));
    std::exit(1);
}

uint64_t mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

struct Request {
    size_t first, count;
};

struct Workload {
    std::vector<uint64_t> names;
    std::vector<Request> requests;
};

// Sessions of some eight turns, each of which adds a few blocks; a third of the sessions share a prompt.
Workload make(size_t references) {
    struct Session {
        uint64_t born, length, prompt;
    };
    Workload w;
    std::vector<Session> sessions(4000, Session{0, 0, 0});
    uint64_t turn = 0;
    while (w.names.size() < references) {
        uint64_t random = mix(++turn);
        Session &s = sessions[random % sessions.size()];
        if (s.length == 0) s = Session{turn, 0, random >> 40 & 63};
        s.length += 1 + (random >> 20 & 3);
        size_t first = w.names.size();
        for (uint64_t i = 0; i < 8; i++) w.names.push_back(mix(s.prompt << 20 | i));
        for (uint64_t i = 0; i < s.length; i++) w.names.push_back(mix(s.born << 20 | 1 << 19 | i));
        w.requests.push_back(Request{first, w.names.size() - first});
        if ((random >> 24 & 7) == 0) s.length = 0;
    }
    return w;
}

const Workload &workload(int64_t references) {
    static Workload small = make(1000000), large;
    if (references <= 1000000) return small;
    if (large.names.empty()) large = make(static_cast<size_t>(references));
    return large;
}

void done(benchmark::State &state, const Workload &w) {
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(w.names.size()));
    state.counters["ns"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(w.names.size()) * 1e-9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// The bound: find or insert, and store, in a table of 16 bytes a place that is at most half full and never grows.
void run_bare_table(benchmark::State &state) {
    struct Place {
        uint64_t name;
        uint32_t last, distance;
    };
    const Workload &w = workload(state.range(0));
    size_t places = 1;
    while (places < w.names.size()) places *= 2;
    for (auto _ : state) {
        std::vector<Place> table(places, Place{0, 0, 0});
        uint32_t number = 0;
        for (const Request &r : w.requests) {
            number++;
            for (size_t i = 0; i < r.count; i++) {
                if (i + 16 < r.count) __builtin_prefetch(&table[w.names[r.first + i + 16] & (places - 1)], 1);
                uint64_t name = w.names[r.first + i], at = name & (places - 1);
                while (table[at].last != 0 && table[at].name != name) at = (at + 1) & (places - 1);
                table[at].name = name;
                table[at].last = number;
            }
        }
        benchmark::DoNotOptimize(table.data());
    }
    done(state, w);
}

kvanswers_curve *observe(const Workload &w, bool optimum) {
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.no_optimum = !optimum;
    kvanswers_curve *curve;
    must(kvanswers_curve_create(&config, &curve, nullptr));
    for (const Request &r : w.requests) {
        kvanswers_request request{w.names.data() + r.first, r.count, 0, 0};
        must(kvanswers_curve_observe(curve, &request));
    }
    return curve;
}

void run_curve(benchmark::State &state) {
    const Workload &w = workload(state.range(0));
    size_t bytes = 0;
    uint64_t blocks = 1;
    for (auto _ : state) {
        kvanswers_curve *curve = observe(w, true);
        bytes = kvanswers_curve_memory_bytes(curve);
        blocks = kvanswers_curve_totals(curve).unique_blocks;
        kvanswers_curve_destroy(curve);
    }
    done(state, w);
    state.counters["bytes/block"] = static_cast<double>(bytes) / static_cast<double>(blocks);
}

void run_optimum(benchmark::State &state) {
    const Workload &w = workload(state.range(0));
    kvanswers_curve *curve = observe(w, true);
    kvanswers_totals totals = kvanswers_curve_totals(curve);
    std::vector<uint64_t> capacities, hits(64);
    double factor = std::log(static_cast<double>(totals.unique_blocks) / static_cast<double>(totals.exact_from));
    for (int i = 0; i < 64; i++)
        capacities.push_back(
            static_cast<uint64_t>(std::ceil(static_cast<double>(totals.exact_from) * std::exp(factor * i / 63))));
    for (auto _ : state) must(kvanswers_curve_optimum(curve, capacities.data(), 64, hits.data(), nullptr));
    kvanswers_curve_destroy(curve);
    state.counters["ns"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * 64 * static_cast<double>(w.names.size()) * 1e-9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void run_estimator(benchmark::State &state) {
    const Workload &w = workload(state.range(0));
    std::vector<kvhash_plh> names(w.names.size());
    for (size_t i = 0; i < names.size(); i++) names[i] = kvhash_plh{i & 1023, w.names[i]};
    for (auto _ : state) {
        kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
        kvanswers_estimator *estimator;
        config.capacity = 10000;
        config.one_in = static_cast<uint32_t>(state.range(1));
        must(kvanswers_estimator_create(&config, &estimator, nullptr));
        for (const Request &r : w.requests)
            must(kvanswers_estimator_observe(estimator, names.data() + r.first, r.count, 0));
        kvanswers_estimator_destroy(estimator);
    }
    done(state, w);
}

BENCHMARK(run_bare_table)->Name("bare_table")->Arg(1000000)->Arg(12000000)->Unit(benchmark::kMillisecond);
BENCHMARK(run_curve)->Name("curve")->Arg(1000000)->Arg(12000000)->Unit(benchmark::kMillisecond);
BENCHMARK(run_optimum)->Name("optimum")->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(run_estimator)
    ->Name("estimator")
    ->Args({1000000, 16})
    ->Args({1000000, 128})
    ->Args({1000000, 1024})
    ->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();

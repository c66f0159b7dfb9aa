// The indexes of libkvradix beside an ordered map and a flat table, in one program. Counters: ns_per_key is what docs quote,
// bytes_per_entry what the index takes by its own count.
//
// Keys are random, in chains of 32 or 256; an index of n entries holds n / chain of them.
#include <benchmark/benchmark.h>

#include <kvradix/index.h>
#include <kvradix/residency.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

void must(kvcore_status status) {
    if (status != KVCORE_OK) {
        std::fprintf(stderr, "%s\n", kvcore_status_text(status));
        std::abort();
    }
}

using Random = std::mt19937_64;

void per_key(benchmark::State &state, size_t keys) {
    state.counters["ns_per_key"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(keys) * 1e-9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// ---- residency: three maps with one face ----

struct KeyLess {
    bool operator()(const kvcore_hash256 &a, const kvcore_hash256 &b) const {
        return kvcore_hash256_compare(&a, &b) < 0;
    }
};

class Ordered {
  public:
    explicit Ordered(size_t) {}
    void store(const kvradix_handle *handles, size_t count) {
        for (size_t i = 0; i < count; i++) map_[handles[i].key] = handles[i].entry;
    }
    size_t match(const kvcore_hash256 *keys, size_t count) {
        found_.clear();
        for (size_t i = 0; i < count; i++) {
            auto it = map_.find(keys[i]);
            if (it == map_.end()) break;
            found_.push_back({it->first, it->second});
        }
        return found_.size();
    }

  private:
    std::map<kvcore_hash256, kvradix_entry, KeyLess> map_;
    std::vector<kvradix_handle> found_;
};

// Open addressing, linear probing, half full, records in the table; random keys need no hashing. One thread, no removal.
class Flat {
  public:
    explicit Flat(size_t count) {
        size_t capacity = 1;
        while (capacity < 2 * count) capacity *= 2;
        slots_.resize(capacity);
        mask_ = capacity - 1;
    }
    void store(const kvradix_handle *handles, size_t count) {
        for (size_t i = 0; i < count; i++) *at(handles[i].key) = {handles[i], true};
    }
    size_t match(const kvcore_hash256 *keys, size_t count) {
        found_.clear();
        for (size_t i = 0; i < count; i++) {
            const Slot *slot = at(keys[i]);
            if (!slot->used) break;
            found_.push_back(slot->handle);
        }
        return found_.size();
    }

  private:
    struct Slot {
        kvradix_handle handle;
        bool used;
    };
    Slot *at(const kvcore_hash256 &key) {
        uint64_t hash;
        std::memcpy(&hash, key.bytes, sizeof hash);
        for (size_t i = hash & mask_;; i = (i + 1) & mask_)
            if (!slots_[i].used || std::memcmp(&slots_[i].handle.key, &key, sizeof key) == 0) return &slots_[i];
    }
    std::vector<Slot> slots_;
    size_t mask_;
    std::vector<kvradix_handle> found_;
};

class Ours {
  public:
    explicit Ours(size_t count) {
        kvradix_config config = KVRADIX_CONFIG_INIT;
        config.capacity = count;
        must(kvradix_residency_create(&config, &index_, nullptr));
        must(kvradix_lookup_reserve(&lookup_, nullptr, 256));
    }
    ~Ours() {
        kvradix_lookup_free(&lookup_, nullptr);
        kvradix_residency_destroy(index_);
    }
    void store(const kvradix_handle *handles, size_t count) { must(kvradix_residency_store(index_, handles, count)); }
    size_t match(const kvcore_hash256 *keys, size_t count) {
        must(kvradix_residency_match(index_, keys, count, &lookup_));
        return lookup_.matched;
    }
    double bytes_per_entry() const {
        return static_cast<double>(kvradix_residency_memory_bytes(index_)) /
               static_cast<double>(kvradix_residency_count(index_));
    }

  private:
    kvradix_residency *index_ = nullptr;
    kvradix_lookup lookup_ = KVRADIX_LOOKUP_INIT;
};

std::vector<kvradix_handle> random_handles(size_t count, uint64_t seed) {
    Random random(seed);
    std::vector<kvradix_handle> handles(count);
    for (size_t i = 0; i < count; i++) {
        for (size_t b = 0; b < 32; b += 8) {
            uint64_t word = random();
            std::memcpy(handles[i].key.bytes + b, &word, 8);
        }
        handles[i].entry = {static_cast<uint32_t>(i), KVRADIX_RAM};
    }
    return handles;
}

template <class Map> void residency_lookup(benchmark::State &state) {
    size_t count = static_cast<size_t>(state.range(0)), chain = static_cast<size_t>(state.range(1));
    Map map(count);
    auto handles = random_handles(count, 1);
    for (size_t i = 0; i + chain <= count; i += chain) map.store(&handles[i], chain);
    std::vector<kvcore_hash256> keys;
    for (auto &handle : handles) keys.push_back(handle.key);
    Random random(2);
    for (auto _ : state)
        if (map.match(&keys[random() % (count / chain) * chain], chain) != chain) state.SkipWithError("a miss");
    per_key(state, chain);
    if constexpr (std::is_same_v<Map, Ours>) state.counters["bytes_per_entry"] = map.bytes_per_entry();
}

template <class Map> void residency_store(benchmark::State &state) {
    size_t count = static_cast<size_t>(state.range(0)), chain = static_cast<size_t>(state.range(1));
    auto handles = random_handles(count, 3);
    for (auto _ : state) {
        state.PauseTiming();
        auto map = std::make_unique<Map>(count);
        state.ResumeTiming();
        for (size_t i = 0; i + chain <= count; i += chain) map->store(&handles[i], chain);
        state.PauseTiming();
        map.reset();
        state.ResumeTiming();
    }
    per_key(state, count / chain * chain);
}

// ---- positional ----

kvhash_holder holder(size_t number) { return {number, 0, 0}; }

class Positional {
  public:
    Positional(size_t names, size_t holders) {
        kvradix_config config = KVRADIX_CONFIG_INIT;
        config.capacity = names;
        config.holder_capacity = holders;
        must(kvradix_index_create(&config, &index_, nullptr));
    }
    ~Positional() { kvradix_index_destroy(index_); }
    kvradix_index *operator*() const { return index_; }

  private:
    kvradix_index *index_ = nullptr;
};

std::vector<kvhash_plh> chain_of(uint64_t seed, size_t length) {
    Random random(seed);
    std::vector<kvhash_plh> names(length);
    names[0] = kvhash_plh_root(random());
    for (size_t i = 1; i < length; i++) must(kvhash_plh_extend(names[i - 1], random(), &names[i]));
    return names;
}

double bytes_per_name(const Positional &index) {
    return static_cast<double>(kvradix_index_memory_bytes(*index)) /
           static_cast<double>(kvradix_index_count(*index).names);
}

// The longest prefix of 8,192 blocks among 1 M names, all of one holder; per_mille of the blocks are missing. A chain is known
// up to a random place.
void prefix_8192(benchmark::State &state) {
    constexpr size_t kLength = 8192, kChains = 128;
    auto per_mille = static_cast<uint64_t>(state.range(0));
    Positional index(kLength * kChains, 64);
    Random random(4);
    std::vector<std::vector<kvhash_plh>> chains;
    for (size_t c = 0; c < kChains; c++) {
        chains.push_back(chain_of(c + 100, kLength));
        must(kvradix_index_store(*index, holder(0), chains[c].data(), c == 0 ? kLength : kLength - random() % 64));
        for (auto &name : chains[c])
            if (random() % 1000 < per_mille) kvradix_index_remove(*index, holder(0), &name, 1);
    }
    kvradix_match match;
    size_t found;
    for (auto _ : state) {
        must(kvradix_index_match(*index, chains[random() % kChains].data(), kLength, &match, 1, &found));
        benchmark::DoNotOptimize(match);
    }
    state.counters["bytes_per_entry"] = bytes_per_name(index);
}

// The same question put to an ordered map and a flat table of names, walked from the front.
template <class Map> void prefix_8192_walked(benchmark::State &state) {
    constexpr size_t kLength = 8192, kChains = 128;
    Map map(kLength * kChains);
    std::vector<std::vector<kvcore_hash256>> chains(kChains);
    for (size_t c = 0; c < kChains; c++) {
        auto handles = random_handles(kLength, c + 100);
        map.store(handles.data(), kLength);
        for (auto &handle : handles) chains[c].push_back(handle.key);
    }
    Random random(4);
    for (auto _ : state)
        if (map.match(chains[random() % kChains].data(), kLength) != kLength) state.SkipWithError("a miss");
}

// 64 holders, 256 blocks, 1 M names; each holder has a random part of each chain. `ends` different lengths a chain.
void fleet_256(benchmark::State &state) {
    constexpr size_t kLength = 256, kHolders = 64;
    size_t names = static_cast<size_t>(state.range(0)), ends = static_cast<size_t>(state.range(1));
    Positional index(names, kHolders);
    Random random(5);
    std::vector<std::vector<kvhash_plh>> chains;
    for (size_t c = 0; c < names / kLength; c++) {
        chains.push_back(chain_of(c + 1, kLength));
        std::vector<size_t> lengths(ends);
        for (auto &length : lengths) length = random() % (kLength + 1);
        for (size_t h = 0; h < kHolders; h++)
            must(kvradix_index_store(*index, holder(h), chains[c].data(), lengths[random() % ends]));
    }
    kvradix_match matches[kHolders];
    size_t found;
    for (auto _ : state) {
        must(kvradix_index_match(*index, chains[random() % chains.size()].data(), kLength, matches, kHolders, &found));
        benchmark::DoNotOptimize(matches[0]);
    }
    state.counters["bytes_per_entry"] = bytes_per_name(index);
}

// Removing and storing the last 32 blocks of random chains.
void churn(benchmark::State &state) {
    constexpr size_t kLength = 256, kTail = 32;
    size_t names = static_cast<size_t>(state.range(0));
    Positional index(names, 64);
    std::vector<std::vector<kvhash_plh>> chains;
    for (size_t c = 0; c < names / kLength; c++) {
        chains.push_back(chain_of(c + 1, kLength));
        must(kvradix_index_store(*index, holder(0), chains[c].data(), kLength));
    }
    Random random(6);
    for (auto _ : state) {
        const kvhash_plh *tail = &chains[random() % chains.size()][kLength - kTail];
        kvradix_index_remove(*index, holder(0), tail, kTail);
        must(kvradix_index_store(*index, holder(0), tail, kTail));
    }
    per_key(state, 2 * kTail);
}

// ---- a reader while another thread writes at full speed ----

void residency_lookup_beside_a_writer(benchmark::State &state) {
    constexpr size_t kChain = 32;
    size_t count = static_cast<size_t>(state.range(0));
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = count + count / 16;
    kvradix_residency *index;
    must(kvradix_residency_create(&config, &index, nullptr));
    auto handles = random_handles(count, 1), passing = random_handles(count / 16, 7);
    must(kvradix_residency_store(index, handles.data(), count));
    std::vector<kvcore_hash256> keys, leaving;
    for (auto &handle : handles) keys.push_back(handle.key);
    for (auto &handle : passing) leaving.push_back(handle.key);
    std::atomic<bool> done{false};
    std::thread writer;
    if (state.range(1) != 0)
        writer = std::thread([&] {
            for (size_t i = 0; !done; i = (i + kChain) % (passing.size() - kChain)) {
                must(kvradix_residency_store(index, &passing[i], kChain));
                kvradix_residency_remove(index, &leaving[i], kChain, nullptr);
            }
        });
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    must(kvradix_lookup_reserve(&lookup, nullptr, kChain));
    Random random(2);
    for (auto _ : state)
        must(kvradix_residency_match(index, &keys[random() % (count / kChain) * kChain], kChain, &lookup));
    done = true;
    if (writer.joinable()) writer.join();
    kvradix_lookup_free(&lookup, nullptr);
    kvradix_residency_destroy(index);
    per_key(state, kChain);
}

void fleet_beside_a_writer(benchmark::State &state) {
    constexpr size_t kLength = 256, kHolders = 64;
    size_t names = static_cast<size_t>(state.range(0));
    Positional index(names, kHolders);
    std::vector<std::vector<kvhash_plh>> chains;
    for (size_t c = 0; c < names / kLength; c++) {
        chains.push_back(chain_of(c + 1, kLength));
        for (size_t h = 0; h < 8; h++) must(kvradix_index_store(*index, holder(h), chains[c].data(), kLength));
    }
    std::atomic<bool> done{false};
    std::thread writer;
    if (state.range(1) != 0)
        writer = std::thread([&] {
            Random random(8);
            while (!done) {
                const kvhash_plh *tail = &chains[random() % chains.size()][kLength - 32];
                kvradix_index_remove(*index, holder(0), tail, 32);
                must(kvradix_index_store(*index, holder(0), tail, 32));
            }
        });
    kvradix_match matches[kHolders];
    size_t found;
    Random random(5);
    for (auto _ : state)
        must(kvradix_index_match(*index, chains[random() % chains.size()].data(), kLength, matches, kHolders, &found));
    done = true;
    if (writer.joinable()) writer.join();
}

std::vector<int64_t> entries() { return {10000, 100000, 1000000}; }

#define RESIDENCY(name, map)                \
    BENCHMARK(residency_##name<map>)        \
        ->Name("residency." #name "/" #map) \
        ->ArgNames({"entries", "chain"})    \
        ->ArgsProduct({entries(), {32, 256}})

RESIDENCY(lookup, Ordered);
RESIDENCY(lookup, Flat);
RESIDENCY(lookup, Ours);
RESIDENCY(store, Ordered)->Unit(benchmark::kMillisecond);
RESIDENCY(store, Flat)->Unit(benchmark::kMillisecond);
RESIDENCY(store, Ours)->Unit(benchmark::kMillisecond);
BENCHMARK(prefix_8192)->Name("index.prefix_8192")->ArgName("missing_per_mille")->Arg(0)->Arg(10);
BENCHMARK(prefix_8192_walked<Ordered>)->Name("index.prefix_8192/Ordered");
BENCHMARK(prefix_8192_walked<Flat>)->Name("index.prefix_8192/Flat");
BENCHMARK(fleet_256)->Name("index.fleet_256")->ArgNames({"names", "ends"})->ArgsProduct({entries(), {4, 64}});
BENCHMARK(churn)->Name("index.churn")->ArgName("names")->ArgsProduct({entries()});
BENCHMARK(residency_lookup_beside_a_writer)
    ->Name("residency.lookup_beside_a_writer")
    ->UseRealTime()
    ->ArgNames({"entries", "writing"})
    ->ArgsProduct({entries(), {0, 1}});
BENCHMARK(fleet_beside_a_writer)
    ->Name("index.fleet_beside_a_writer")
    ->UseRealTime()
    ->ArgNames({"names", "writing"})
    ->ArgsProduct({entries(), {0, 1}});

} // namespace

BENCHMARK_MAIN();

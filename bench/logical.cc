// The block manager beside a flat table with an index LRU (the bound), in one program.
//
// A run handles batches of blocks; the counter ns_per_block is what docs quote. `aged` shuffles the free list first, so that
// neighbours in a list are not neighbours in memory.
#include <benchmark/benchmark.h>

#include <kvlogical/manager.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr size_t kChain = 32; // blocks of a chain, unless a workload says otherwise

void must(kvcore_status status) {
    if (status != KVCORE_OK) {
        std::fprintf(stderr, "%s\n", kvcore_status_text(status));
        std::abort();
    }
}

uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// Chains one behind the other, `length` names each.
std::vector<kvhash_plh> chains(uint64_t first_id, size_t count, size_t length) {
    std::vector<kvhash_plh> names(count * length);
    for (size_t c = 0; c < count; c++)
        for (size_t k = 0; k < length; k++) {
            uint64_t block = mix(((first_id + c) << 20) + k);
            kvhash_plh &name = names[c * length + k];
            if (k == 0)
                name = kvhash_plh_root(block);
            else
                must(kvhash_plh_extend(names[c * length + k - 1], block, &name));
        }
    return names;
}

// ---- the bound: a table of indices into an array of {name, links}, least recently used first ----

class Flat {
  public:
    explicit Flat(size_t count, bool aged) : nodes_(count), order_(count) {
        size_t capacity = 1;
        while (capacity < 2 * count) capacity *= 2;
        table_.assign(capacity, kNone);
        mask_ = capacity - 1;
        std::iota(order_.begin(), order_.end(), 0u);
        if (aged) std::shuffle(order_.begin(), order_.end(), std::mt19937_64(1));
    }
    void insert(kvhash_plh name) {
        uint32_t index = free_.empty() ? order_[used_++] : free_.back();
        if (!free_.empty()) free_.pop_back();
        nodes_[index].name = name;
        size_t at = home(name);
        while (table_[at] != kNone) at = (at + 1) & mask_;
        table_[at] = index;
        push(index);
    }
    void evict() {
        uint32_t index = head_;
        unlink(index);
        size_t hole = home(nodes_[index].name);
        while (table_[hole] != index) hole = (hole + 1) & mask_;
        for (size_t at = (hole + 1) & mask_; table_[at] != kNone; at = (at + 1) & mask_)
            if (((at - home(nodes_[table_[at]].name)) & mask_) >= ((at - hole) & mask_)) {
                table_[hole] = table_[at];
                hole = at;
            }
        table_[hole] = kNone;
        free_.push_back(index);
    }
    bool touch(kvhash_plh name) {
        for (size_t at = home(name); table_[at] != kNone; at = (at + 1) & mask_)
            if (kvhash_plh_equal(nodes_[table_[at]].name, name)) {
                uint32_t index = table_[at];
                unlink(index);
                push(index);
                return true;
            }
        return false;
    }

  private:
    static constexpr uint32_t kNone = UINT32_MAX;
    struct Node {
        kvhash_plh name;
        uint32_t previous, next;
    };
    size_t home(kvhash_plh name) const { return (name.high ^ name.low) * 0x9E3779B97F4A7C15u >> 32 & mask_; }
    void push(uint32_t index) {
        nodes_[index].previous = tail_;
        nodes_[index].next = kNone;
        (tail_ == kNone ? head_ : nodes_[tail_].next) = index;
        tail_ = index;
    }
    void unlink(uint32_t index) {
        Node &node = nodes_[index];
        (node.previous == kNone ? head_ : nodes_[node.previous].next) = node.next;
        (node.next == kNone ? tail_ : nodes_[node.next].previous) = node.previous;
    }
    std::vector<Node> nodes_;
    std::vector<uint32_t> table_, order_, free_;
    size_t mask_ = 0, used_ = 0;
    uint32_t head_ = kNone, tail_ = kNone;
};

// ---- the manager ----

struct Kind {
    const char *name;
    uint32_t eviction;
    bool tracker;
};
const Kind kLru = {"lru", KVLOGICAL_EVICT_LRU, false};
const Kind kKinds[] = {
    kLru,
    {"lru+tracker", KVLOGICAL_EVICT_LRU, true},
    {"hashmap", KVLOGICAL_EVICT_FIFO, false},
    {"multi_lru", KVLOGICAL_EVICT_MULTI_LRU, true},
    {"lineage_tick", KVLOGICAL_EVICT_LINEAGE_TICK, false},
    {"lineage_fifo", KVLOGICAL_EVICT_LINEAGE_FIFO, false},
    {"sieve", KVLOGICAL_EVICT_SIEVE, false},
    {"s3_fifo", KVLOGICAL_EVICT_S3_FIFO, false},
    {"survival", KVLOGICAL_EVICT_SURVIVAL, false},
};

struct Destroy {
    void operator()(kvlogical_manager *manager) const { must(kvlogical_manager_destroy(manager)); }
};
using Manager = std::unique_ptr<kvlogical_manager, Destroy>;

Manager make_manager(const Kind &kind, size_t count, bool aged, bool reset = false) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = count;
    config.eviction = kind.eviction;
    config.reset_on_release = reset;
    if (kind.tracker) config.frequency_capacity = KVLOGICAL_FREQUENCY_MEDIUM;
    kvlogical_manager *manager;
    must(kvlogical_manager_create(&config, &manager, nullptr));
    if (aged) {
        std::vector<kvlogical_mutable> all(count);
        must(kvlogical_allocate(manager, count, all.data(), nullptr));
        std::shuffle(all.begin(), all.end(), std::mt19937_64(1));
        must(kvlogical_release_mutable(manager, all.data(), count));
    }
    return Manager(manager);
}

// Allocate, stage, register, release: `batch` blocks.
void cycle(kvlogical_manager *manager, const kvhash_plh *names, size_t batch, bool tail_first) {
    kvlogical_mutable blocks[256];
    kvlogical_complete staged[256];
    kvlogical_immutable held[256];
    must(kvlogical_allocate(manager, batch, blocks, nullptr));
    must(kvlogical_stage(manager, blocks, names, batch, staged));
    must(kvlogical_register(manager, staged, batch, held));
    must((tail_first ? kvlogical_release_tail_first : kvlogical_release)(manager, held, batch));
}

void report(benchmark::State &state, size_t blocks_a_run) {
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * blocks_a_run));
    // Threads add up their rates, so this is wall time over all blocks.
    state.counters["ns_per_block"] = benchmark::Counter(static_cast<double>(state.iterations() * blocks_a_run) * 1e-9,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void flat_cycle_evict(benchmark::State &state, size_t count, bool aged) {
    size_t fill = count / kChain, total = 2 * fill + 64;
    std::vector<kvhash_plh> names = chains(0, total, kChain);
    Flat flat(count, aged);
    for (size_t i = 0; i < fill * kChain; i++) flat.insert(names[i]);
    size_t next = fill;
    for (auto _ : state) {
        for (size_t k = 0; k < kChain; k++) flat.evict();
        for (size_t k = 0; k < kChain; k++) flat.insert(names[next * kChain + k]);
        if (++next == total) next = 0;
    }
    report(state, kChain);
}

void flat_find_touch(benchmark::State &state, size_t count, bool aged) {
    size_t fill = count / kChain;
    std::vector<kvhash_plh> names = chains(0, fill, kChain);
    Flat flat(count, aged);
    for (kvhash_plh name : names) flat.insert(name);
    uint64_t random = 1;
    for (auto _ : state) {
        const kvhash_plh *chain = &names[mix(random++) % fill * kChain];
        for (size_t k = 0; k < kChain; k++) benchmark::DoNotOptimize(flat.touch(chain[k]));
    }
    report(state, kChain);
}

// What threads of one run share: made by the first, taken down by the first.
struct Shared {
    Manager manager;
    std::vector<kvhash_plh> names;
    std::vector<kvlogical_immutable> kept;
};
std::unique_ptr<Shared> shared;

// Every allocation evicts (or, with reset, takes blocks that became free). Each thread has chains of its own.
void cycle_all(benchmark::State &state, const Kind &kind, size_t count, size_t batch, bool aged, bool tail_first,
               bool reset) {
    size_t threads = static_cast<size_t>(state.threads()), me = static_cast<size_t>(state.thread_index());
    size_t fill = count / kChain, total = 2 * fill + 64, part = total / threads;
    if (me == 0) {
        shared.reset(new Shared{make_manager(kind, count, aged, reset), chains(0, total, kChain), {}});
        for (size_t c = 0; c < fill; c++) cycle(shared->manager.get(), &shared->names[c * kChain], kChain, tail_first);
    }
    size_t first = me * part * kChain, last = first + part * kChain;
    size_t next = threads == 1 ? fill * kChain : first; // one thread: from the first name that is not there
    for (auto _ : state) {
        cycle(shared->manager.get(), &shared->names[next], batch, tail_first);
        if ((next += batch) == last) next = first;
    }
    report(state, batch);
    if (me == 0) shared.reset();
}

// All chains inactive, or all held; match one and release it again.
void match(benchmark::State &state, const Kind &kind, size_t count, size_t length, bool held, bool hot, bool aged) {
    size_t fill = count / length, me = static_cast<size_t>(state.thread_index());
    if (me == 0) {
        shared.reset(new Shared{make_manager(kind, count, aged), chains(0, fill, length),
                                std::vector<kvlogical_immutable>(held ? fill * length : 0)});
        for (size_t c = 0; c < fill; c++) {
            for (size_t k = 0; k < length; k += kChain)
                cycle(shared->manager.get(), &shared->names[c * length + k], kChain, false);
            size_t hits;
            if (!held) continue;
            must(kvlogical_match_prefix(shared->manager.get(), &shared->names[c * length], length,
                                        &shared->kept[c * length], &hits));
            if (hits != length) std::abort();
        }
    }
    std::vector<kvlogical_immutable> found(length);
    uint64_t random = (me + 1) << 32;
    for (auto _ : state) {
        size_t c = hot ? fill / 2 : mix(random++) % fill, hits;
        must(kvlogical_match_prefix(shared->manager.get(), &shared->names[c * length], length, found.data(), &hits));
        if (hits != length) std::abort();
        must(kvlogical_release(shared->manager.get(), found.data(), hits));
    }
    report(state, length);
    if (me == 0) {
        must(kvlogical_release(shared->manager.get(), shared->kept.data(), shared->kept.size()));
        shared.reset();
    }
}

void match_miss_first(benchmark::State &state, const Kind &kind, size_t count) {
    size_t fill = count / kChain;
    std::vector<kvhash_plh> names = chains(0, fill, kChain), absent = chains(1u << 24, 1024, kChain);
    Manager manager = make_manager(kind, count, false);
    for (size_t c = 0; c < fill; c++) cycle(manager.get(), &names[c * kChain], kChain, false);
    kvlogical_immutable found[kChain];
    size_t next = 0, hits;
    for (auto _ : state)
        must(kvlogical_match_prefix(manager.get(), &absent[next++ % 1024 * kChain], kChain, found, &hits));
    report(state, 1);
}

enum class Look { kScatteredMiss, kScattered, kScan };

void look(benchmark::State &state, Look how, size_t count) {
    size_t fill = count / kChain;
    std::vector<kvhash_plh> names = chains(0, fill, kChain), absent = chains(1u << 24, fill, kChain);
    const std::vector<kvhash_plh> &asked = how == Look::kScatteredMiss ? absent : names;
    Manager manager = make_manager(kLru, count, false);
    std::vector<kvlogical_immutable> kept(fill * kChain);
    size_t hits;
    for (size_t c = 0; c < fill; c++) {
        cycle(manager.get(), &names[c * kChain], kChain, false);
        must(kvlogical_match_prefix(manager.get(), &names[c * kChain], kChain, &kept[c * kChain], &hits));
    }
    kvlogical_immutable found[kChain];
    size_t indices[kChain];
    uint64_t random = 1;
    for (auto _ : state) {
        const kvhash_plh *chain = &asked[mix(random++) % fill * kChain];
        if (how == Look::kScan)
            must(kvlogical_scan(manager.get(), chain, kChain, false, found, indices, &hits));
        else
            must(kvlogical_match_scattered(manager.get(), chain, kChain, found, &hits));
        must(kvlogical_release(manager.get(), found, kChain));
    }
    report(state, kChain);
    must(kvlogical_release(manager.get(), kept.data(), kept.size()));
}

void alloc_drop(benchmark::State &state, size_t count, size_t batch) {
    Manager manager = make_manager(kLru, count, false);
    std::vector<kvlogical_mutable> blocks(batch);
    for (auto _ : state) {
        must(kvlogical_allocate(manager.get(), batch, blocks.data(), nullptr));
        must(kvlogical_release_mutable(manager.get(), blocks.data(), batch));
    }
    report(state, batch);
}

void clone_drop(benchmark::State &state) {
    std::vector<kvhash_plh> names = chains(0, 1, kChain);
    Manager manager = make_manager(kLru, 1024, false);
    cycle(manager.get(), names.data(), kChain, false);
    kvlogical_immutable held[kChain], copy[1];
    size_t hits;
    must(kvlogical_match_prefix(manager.get(), names.data(), kChain, held, &hits));
    for (auto _ : state) {
        must(kvlogical_clone(manager.get(), &held[0], 1, copy));
        must(kvlogical_release(manager.get(), copy, 1));
    }
    report(state, 1);
    must(kvlogical_release(manager.get(), held, hits));
}

size_t resident_bytes() {
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    unsigned long pages = 0, resident = 0;
    if (file == nullptr || std::fscanf(file, "%lu %lu", &pages, &resident) != 2) resident = 0;
    if (file != nullptr) std::fclose(file);
    return resident * 4096;
}

// Growth of resident memory: the manager full of inactive blocks. One run is enough; the counter is the result.
void rss(benchmark::State &state, const Kind &kind, size_t count) {
    size_t fill = count / kChain;
    std::vector<kvhash_plh> names = chains(0, fill, kChain);
    for (auto _ : state) {
        size_t before = resident_bytes();
        Manager manager = make_manager(kind, count, false);
        for (size_t c = 0; c < fill; c++) cycle(manager.get(), &names[c * kChain], kChain, false);
        size_t after = resident_bytes();
        state.counters["resident_bytes_per_block"] =
            static_cast<double>(after > before ? after - before : 0) / static_cast<double>(count);
        state.counters["reserved_bytes_per_block"] =
            static_cast<double>(kvlogical_manager_memory_bytes(manager.get())) / static_cast<double>(count);
    }
}

template <class Run> benchmark::internal::Benchmark *add(const std::string &name, Run run) {
    return benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime();
}

std::string with(const char *name, const char *kind, size_t blocks, bool aged) {
    return std::string(name) + "/" + kind + "/blocks:" + std::to_string(blocks) + "/aged:" + (aged ? "1" : "0");
}

void register_cycles(size_t blocks, bool aged, const Kind &kind) {
    for (size_t batch : {size_t{32}, size_t{1}})
        for (int threads : {1, 2}) {
            std::string tail = "/batch:" + std::to_string(batch);
            add(with("mgr.cycle_evict", kind.name, blocks, aged) + tail, [=](benchmark::State &s) {
                cycle_all(s, kind, blocks, batch, aged, false, false);
            })->Threads(threads);
        }
    add(with("mgr.cycle_evict", kind.name, blocks, aged) + "/batch:32/drop:reverse",
        [=](benchmark::State &s) { cycle_all(s, kind, blocks, 32, aged, true, false); });
}

void register_matches(size_t blocks, bool aged, const Kind &kind) {
    for (size_t prefix : {size_t{32}, size_t{256}})
        for (int threads : {1, 2}) {
            if (prefix == 256 && threads == 2) continue;
            std::string tail = "/prefix:" + std::to_string(prefix);
            add(with("mgr.match_inactive_rand", kind.name, blocks, aged) + tail, [=](benchmark::State &s) {
                match(s, kind, blocks, prefix, false, false, aged);
            })->Threads(threads);
            add(with("mgr.match_active_rand", kind.name, blocks, aged) + tail, [=](benchmark::State &s) {
                match(s, kind, blocks, prefix, true, false, aged);
            })->Threads(threads);
            if (threads == 2) continue;
            add(with("mgr.match_inactive_hot", kind.name, blocks, aged) + tail,
                [=](benchmark::State &s) { match(s, kind, blocks, prefix, false, true, aged); });
            add(with("mgr.match_active_hot", kind.name, blocks, aged) + tail,
                [=](benchmark::State &s) { match(s, kind, blocks, prefix, true, true, aged); });
        }
}

void register_all() {
    for (size_t blocks : {size_t{10000}, size_t{100000}, size_t{1000000}}) {
        for (bool aged : {false, true}) {
            add(with("flat.evict_insert", "lru", blocks, aged) + "/batch:32",
                [=](benchmark::State &s) { flat_cycle_evict(s, blocks, aged); });
            for (const Kind &kind : kKinds) register_cycles(blocks, aged, kind);
            add(with("flat.find_touch", "lru", blocks, aged) + "/prefix:32",
                [=](benchmark::State &s) { flat_find_touch(s, blocks, aged); });
            for (const Kind &kind : kKinds) register_matches(blocks, aged, kind);
        }
        for (size_t batch : {size_t{32}, size_t{1}})
            add(with("mgr.cycle_reset", "lru", blocks, false) + "/batch:" + std::to_string(batch),
                [=](benchmark::State &s) { cycle_all(s, kLru, blocks, batch, false, false, true); });
        add(with("mgr.match_miss_first", "lru", blocks, false),
            [=](benchmark::State &s) { match_miss_first(s, kLru, blocks); });
        add(with("mgr.scattered_miss", "lru", blocks, false),
            [=](benchmark::State &s) { look(s, Look::kScatteredMiss, blocks); });
        add(with("mgr.scattered_active_rand", "lru", blocks, false),
            [=](benchmark::State &s) { look(s, Look::kScattered, blocks); });
        add(with("mgr.scan_active_rand", "lru", blocks, false),
            [=](benchmark::State &s) { look(s, Look::kScan, blocks); });
        add(with("mgr.alloc_drop", "lru", blocks, false) + "/batch:32",
            [=](benchmark::State &s) { alloc_drop(s, blocks, 32); });
        for (const Kind &kind : kKinds)
            add(with("mgr.rss", kind.name, blocks, false), [=](benchmark::State &s) {
                rss(s, kind, blocks);
            })->Iterations(1);
    }
    add("mgr.clone_drop/lru", clone_drop);
}

} // namespace

int main(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    register_all();
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

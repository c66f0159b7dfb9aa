// Stores beside what bounds them: the bare system calls of a block, a bare table find, a bare unlink.
//
// Folders go to $TMPDIR or /tmp. us_per_block and ns_per_name are what docs quote.
#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <isa-l/crc.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include <kvstore/backend.h>

namespace {

constexpr size_t kBlocks = 128;

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

std::vector<uint8_t> noise(size_t size) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; i++) bytes[i] = static_cast<uint8_t>(mix(i));
    return bytes;
}

std::vector<kvhash_plh> names(size_t count, uint64_t seed) {
    std::vector<kvhash_plh> made(count);
    for (size_t i = 0; i < count; i++) made[i] = kvhash_plh_root(mix(seed * 1000003 + i));
    return made;
}

struct Folder {
    std::string path;
    Folder() {
        const char *where = std::getenv("TMPDIR");
        path = std::string(where != nullptr ? where : "/tmp") + "/kvstrata-bench-XXXXXX";
        if (mkdtemp(path.data()) == nullptr) std::abort();
    }
    ~Folder() {
        std::error_code failed;
        std::filesystem::remove_all(path, failed);
    }
};

kvstore *open_directory(const std::string &path, bool exclusive = false) {
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore *store = nullptr;
    config.root = path.c_str();
    config.min_free_bytes = 1;
    config.exclusive = exclusive;
    must(kvstore_open_directory(&config, &store, nullptr));
    return store;
}

kvstore_space *space_of(kvstore *store, uint64_t block_bytes) {
    kvstore_space_config config = KVSTORE_SPACE_CONFIG_INIT;
    kvstore_space *space = nullptr;
    config.block_bytes = block_bytes;
    config.unidentified = true;
    must(kvstore_space_open(store, &config, &space, nullptr));
    return space;
}

struct Batch {
    std::vector<uint8_t> memory;
    std::vector<kvstore_span> spans;
    std::vector<kvstore_result> results;
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    Batch(const std::vector<kvhash_plh> &of, size_t size) : memory(noise(size)), spans(of.size()), results(of.size()) {
        for (auto &span : spans) span = kvstore_span{memory.data(), size};
        batch.names = of.data();
        batch.count = of.size();
        batch.spans = spans.data();
        batch.spans_per_block = 1;
        batch.results = results.data();
        batch.deadline_ms = 600000;
    }
};

void per_block(benchmark::State &state, size_t blocks) {
    state.counters["us_per_block"] =
        benchmark::Counter(static_cast<double>(blocks) * 1e-6,
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// ---- a block into a directory ----

// The 256 folders of the space are there already, as in any store that is in use.
void make_fans(const std::string &root) {
    std::string path = root;
    for (const std::string &part :
         {std::string("v1"), std::string("-"), std::string(48, '0'), std::string("-.0"), std::string("0of1.0")}) {
        path += "/" + part;
        mkdir(path.c_str(), 0700);
    }
    for (size_t i = 0; i < 256; i++) {
        char digits[8];
        std::snprintf(digits, sizeof digits, "/%02zx", i);
        mkdir((path + digits).c_str(), 0700);
    }
}

void put_bare(benchmark::State &state) {
    size_t size = static_cast<size_t>(state.range(0));
    std::vector<uint8_t> bytes = noise(size + 128);
    for (auto _ : state) {
        state.PauseTiming();
        Folder folder;
        make_fans(folder.path);
        int at = open((folder.path + "/v1/-/" + std::string(48, '0') + "/-.0/0of1.0").c_str(), O_RDONLY | O_DIRECTORY);
        state.ResumeTiming();
        for (size_t i = 0; i < kBlocks; i++) {
            char fan[8];
            std::snprintf(fan, sizeof fan, "%02x", static_cast<unsigned>(mix(i) >> 56));
            int file = openat(at, fan, O_WRONLY | O_TMPFILE, 0600);
            unsigned crc = ~crc32_iscsi(bytes.data(), static_cast<int>(size), ~0u);
            bytes[size] = static_cast<uint8_t>(crc);
            iovec parts[2] = {{bytes.data(), size}, {bytes.data() + size, 128}};
            if (pwritev(file, parts, 2, 0) < 0) std::abort();
            std::string from = "/proc/self/fd/" + std::to_string(file), to = std::string(fan) + "/" + std::to_string(i);
            if (linkat(AT_FDCWD, from.c_str(), at, to.c_str(), AT_SYMLINK_FOLLOW) != 0) std::abort();
            close(file);
        }
        state.PauseTiming();
        close(at);
        state.ResumeTiming();
    }
    per_block(state, kBlocks);
}

void put_ours(benchmark::State &state) {
    size_t size = static_cast<size_t>(state.range(0));
    uint64_t round = 0;
    for (auto _ : state) {
        state.PauseTiming();
        Folder folder;
        std::vector<kvhash_plh> of = names(kBlocks, ++round);
        Batch batch(of, size);
        kvstore *store = open_directory(folder.path);
        kvstore_space *space = space_of(store, size);
        make_fans(folder.path);
        must(kvstore_scan(store, nullptr));
        size_t good = 0;
        state.ResumeTiming();
        must(kvstore_put(space, &batch.batch, &good, nullptr));
        state.PauseTiming();
        if (good != kBlocks) std::abort();
        must(kvstore_close(store));
        state.ResumeTiming();
    }
    per_block(state, kBlocks);
}

// ---- a block out of it, from the page cache ----

void get_bare(benchmark::State &state) {
    size_t size = static_cast<size_t>(state.range(0));
    Folder folder;
    std::vector<kvhash_plh> of = names(kBlocks, 5);
    Batch batch(of, size);
    kvstore *store = open_directory(folder.path);
    must(kvstore_put(space_of(store, size), &batch.batch, nullptr, nullptr));
    std::vector<std::string> paths;
    for (const auto &name : of) {
        kvstore_identity identity{};
        char key[KVSTORE_KEY_BYTES];
        size_t length;
        identity.ranks = 1;
        must(kvstore_block_key(kvcore_bytes{nullptr, 0}, &identity, name, key, sizeof key, &length));
        paths.push_back(key);
    }
    int at = open(folder.path.c_str(), O_RDONLY | O_DIRECTORY);
    uint8_t trailer[128];
    for (auto _ : state)
        for (const auto &path : paths) {
            int file = openat(at, path.c_str(), O_RDONLY);
            struct stat about;
            fstat(file, &about);
            iovec parts[2] = {{batch.memory.data(), size}, {trailer, sizeof trailer}};
            if (preadv(file, parts, 2, 0) < 0) std::abort();
            benchmark::DoNotOptimize(~crc32_iscsi(batch.memory.data(), static_cast<int>(size), ~0u));
            close(file);
        }
    close(at);
    must(kvstore_close(store));
    per_block(state, kBlocks);
}

void get_ours(benchmark::State &state) {
    size_t size = static_cast<size_t>(state.range(0));
    Folder folder;
    std::vector<kvhash_plh> of = names(kBlocks, 5);
    Batch batch(of, size);
    kvstore *store = open_directory(folder.path);
    kvstore_space *space = space_of(store, size);
    must(kvstore_put(space, &batch.batch, nullptr, nullptr));
    size_t hits = 0;
    for (auto _ : state) {
        must(kvstore_get(space, &batch.batch, &hits, nullptr));
        if (hits != kBlocks) std::abort();
    }
    must(kvstore_close(store));
    per_block(state, kBlocks);
}

// ---- looking up in a catalog of so many names ----

struct Hash {
    size_t operator()(const kvhash_plh &name) const { return name.high * 0x9E3779B97F4A7C15u ^ name.low; }
};
struct Same {
    bool operator()(const kvhash_plh &a, const kvhash_plh &b) const { return a.high == b.high && a.low == b.low; }
};

void per_name(benchmark::State &state, size_t count) {
    state.counters["ns_per_name"] = benchmark::Counter(
        static_cast<double>(count) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void lookup_map(benchmark::State &state) {
    std::vector<kvhash_plh> of = names(static_cast<size_t>(state.range(0)), 9);
    std::unordered_map<kvhash_plh, uint32_t, Hash, Same> map;
    for (const auto &name : of) map[name] = 1;
    size_t from = 0;
    for (auto _ : state) {
        size_t found = 0;
        while (found < 256 && map.find(of[from + found]) != map.end()) found++;
        benchmark::DoNotOptimize(found);
        from = (from + 256) % (of.size() - 256);
    }
    per_name(state, 256);
}

void lookup_ours(benchmark::State &state) {
    std::vector<kvhash_plh> of = names(static_cast<size_t>(state.range(0)), 9);
    kvstore *store = nullptr;
    must(kvstore_open_memory(nullptr, 0, &store, nullptr));
    kvstore_space *space = space_of(store, 0);
    must(kvstore_learn(space, of.data(), of.size()));
    size_t from = 0;
    for (auto _ : state) {
        size_t found = kvstore_lookup_prefix(space, of.data() + from, 256, nullptr);
        if (found != 256) std::abort();
        from = (from + 256) % (of.size() - 256);
    }
    kvstore_stats stats = KVSTORE_STATS_INIT;
    must(kvstore_stats_read(store, &stats));
    state.counters["bytes_per_entry"] =
        static_cast<double>(stats.catalog_bytes) / static_cast<double>(stats.catalog_entries);
    must(kvstore_close(store));
    per_name(state, 256);
}

// ---- evicting ----

void evict(benchmark::State &state, bool ours) {
    size_t size = static_cast<size_t>(state.range(0));
    for (auto _ : state) {
        state.PauseTiming();
        Folder folder;
        std::vector<kvhash_plh> of = names(kBlocks, 5);
        Batch batch(of, size);
        kvstore *store = open_directory(folder.path);
        kvstore_space *space = space_of(store, size);
        kvstore_completion none;
        uint64_t evicted = 0;
        must(kvstore_scan(store, nullptr));
        must(kvstore_put(space, &batch.batch, nullptr, nullptr));
        kvstore_poll(store, &none, 1, 0);
        std::vector<std::string> paths;
        for (const auto &name : of) {
            kvstore_identity identity{};
            char key[KVSTORE_KEY_BYTES];
            size_t length;
            identity.ranks = 1;
            must(kvstore_block_key(kvcore_bytes{nullptr, 0}, &identity, name, key, sizeof key, &length));
            paths.push_back(folder.path + "/" + key);
        }
        state.ResumeTiming();
        if (ours) {
            must(kvstore_evict_to(store, 0, &evicted, nullptr));
            if (evicted != kBlocks) std::abort();
        } else {
            for (const auto &path : paths)
                if (unlink(path.c_str()) != 0) std::abort();
        }
        state.PauseTiming();
        must(kvstore_close(store));
        state.ResumeTiming();
    }
    per_block(state, kBlocks);
}

void evict_bare(benchmark::State &state) { evict(state, false); }
void evict_ours(benchmark::State &state) { evict(state, true); }

// ---- a batch while the breaker is open ----

void dead_start(void *, kvstore_transfer *transfer) {
    transfer->outcome = KVSTORE_FAILED;
    transfer->status = KVSTORE_EBUCKET; // opens it at once
}
kvcore_status dead_list(void *, const char *, void **, kvstore_backend_visit, void *, kvcore_error *) {
    return KVCORE_OK;
}
void dead_close(void *) {}

void breaker_open(benchmark::State &state) {
    kvstore_backend backend = KVSTORE_BACKEND_INIT;
    kvstore_limits limits{};
    kvstore *store = nullptr;
    backend.medium = "dead";
    backend.blocking = true;
    backend.start = dead_start;
    backend.list = dead_list;
    backend.close = dead_close;
    must(kvstore_open_backend(&backend, nullptr, &limits, &store, nullptr));
    kvstore_space *space = space_of(store, 64);
    std::vector<kvhash_plh> of = names(64, 3);
    Batch batch(of, 64);
    size_t hits;
    must(kvstore_get(space, &batch.batch, &hits, nullptr));
    for (auto _ : state) must(kvstore_get(space, &batch.batch, &hits, nullptr));
    must(kvstore_close(store));
}

BENCHMARK(put_bare)->Arg(64 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(put_ours)->Arg(64 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(get_bare)->Arg(64 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(get_ours)->Arg(64 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(lookup_map)->Arg(1 << 10)->Arg(1 << 20);
BENCHMARK(lookup_ours)->Arg(1 << 10)->Arg(1 << 20);
BENCHMARK(evict_bare)->Arg(64 << 10)->Unit(benchmark::kMillisecond);
BENCHMARK(evict_ours)->Arg(64 << 10)->Unit(benchmark::kMillisecond);
BENCHMARK(breaker_open)->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();

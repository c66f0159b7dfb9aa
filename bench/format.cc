// Formats beside what bounds them: the checksum's bare loop, a plain write of the same bytes, a plain pass over an index.
//
// Files go to $TMPDIR or /tmp. ns_per_block, ns_per_entry are what docs quote.
#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <kvformat/checksum.h>
#include <kvformat/kvs1.h>
#include <kvwombat/segment.h>

namespace {

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

std::string temporary(const char *name) {
    const char *folder = std::getenv("TMPDIR");
    return std::string(folder != nullptr ? folder : "/tmp") + "/kvstrata-bench-" + std::to_string(getpid()) + name;
}

void crc_bare(benchmark::State &state) {
    std::vector<uint8_t> bytes = noise(static_cast<size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(~crc32_iscsi(bytes.data(), static_cast<int>(bytes.size()), ~0u));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void crc_ours(benchmark::State &state) {
    std::vector<uint8_t> bytes = noise(static_cast<size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(kvformat_crc32c(0, kvcore_bytes{bytes.data(), bytes.size()}));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

// ---- appending: kBlocks blocks of the same size, no sync, to a file that is there already ----

constexpr size_t kBlocks = 256;

kvhash_plh name_of(uint64_t number) {
    kvhash_plh name;
    must(kvhash_plh_make(mix(number), mix(number - 1), number & 0xFF, &name));
    return name;
}

// The payloads alone, or (layout) as many bytes as KVS1 makes of them: an aligned payload takes one more unit.
void write_plain(benchmark::State &state) {
    bool layout = state.range(1) != 0;
    size_t size = static_cast<size_t>(state.range(0));
    std::vector<uint8_t> payload = noise(layout ? (size + 128 + 4095) / 4096 * 4096 : size);
    std::string path = temporary(".plain");
    for (auto _ : state) {
        state.PauseTiming();
        unlink(path.c_str());
        int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0666);
        state.ResumeTiming();
        for (size_t i = 0; i < kBlocks; i++)
            if (write(file, payload.data(), payload.size()) != static_cast<ssize_t>(payload.size())) std::abort();
        state.PauseTiming();
        close(file);
        state.ResumeTiming();
    }
    unlink(path.c_str());
    state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<int64_t>(kBlocks));
}

void write_kvs1(benchmark::State &state) {
    std::vector<uint8_t> payload = noise(static_cast<size_t>(state.range(0)));
    std::string path = temporary(".kvs1");
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    for (auto _ : state) {
        state.PauseTiming();
        unlink(path.c_str());
        kvformat_kvs1_writer *writer;
        must(kvformat_kvs1_create(path.c_str(), &config, &writer, nullptr));
        state.ResumeTiming();
        for (size_t i = 0; i < kBlocks; i++)
            must(kvformat_kvs1_put(writer, name_of(i), kvcore_bytes{payload.data(), payload.size()}, nullptr));
        state.PauseTiming();
        kvformat_kvs1_writer_close(writer);
        state.ResumeTiming();
    }
    unlink(path.c_str());
    state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<int64_t>(kBlocks));
}

// ---- looking up: chains of 256 names in a compacted file; payloads are empty, so that the file is all index and units ----

constexpr size_t kChain = 256;

class File {
  public:
    explicit File(size_t blocks) : names_(blocks) {
        std::string path = temporary(".first"), compacted = temporary(".compacted");
        kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
        config.alignment = KVFORMAT_KVS1_MIN_ALIGNMENT;
        kvformat_kvs1_writer *writer;
        unlink(path.c_str());
        unlink(compacted.c_str());
        must(kvformat_kvs1_create(path.c_str(), &config, &writer, nullptr));
        for (size_t i = 0; i < blocks; i++) {
            if (i % kChain == 0)
                names_[i] = kvhash_plh_root(mix(i));
            else
                must(kvhash_plh_extend(names_[i - 1], mix(i), &names_[i]));
            must(kvformat_kvs1_put(writer, names_[i], kvcore_bytes{nullptr, 0}, nullptr));
            if (i % (blocks / 4) == blocks / 4 - 1) must(kvformat_kvs1_commit(writer, nullptr));
        }
        must(kvformat_kvs1_commit(writer, nullptr));
        kvformat_kvs1_writer_close(writer);
        kvformat_kvs1_compaction done = KVFORMAT_KVS1_COMPACTION_INIT;
        must(kvformat_kvs1_compact(path.c_str(), compacted.c_str(), nullptr, &done, nullptr));
        must(kvformat_kvs1_open(compacted.c_str(), nullptr, &reader_, nullptr));
        unlink(path.c_str());
        unlink(compacted.c_str());
    }
    ~File() { kvformat_kvs1_close(reader_); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    const kvformat_kvs1_reader *reader() const { return reader_; }
    const kvhash_plh *chain(size_t number) const { return &names_[number % (names_.size() / kChain) * kChain]; }

  private:
    kvformat_kvs1_reader *reader_ = nullptr;
    std::vector<kvhash_plh> names_;
};

void longest_prefix(benchmark::State &state) {
    static File *file = new File(static_cast<size_t>(1) << 20); // 1 M blocks; kept for all repetitions
    std::vector<kvformat_kvs1_block> blocks(kChain);
    size_t step = 0;
    for (auto _ : state) {
        size_t found = 0, chain = state.range(0) != 0 ? mix(step++) : 0;
        must(kvformat_kvs1_longest_prefix(file->reader(), file->chain(chain), kChain, blocks.data(), &found, nullptr));
        if (found != kChain) std::abort();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kChain));
}

// ---- a segment's index: checksum and entries ----

void segment_index(benchmark::State &state) {
    constexpr size_t kEntries = 10000;
    size_t key_bytes = static_cast<size_t>(state.range(0)), size = 0;
    std::vector<std::string> keys(kEntries);
    std::vector<kvwombat_segment_block> blocks(kEntries);
    for (size_t i = 0; i < kEntries; i++) {
        keys[i] = std::to_string(mix(i));
        keys[i].resize(key_bytes, 'k');
        blocks[i] = {{keys[i].data(), keys[i].size()}, {"payload", 7}};
    }
    if (kvwombat_segment_encode(blocks.data(), kEntries, nullptr, 0, &size) != KVCORE_EBUFFER) std::abort();
    std::vector<uint8_t> bytes(size);
    must(kvwombat_segment_encode(blocks.data(), kEntries, bytes.data(), size, &size));
    for (auto _ : state) {
        kvcore_bytes index;
        must(kvwombat_segment_index(kvcore_bytes{bytes.data(), size}, &index, nullptr));
        uint64_t sum = 0;
        size_t offset = 0;
        for (bool more = true;;) {
            kvwombat_segment_entry entry;
            must(kvwombat_segment_next(index, &offset, &entry, &more, nullptr));
            if (!more) break;
            sum += entry.payload_offset;
        }
        benchmark::DoNotOptimize(sum);
    }
    state.counters["ns_per_entry"] = benchmark::Counter(kEntries * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                                             benchmark::Counter::kInvert);
}

BENCHMARK(crc_bare)->ArgName("bytes")->Arg(4096)->Arg(1 << 20);
BENCHMARK(crc_ours)->ArgName("bytes")->Arg(4096)->Arg(1 << 20);
constexpr int64_t kEngineBlock = 1761728; // a KVB1 block of 128 tokens
BENCHMARK(write_plain)
    ->ArgNames({"payload", "layout"})
    ->ArgsProduct({{64 << 10, kEngineBlock}, {0, 1}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(write_kvs1)->ArgName("payload")->Arg(64 << 10)->Arg(kEngineBlock)->Unit(benchmark::kMillisecond);
BENCHMARK(longest_prefix)->ArgName("random")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(segment_index)->ArgName("key")->Arg(4)->Arg(16)->Arg(32)->Arg(64)->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();

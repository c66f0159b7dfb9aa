// Block events: reading payloads beside msgpack-c's bare unpack, and the way from payload to index beside its parts. Counters:
// bytes_per_second and hashes_per_second; ratios inside one run are what counts.
#include <benchmark/benchmark.h>

#include <kvevents/source.h>
#include <kvhash/hash.h>
#include <kvradix/index.h>

#include <msgpack.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

constexpr size_t kTokens = 16, kBlocks = 64, kEvents = 16;

void must(kvcore_status status) {
    if (status != KVCORE_OK) {
        std::fprintf(stderr, "%s\n", kvcore_status_text(status));
        std::abort();
    }
}

struct Sample {
    std::vector<uint64_t> hashes;
    std::vector<uint32_t> tokens;
    std::vector<kvevents_event> events;
    std::vector<uint8_t> payload;

    // Chains of 64 blocks of 16 tokens below `vocabulary`, in 16 events.
    explicit Sample(uint32_t vocabulary, uint64_t seed = 1)
        : hashes(kBlocks * kEvents), tokens(kBlocks * kEvents * kTokens) {
        std::mt19937_64 random(seed);
        for (auto &hash : hashes) hash = random();
        for (auto &token : tokens) token = static_cast<uint32_t>(random() % vocabulary);
        for (size_t i = 0; i < kEvents; i++) {
            kvevents_event event{};
            event.kind = KVEVENTS_STORED;
            event.hashes = &hashes[i * kBlocks];
            event.hash_count = kBlocks;
            event.tokens = &tokens[i * kBlocks * kTokens];
            event.token_count = kBlocks * kTokens;
            event.block_size = kTokens;
            event.medium = kvcore_text("GPU");
            events.push_back(event);
        }
        write(events);
    }

    void write(const std::vector<kvevents_event> &of) {
        kvevents_batch batch{};
        batch.events = of.data();
        batch.event_count = of.size();
        size_t size = 0;
        if (kvevents_batch_write(&batch, KVEVENTS_VLLM_MAP, nullptr, 0, &size) != KVCORE_EBUFFER) std::abort();
        payload.resize(size);
        must(kvevents_batch_write(&batch, KVEVENTS_VLLM_MAP, payload.data(), size, &size));
    }
};

void count(benchmark::State &state, size_t bytes, size_t hashes) {
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
    state.counters["hashes_per_second"] = benchmark::Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(hashes), benchmark::Counter::kIsRate);
}

void read_batch(benchmark::State &state) {
    Sample sample(static_cast<uint32_t>(state.range(0)));
    std::vector<uint64_t> memory(1 << 17);
    for (auto _ : state) {
        kvevents_arena arena{memory.data(), memory.size() * 8, 0};
        kvevents_batch batch;
        must(kvevents_batch_read({sample.payload.data(), sample.payload.size()}, nullptr, &arena, &batch, nullptr));
        benchmark::DoNotOptimize(batch);
    }
    count(state, sample.payload.size(), sample.hashes.size());
}
BENCHMARK(read_batch)->Arg(128)->Arg(60000)->Arg(150000);

void msgpack_c_unpack(benchmark::State &state) {
    Sample sample(static_cast<uint32_t>(state.range(0)));
    msgpack_zone zone;
    msgpack_zone_init(&zone, 1 << 20);
    for (auto _ : state) {
        msgpack_object object;
        size_t at = 0;
        const char *bytes = reinterpret_cast<const char *>(sample.payload.data());
        if (msgpack_unpack(bytes, sample.payload.size(), &at, &zone, &object) != MSGPACK_UNPACK_SUCCESS) std::abort();
        benchmark::DoNotOptimize(object);
        msgpack_zone_clear(&zone);
    }
    msgpack_zone_destroy(&zone);
    count(state, sample.payload.size(), sample.hashes.size());
}
BENCHMARK(msgpack_c_unpack)->Arg(128)->Arg(60000)->Arg(150000);

void write_batch(benchmark::State &state) {
    Sample sample(150000);
    for (auto _ : state) {
        sample.write(sample.events);
        benchmark::ClobberMemory();
    }
    count(state, sample.payload.size(), sample.hashes.size());
}
BENCHMARK(write_batch);

// ---- from payload to index: 256 batches stored, then removed ----

struct Feed {
    kvradix_index *index = nullptr;
    kvhash_holder holder{1, 0, 0};
};

void change(void *ctx, const kvevents_change *told) {
    auto *feed = static_cast<Feed *>(ctx);
    if (feed->index == nullptr) return;
    if (told->kind == KVEVENTS_STORED)
        must(kvradix_index_store(feed->index, feed->holder, told->names, told->count));
    else if (told->kind == KVEVENTS_REMOVED)
        kvradix_index_remove(feed->index, feed->holder, told->names, told->count);
    else
        kvradix_index_clear(feed->index, feed->holder);
}

std::vector<Sample> samples(size_t count_of) {
    std::vector<Sample> all;
    all.reserve(count_of);
    for (size_t i = 0; i < count_of; i++) all.emplace_back(150000U, i + 1);
    return all;
}

// range(0): with an index behind it; range(1): with names.
void payload_to_index(benchmark::State &state) {
    const auto all = samples(128);
    Feed feed;
    kvradix_config index_config = KVRADIX_CONFIG_INIT;
    index_config.capacity = 1 << 18;
    if (state.range(0) != 0) must(kvradix_index_create(&index_config, &feed.index, nullptr));
    kvevents_source_config config = kvevents_source_config_init();
    config.block_tokens = state.range(1) != 0 ? kTokens : 0;
    config.change = change;
    config.ctx = &feed;
    kvevents_source *source = nullptr;
    must(kvevents_source_create(&config, &source, nullptr));
    uint64_t number = 0;
    size_t bytes = 0;
    for (auto _ : state) {
        for (const auto &sample : all) {
            uint8_t head[8];
            kvcore_store_be64(head, number++);
            const kvcore_bytes frames[] = {{"", 0}, {head, 8}, {sample.payload.data(), sample.payload.size()}};
            kvevents_source_take(source, frames, 3, 0);
            bytes += sample.payload.size();
        }
        state.PauseTiming();
        kvevents_source_forget(source);
        number = 0;
        state.ResumeTiming();
    }
    count(state, bytes / state.iterations(), all.size() * kBlocks * kEvents);
    kvevents_source_destroy(source);
    kvradix_index_destroy(feed.index);
}
BENCHMARK(payload_to_index)->Args({1, 1})->Args({0, 1})->Args({0, 0});

void names_alone(benchmark::State &state) {
    const auto all = samples(128);
    for (auto _ : state)
        for (const auto &sample : all)
            for (size_t i = 0; i < kBlocks * kEvents; i++)
                benchmark::DoNotOptimize(kvhash_block_hash(&sample.tokens[i * kTokens], kTokens, KVHASH_CHAIN_SEED));
    count(state, 0, all.size() * kBlocks * kEvents);
}
BENCHMARK(names_alone);

void index_alone(benchmark::State &state) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1 << 18;
    kvradix_index *index = nullptr;
    must(kvradix_index_create(&config, &index, nullptr));
    std::vector<kvhash_plh> names(128 * kBlocks * kEvents);
    std::mt19937_64 random(1);
    for (size_t i = 0; i < names.size(); i++)
        if (i % kBlocks == 0)
            names[i] = kvhash_plh_root(random());
        else
            must(kvhash_plh_extend(names[i - 1], random(), &names[i]));
    for (auto _ : state) {
        for (size_t i = 0; i < names.size(); i += kBlocks)
            must(kvradix_index_store(index, {1, 0, 0}, &names[i], kBlocks));
        state.PauseTiming();
        kvradix_index_clear(index, {1, 0, 0});
        state.ResumeTiming();
    }
    count(state, 0, names.size());
    kvradix_index_destroy(index);
}
BENCHMARK(index_alone);

} // namespace

BENCHMARK_MAIN();

// The mini engine of mini_engine.c in C++17: the same requests, the same scheduler, the same checks.
#include <kvstrata.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <vector>

#include <kvlogical/events.h>

constexpr std::size_t kBlocks = 640, kBlockTokens = 16, kRequests = 300;
constexpr std::size_t kChunk = 96, kStepTokens = 2048, kRunning = 64;

static void check(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
}
static void check(kv::Status status) { check(static_cast<bool>(status), status.text()); }

// A second opinion on what is cached, from the pool's events.
using Known = std::set<std::pair<std::uint64_t, std::uint64_t>>;

static void on_event(void *known, const kvhash_event *event) {
    if (event->kind == KVHASH_EVENT_CREATE) static_cast<Known *>(known)->insert({event->name.high, event->name.low});
    if (event->kind == KVHASH_EVENT_REMOVE) static_cast<Known *>(known)->erase({event->name.high, event->name.low});
}

struct Engine {
    const Known &known;
    std::vector<kv::Request> waiting, running; // a stack; in order of admission
    std::size_t computed = 0, cached = 0, preempted = 0, steps = 0;
    std::uint64_t memory[kBlocks][kBlockTokens] = {}; // the KV of a token is a number here

    void step() {
        std::size_t budget = kStepTokens;
        for (; !waiting.empty() && running.size() < kRunning; waiting.pop_back()) {
            match(waiting.back());
            running.push_back(std::move(waiting.back()));
        }
        for (std::size_t i = 0; i < running.size(); i++)
            while (i < running.size() && !advance(running[i], budget)) preempt_youngest(); // perhaps itself
        auto done = [](const kv::Request &request) { return request.complete(); };
        running.erase(std::remove_if(running.begin(), running.end(), done), running.end()); // blocks go back here
        steps++;
    }

    void match(kv::Request &request) {
        std::size_t expected = 0, most = (request.counts().total_tokens - 1) / kBlockTokens;
        for (auto names = request.names(); expected < most; expected++)
            if (known.count({names[expected].high, names[expected].low}) == 0) break;
        auto hits = request.match_prefix();
        check(hits && *hits == expected, "the hits are not those that the events tell");
        cached += *hits;
    }

    // One step of one request; false when there are no blocks for it.
    bool advance(kv::Request &request, std::size_t &budget) {
        auto n = request.counts();
        std::size_t chunk = std::min(n.prefill_tokens, kChunk);
        if (chunk > budget) return true; // in a later step
        if (!(chunk == 0 ? request.schedule_decode() : request.schedule_prefill(chunk))) return false;
        kv::Token token = compute(request, n.computed_tokens, n.computed_tokens + (chunk == 0 ? 1 : chunk));
        if (chunk == 0)
            check(request.apply_decode(token));
        else
            check(chunk < n.prefill_tokens ? request.apply_prefill() : request.apply_prefill(token));
        budget -= chunk;
        return true;
    }

    void preempt_youngest() {
        check(running.back().release_blocks());
        waiting.push_back(std::move(running.back()));
        running.pop_back();
        preempted++;
    }

    // Every request checks that it reads its own KV.
    kv::Token compute(const kv::Request &request, std::size_t from, std::size_t to) {
        kv::Block pages[64];
        request.blocks(0, pages);
        std::uint64_t context = 0;
        for (std::size_t i = 0; i < to; i++) {
            std::uint64_t &place = memory[pages[i / kBlockTokens]][i % kBlockTokens];
            context = ((context ^ request.tokens()[i]) * 0x9E3779B97F4A7C15u) ^ (context >> 29);
            if (i >= from) place = context;
            check(place == context, "a request reads KV that is not its own");
        }
        computed += to - from;
        return static_cast<kv::Token>(context >> 40);
    }
};

int main() {
    kv::ManagerConfig config;
    config.block_count = kBlocks, config.block_tokens = kBlockTokens;
    auto pool = kv::Manager::create(config);
    Known known;
    check(pool.status());
    check(kvlogical_registry_on_event(kvlogical_manager_registry(pool->get()), on_event, &known));
    Engine engine{known, {}, {}};
    for (kv::Token i = 0; i < kRequests; i++) { // eight system prompts of 160 tokens, then each its own question
        std::vector<kv::Token> tokens(180 + i * 7 % 100);
        for (kv::Token k = 0; k < tokens.size(); k++) tokens[k] = k < 160 ? 1000 * (i % 8) + k : 100000 * i + k;
        kv::RequestConfig request(tokens);
        request.max_output_tokens = 20 + i * 13 % 90;
        auto made = kv::Request::create(*pool, request);
        check(made.status());
        engine.waiting.push_back(std::move(*made));
    }
    while (!engine.waiting.empty() || !engine.running.empty()) engine.step();
    std::printf("%zu requests in %zu steps: %zu tokens computed, %zu blocks of %zu tokens cached, %zu preemptions\n",
                kRequests, engine.steps, engine.computed, engine.cached, kBlockTokens, engine.preempted);
    check(engine.cached > 0 && engine.preempted > 0, "there was no pressure");
    check(pool->counts().available == pool->counts().total, "blocks leak");
    check(pool->close());
}

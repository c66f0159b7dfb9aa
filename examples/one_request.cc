// One request through a block pool, in C++17: the same as one_request.c.
#include <kvstrata.hpp>

#include <cstdio>

static void engine_compute_kv(kv::Block block) { std::printf("compute block %u\n", static_cast<unsigned>(block)); }

static bool serve(const kv::Manager &pool, const kv::Names &names) {
    kv::Held held = pool.match_prefix(names); // a move-only list of guards
    std::size_t hits = held.size();
    if (auto fresh = pool.allocate(names.size() - hits)) {
        for (kv::Block block : *fresh) engine_compute_kv(block);
        if (!held.append(pool.register_blocks(pool.stage(std::move(*fresh), kv::tail(names, hits))))) return false;
    }
    std::printf("%zu of %zu blocks were cached\n", hits, names.size());
    return true;
} // leaving the scope releases every guard, tail first

int main() {
    kv::ManagerConfig config;
    config.block_count = 64;
    config.block_tokens = 16;
    config.eviction = KVLOGICAL_EVICT_LRU;
    auto pool = kv::Manager::create(config); // kv::Result<kv::Manager>: test it, then use ->
    if (!pool) return 1;

    kv::Token prompt[64];
    for (kv::Token i = 0; i < 64; i++) prompt[i] = i;
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = prompt;
    request.block_tokens = 16;
    for (request.token_count = 32; request.token_count <= 64; request.token_count += 16) { // a conversation grows
        auto names = kv::names(request);
        if (!names || !serve(*pool, *names)) return 1;
    }
    return pool->close() ? 0 : 1;
}

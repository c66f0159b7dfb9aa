// cpp_cost c|cpp ROUNDS: run under callgrind with --toggle-collect for the two functions of either language.
#include "cost.h"

#include <kvstrata.hpp>

#include <cstdio>

namespace {

struct Lists { // reused, so that nothing allocates
    kv::Held held;
    kv::Fresh fresh;
};

} // namespace

extern "C" __attribute__((noinline)) std::size_t cost_blocks_cpp(const kv::Manager &pool, kv::Span<const kv::Plh> names,
                                                                 void *lists) {
    Lists &l = *static_cast<Lists *>(lists);
    if (!pool.match_prefix(names, l.held)) return 0;
    std::size_t hits = l.held.size();
    if (!pool.allocate(names.size() - hits, l.fresh)) return 0;
    if (!pool.register_blocks(l.fresh, names.tail(hits), l.held)) return 0;
    l.held.clear();
    return hits;
}

extern "C" __attribute__((noinline)) int cost_decode_cpp(kv::Request &request, kv::Token token) {
    if (!request.schedule_decode()) return -1;
    return request.apply_decode(token).code();
}

int main(int argc, char **argv) {
    bool cpp = argc > 1 && argv[1][1] == 'p';
    unsigned rounds = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 100;
    kv::ManagerConfig config;
    config.block_count = 64;
    config.block_tokens = 4;
    auto pool = kv::Manager::create(config);
    if (!pool) return 1;
    kv::Token tokens[4 * COST_BLOCKS];
    std::size_t hits = 0;
    Lists lists;
    for (unsigned i = 0; i < rounds; i++) {
        for (std::size_t k = 0; k < 4 * COST_BLOCKS; k++) tokens[k] = static_cast<kv::Token>(k < 64 ? k : k + i);
        kvhash_request request = KVHASH_REQUEST_INIT;
        request.tokens = tokens, request.token_count = 4 * COST_BLOCKS, request.block_tokens = 4;
        auto names = kv::names(request);
        if (!names) return 1;
        hits += cpp ? cost_blocks_cpp(*pool, *names, &lists) : cost_blocks_c(pool->get(), names->data(), names->size());
    }
    kv::RequestConfig of_request{kv::Span<const kv::Token>(tokens)};
    of_request.max_output_tokens = 100;
    auto request = kv::Request::create(*pool, of_request);
    if (!request || !request->schedule_prefill(4 * COST_BLOCKS) || !request->apply_prefill(1)) return 1;
    for (kv::Token i = 0; i < 99; i++)
        if ((cpp ? cost_decode_cpp(*request, i) : cost_decode_c(request->get(), i)) != KVCORE_OK) return 1;
    std::printf("%zu hits\n", hits);
    return 0;
}

// A stranger's program over kvstrata.hpp: two requests that share two blocks.
#include <kvstrata.hpp>

int main() {
    kv::ManagerConfig config;
    config.block_count = 4;
    config.block_tokens = 4;
    auto pool = kv::Manager::create(config);
    if (!pool) return 1;
    const kv::Token tokens[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    auto request = kv::Request::create(*pool, kv::RequestConfig(tokens));
    if (!request || !request->schedule_prefill(10) || !request->apply_prefill()) return 2;
    auto second = kv::Request::create(*pool, kv::RequestConfig(tokens));
    if (!second) return 3;
    auto hits = second->match_prefix();
    return hits && *hits == 2 ? 0 : 4;
}

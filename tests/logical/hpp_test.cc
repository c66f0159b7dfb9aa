/* Does kvstrata.hpp keep its words: names in containers, victims, signed tokens, nothing borrowed from what is gone? */
#include <kvstrata.hpp>

#include <array>
#include <cstdio>
#include <map>
#include <unordered_map>
#include <vector>

namespace {

int failures = 0;

void check(bool good, int line) {
    if (good) return;
    std::fprintf(stderr, "line %d: not so\n", line);
    failures++;
}

#define CHECK(condition) check(static_cast<bool>(condition), __LINE__)

kv::Manager make_pool(std::size_t blocks) {
    kv::ManagerConfig config;
    config.block_count = blocks;
    config.block_tokens = 4;
    config.eviction = KVLOGICAL_EVICT_LRU;
    auto pool = kv::Manager::create(config);
    CHECK(pool);
    return std::move(*pool);
}

std::vector<kv::Plh> roots(std::size_t count) {
    std::vector<kv::Plh> names;
    for (std::size_t i = 0; i < count; i++) names.push_back(kvhash_plh_root(1000 + i));
    return names;
}

void names_are_keys_of_containers() {
    std::vector<kv::Plh> names = roots(100);
    std::unordered_map<kv::Plh, std::size_t> hashed;
    std::map<kv::Plh, std::size_t> ordered;
    for (std::size_t i = 0; i < names.size(); i++) hashed[names[i]] = ordered[names[i]] = i;
    CHECK(hashed.size() == 100 && ordered.size() == 100);
    for (std::size_t i = 0; i < names.size(); i++) CHECK(hashed[names[i]] == i && ordered[names[i]] == i);
    CHECK(names[0] == names[0] && names[0] != names[1] && (names[0] < names[1] || names[1] < names[0]));
}

void a_list_appended_to_itself_keeps_its_guards() {
    kv::Manager pool = make_pool(4);
    auto blocks = pool.allocate(3);
    CHECK(blocks);
    kv::Fresh &itself = *blocks;
    CHECK(itself.append(std::move(itself)));
    /* NOLINTNEXTLINE(bugprone-use-after-move): that it is still there is the question */
    CHECK(itself.size() == 3);
    CHECK(itself.release());
    CHECK(pool.counts().free == 4);
    CHECK(pool.close());
}

void an_allocation_tells_its_victims() {
    kv::Manager pool = make_pool(4);
    std::vector<kv::Plh> names = roots(3);
    {
        auto held = pool.register_blocks(pool.stage(std::move(*pool.allocate(3)), names));
        CHECK(held);
        CHECK(held->release());
    }
    kv::Names victims;
    auto fresh = pool.allocate(3, victims);
    CHECK(fresh && fresh->size() == 3);
    CHECK(victims.size() == 2 && victims[0] == names[0] && victims[1] == names[1]);
    CHECK(pool.allocate(1, *fresh, victims) && victims.size() == 3 && victims[2] == names[2]);
    CHECK(!pool.allocate(1, *fresh, victims) && fresh->size() == 4 && victims.size() == 3);
    CHECK(fresh->release() && pool.close());
}

void tokens_may_be_signed() {
    kv::Manager pool = make_pool(4);
    std::vector<std::int32_t> numbers = {1, 2, 3, 4, 5};
    std::vector<kv::Token> same = {1, 2, 3, 4, 5};
    auto a = kv::Request::create(pool, kv::RequestConfig(numbers)),
         b = kv::Request::create(pool, kv::RequestConfig(same));
    CHECK(a && b && a->names().size() == 1 && a->names()[0] == b->names()[0]);
    kv::SequenceConfig config;
    config.block_tokens = 4;
    auto sequence = kv::Sequence::create(config);
    CHECK(sequence && sequence->extend(numbers) && sequence->extend(same) && sequence->token_count() == 10);
}

/* Borrowed from a named container or through a span; not from one that is gone. */
static_assert(std::is_constructible_v<kv::RequestConfig, std::vector<kv::Token> &>);
static_assert(std::is_constructible_v<kv::RequestConfig, const std::vector<std::int32_t> &>);
static_assert(std::is_constructible_v<kv::RequestConfig, kv::Span<const kv::Token>>);
static_assert(std::is_constructible_v<kv::RequestConfig, kv::RequestConfig>);
static_assert(!std::is_constructible_v<kv::RequestConfig, std::vector<kv::Token>>);
static_assert(!std::is_constructible_v<kv::RequestConfig, std::vector<std::int32_t>>);
static_assert(!std::is_constructible_v<kv::RequestConfig, std::array<kv::Token, 4>>);

void the_tail_goes_first() { CHECK(kv::RequestConfig().release_tail_first); }

} // namespace

int main() {
    names_are_keys_of_containers();
    a_list_appended_to_itself_keeps_its_guards();
    an_allocation_tells_its_victims();
    tokens_may_be_signed();
    the_tail_goes_first();
    return failures == 0 ? 0 : 1;
}

// The C++ header: who owns what after each call, and that nothing is lost on a failure.
extern "C" {
#include "kvtest.h"
}

#include <kvstrata.hpp>

#include <type_traits>
#include <vector>

static_assert(!std::is_copy_constructible_v<kv::Held> && std::is_nothrow_move_constructible_v<kv::Held>);
static_assert(!std::is_copy_constructible_v<kv::Fresh> && !std::is_copy_assignable_v<kv::Staged>);
static_assert(!std::is_copy_constructible_v<kv::Manager> && std::is_nothrow_move_assignable_v<kv::Manager>);
static_assert(!std::is_copy_constructible_v<kv::Request> && !std::is_copy_constructible_v<kv::Assignments>);
static_assert(!std::is_convertible_v<kv::Fresh, kv::Held>);
static_assert(sizeof(kv::Request) == sizeof(void *));

static kv::Manager make_pool(std::size_t blocks) {
    kv::ManagerConfig config;
    config.block_count = blocks;
    config.block_tokens = 4;
    config.eviction = KVLOGICAL_EVICT_LRU;
    auto pool = kv::Manager::create(config);
    assert_true(static_cast<bool>(pool));
    return std::move(*pool);
}

static kv::Names make_names(std::size_t blocks) {
    std::vector<kv::Token> tokens(blocks * 4);
    for (std::size_t i = 0; i < tokens.size(); i++) tokens[i] = static_cast<kv::Token>(i);
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens.data();
    request.token_count = tokens.size();
    request.block_tokens = 4;
    auto names = kv::names(request);
    assert_true(static_cast<bool>(names));
    assert_int_equal(names->size(), blocks);
    return std::move(*names);
}

static void guards_are_released_when_their_list_goes(void **) {
    kv::Manager pool = make_pool(8);
    kv::Names names = make_names(4);
    {
        auto fresh = pool.allocate(4);
        assert_true(static_cast<bool>(fresh));
        kv::Block expected = 0;
        for (kv::Block block : *fresh) assert_int_equal(block, expected++);
        auto held = pool.register_blocks(pool.stage(std::move(*fresh), names));
        assert_true(static_cast<bool>(held));
        assert_int_equal(fresh->size(), 0);
        assert_int_equal(held->size(), 4);
        assert_int_equal(pool.counts().primary, 4);
        assert_int_equal(pool.close().code(), KVCORE_EBUSY);
    }
    assert_int_equal(pool.counts().inactive, 4);
    {
        kv::Held held = pool.match_prefix(names);
        assert_int_equal(held.size(), 4);
        kv::Held moved = std::move(held);
        assert_int_equal(held.size(), 0); // NOLINT: what a move leaves is the point
        auto pins = pool.pin(moved);
        auto copies = pool.clone(moved);
        auto weak = pool.downgrade(moved);
        assert_true(pins && copies && weak);
        assert_true(static_cast<bool>(moved.release()));
        assert_int_equal(moved.size(), 0);
        assert_int_equal(pool.counts().primary, 4);
    }
    assert_int_equal(pool.counts().inactive, 4);
    { kv::Held again = pool.match_prefix(names); }
    auto victim = pool.allocate(5); // tail first: the last block of the prefix became inactive first
    assert_int_equal((*victim)[4], 3);
    victim->clear();
    assert_true(static_cast<bool>(pool.validate()));
    assert_true(static_cast<bool>(pool.close()));
}

static void a_failed_transition_leaves_the_guards_where_they_were(void **) {
    kv::Manager pool = make_pool(4), other = make_pool(4);
    kv::Names names = make_names(2);
    auto fresh = pool.allocate(2);
    assert_int_equal(pool.stage(std::move(*fresh), kv::tail(names, 1)).status().code(), KVCORE_EINVAL);
    assert_int_equal(fresh->size(), 2);
    auto refused = other.register_blocks(other.stage(std::move(*fresh), names));
    assert_int_equal(refused.status().code(), KVLOGICAL_EGUARD);
    assert_int_equal(fresh->size(), 2);
    assert_int_equal(pool.counts().mutable_blocks, 2);
    assert_int_equal(pool.allocate(3).status().code(), KVCORE_ENOSPACE);
    kv::Held held = pool.match_prefix(names), foreign;
    assert_int_equal(held.append(std::move(refused)).code(), KVLOGICAL_EGUARD);
    auto staged = pool.stage(std::move(*fresh), names);
    auto again = pool.unstage(std::move(*staged));
    assert_int_equal(again->size(), 2);
    again->clear();
    assert_int_equal(pool.counts().free, 4);
}

static void lists_append_and_stay_in_order(void **) {
    kv::Manager pool = make_pool(8);
    kv::Names names = make_names(4);
    auto first = pool.allocate(2);
    kv::Fresh all = std::move(*first);
    assert_true(static_cast<bool>(pool.allocate(2, all)));
    auto third = pool.allocate(1);
    assert_true(static_cast<bool>(all.append(std::move(*third))));
    assert_int_equal(all.size(), 5);
    for (std::size_t i = 0; i < 5; i++) assert_int_equal(all[i], i);
    kv::Manager other = make_pool(1);
    auto alien = other.allocate(1);
    assert_int_equal(all.append(std::move(*alien)).code(), KVLOGICAL_EGUARD);
    assert_int_equal(alien->size(), 1);
    assert_int_equal(pool.allocate(1, *alien).code(), KVLOGICAL_EGUARD);
}

static void requests_trackers_and_sequences_have_owners(void **) {
    kv::Manager pool = make_pool(16);
    const kv::Token input[] = {1, 2, 3, 4, 5, 6};
    kv::RequestConfig config{kv::Span<const kv::Token>(input)};
    config.max_output_tokens = 8;
    {
        auto request = kv::Request::create(pool, config);
        assert_true(static_cast<bool>(request));
        assert_true(static_cast<bool>(request->schedule_prefill(6)));
        kv::Error error;
        assert_int_equal(request->apply_prefill(&error).code(), KVLOGICAL_ETOKEN);
        assert_true(static_cast<bool>(request->apply_prefill(7u)));
        assert_true(static_cast<bool>(request->schedule_decode()));
        std::uint32_t outcome;
        assert_true(static_cast<bool>(request->apply_decode(8, &outcome)));
        assert_int_equal(outcome, KVLOGICAL_OUTCOME_BLOCK_COMPLETED);
        kvlogical_block_copy copy;
        auto fork = request->fork(&copy);
        assert_true(static_cast<bool>(fork));
        assert_int_equal(copy.tokens, 3);
        kv::Block pages[4];
        assert_int_equal(fork->blocks(0, pages), 2);
        assert_int_equal(pages[1], copy.to);
        assert_int_equal(fork->tokens().size(), 8);
        assert_int_equal(fork->names().size(), 2);
        assert_true(static_cast<bool>(request->release_blocks()));
        auto hits = request->reacquire();
        assert_int_equal(*hits, 1);
        const kv::Token accepted[] = {9};
        assert_int_equal(fork->apply_speculative(accepted).code(), KVLOGICAL_ESTATE);
        assert_false(fork->complete());
        *request = std::move(*fork);

        auto tracker = kv::Assignments::create(pool);
        auto fresh = pool.allocate(2);
        assert_true(static_cast<bool>(tracker->extend(std::move(*fresh))));
        assert_int_equal(fresh->size(), 0);
        kv::Names names = make_names(2);
        assert_int_equal(*tracker->stage(names), 2);
        assert_true(static_cast<bool>(tracker->register_staged()));
        assert_int_equal(tracker->view().assigned_count, 2);

        auto external = kv::ExternalAssignments::create(0);
        const std::uint64_t ids[] = {70, 71};
        kvlogical_range assigned;
        assert_true(static_cast<bool>(external->extend(ids)));
        assert_true(static_cast<bool>(external->assign(names, &assigned)));
        assert_int_equal(assigned.end, 2);
        assert_true(external->contains(71));

        kv::SequenceConfig of_sequence;
        of_sequence.block_tokens = 4;
        auto sequence = kv::Sequence::create(of_sequence);
        assert_true(static_cast<bool>(sequence->extend(input)));
        assert_true(static_cast<bool>(sequence->append(7)));
        assert_int_equal(sequence->names().size(), 1);
        assert_int_equal(sequence->token_count(), 7);
    }
    assert_int_equal(pool.counts().available, 16);
    assert_true(static_cast<bool>(pool.close()));
}

static void empty_owners_are_refused_as_nulls_are(void **) {
    kv::Request request;
    kv::Manager pool;
    assert_false(static_cast<bool>(request));
    assert_int_equal(request.allocate(1).code(), KVCORE_EINVAL);
    assert_int_equal(request.match_prefix().status().code(), KVCORE_EINVAL);
    assert_int_equal(request.counts().total_tokens, 0);
    assert_int_equal(pool.allocate(1).status().code(), KVCORE_EINVAL);
    assert_int_equal(pool.match_prefix(kv::Span<const kv::Plh>()).size(), 0);
    kv::ManagerConfig config;
    kv::Error error;
    auto refused = kv::Manager::create(config, &error);
    assert_false(static_cast<bool>(refused));
    assert_int_equal(error.code, KVCORE_ECONFIG);
    assert_string_equal(refused.status().text(), "invalid configuration");
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_are_released_when_their_list_goes),
        cmocka_unit_test(a_failed_transition_leaves_the_guards_where_they_were),
        cmocka_unit_test(lists_append_and_stay_in_order),
        cmocka_unit_test(requests_trackers_and_sequences_have_owners),
        cmocka_unit_test(empty_owners_are_refused_as_nulls_are),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}

/**
 * @file
 * kvstrata for C++17: the same calls with owners, spans and results. Header-only; over libkvhash and libkvlogical.
 *
 *     kv::Guards<…>   a move-only list of guards: kv::Fresh, kv::Staged, kv::Held, kv::Pins, kv::WeakGuards
 *     kv::Manager, kv::Registry, kv::Sequence, kv::Assignments, kv::ExternalAssignments, kv::Request   move-only owners
 *     kv::Span<T>     a borrowed array     kv::Status, kv::Result<T>   what a call answers; must be looked at
 *
 * What a call means, its errors, threads and costs stand with the C call of the same name in the C headers, which also remain
 * usable: every owner has get(). An empty owner is refused as a NULL is.
 *
 * Owns:    a list releases its guards and an owner its object when it goes. Guards must go before their manager: declare the
 *          manager first. A manager whose guards are still out is not destroyed (Manager::close() says so).
 * Errors:  nothing throws; no memory is KVCORE_ENOMEM. A failed call leaves guards and lists as they were.
 * Cost:    that of the C call. A list grows by doubling; one that is reused, or reserved, allocates nothing.
 */
#ifndef KVSTRATA_HPP
#define KVSTRATA_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include <kvhash/hash.h>
#include <kvhash/request.h>
#include <kvhash/sequence.h>
#include <kvlogical/assignments.h>
#include <kvlogical/external_assignments.h>
#include <kvlogical/inspect.h>
#include <kvlogical/manager.h>
#include <kvlogical/schedule.h>

/* ---- names in containers; kvhash_plh is a global type, so these are global too ---- */

inline bool operator==(const kvhash_plh &a, const kvhash_plh &b) noexcept { return kvhash_plh_equal(a, b); }
inline bool operator!=(const kvhash_plh &a, const kvhash_plh &b) noexcept { return !kvhash_plh_equal(a, b); }
/** By position, then sequence hash, then the whole value. */
inline bool operator<(const kvhash_plh &a, const kvhash_plh &b) noexcept { return kvhash_plh_compare(a, b) < 0; }

/** Without a key: whoever chooses prompts can make names meet in a table of yours. The libraries' own tables have keys. */
template <> struct std::hash<kvhash_plh> {
    std::size_t operator()(const kvhash_plh &name) const noexcept {
        std::uint64_t mixed = (name.high ^ name.low >> 32) * UINT64_C(0x9E3779B97F4A7C15) + name.low;
        return static_cast<std::size_t>(mixed ^ mixed >> 32);
    }
};

namespace kv {

using Plh = kvhash_plh;
using Block = std::uint32_t; /**< index into the engine's own memory */
using Token = std::uint32_t;
using Error = kvcore_error;

/* ---- what a call answers ---- */

class [[nodiscard]] Status {
  public:
    Status(kvcore_status code = KVCORE_OK) noexcept : code_(code) {}
    explicit operator bool() const noexcept { return code_ == KVCORE_OK; }
    kvcore_status code() const noexcept { return code_; }
    const char *text() const noexcept { return kvcore_status_text(code_); }
    friend bool operator==(Status a, Status b) noexcept { return a.code_ == b.code_; }
    friend bool operator!=(Status a, Status b) noexcept { return a.code_ != b.code_; }

  private:
    kvcore_status code_;
};

/** A value, or why there is none: test it, then use * and ->. */
template <class T> class [[nodiscard]] Result {
  public:
    Result(T &&value) noexcept : value_(std::move(value)) {}
    Result(Status failure) noexcept : status_(failure) {}
    explicit operator bool() const noexcept { return static_cast<bool>(status_); }
    kv::Status status() const noexcept { return status_; }
    T &operator*() &noexcept { return value_; }
    const T &operator*() const &noexcept { return value_; }
    T &&operator*() &&noexcept { return std::move(value_); }
    T *operator->() noexcept { return &value_; }
    const T *operator->() const noexcept { return &value_; }

  private:
    kv::Status status_;
    T value_{};
};

/* ---- arrays ---- */

/** A borrowed array. */
template <class T> class Span {
  public:
    constexpr Span() noexcept = default;
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    /** From anything with data() and size(). */
    template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<C &>().data()), T *>>>
    constexpr Span(C &&container) noexcept : data_(container.data()), size_(container.size()) {}
    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr Span first(std::size_t n) const noexcept { return {data_, n < size_ ? n : size_}; }
    constexpr Span tail(std::size_t from) const noexcept {
        return from < size_ ? Span{data_ + from, size_ - from} : Span{};
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** An owned array of plain values, move-only. */
template <class T> class Array {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    Array() noexcept = default;
    Array(Array &&other) noexcept { swap(other); }
    Array &operator=(Array &&other) noexcept {
        Array(std::move(other)).swap(*this);
        return *this;
    }
    ~Array() { std::free(data_); }
    /** Room for n in all; false when there is no memory. */
    bool reserve(std::size_t n) noexcept { return n <= capacity_ || grow(n); }
    bool push_back(const T &value) noexcept {
        if (!reserve(size_ + 1)) return false;
        data_[size_++] = value;
        return true;
    }
    void set_size(std::size_t n) noexcept { size_ = n; } /**< n ≤ what is reserved */
    T *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    T &operator[](std::size_t i) const noexcept { return data_[i]; }
    T *begin() const noexcept { return data_; }
    T *end() const noexcept { return data_ + size_; }

  protected:
    void swap(Array &other) noexcept {
        std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
    }
    /** The memory of another array, whose values become these (of one size) or were moved elsewhere. */
    template <class U> void adopt(Array<U> &other) noexcept {
        static_assert(sizeof(T) == sizeof(U));
        data_ = reinterpret_cast<T *>(std::exchange(other.data_, nullptr));
        size_ = std::exchange(other.size_, 0), capacity_ = std::exchange(other.capacity_, 0);
    }

  private:
    template <class U> friend class Array;
    bool grow(std::size_t n) noexcept {
        std::size_t wider = capacity_ * 2 > n ? capacity_ * 2 : n;
        if (wider > SIZE_MAX / sizeof(T)) return false;
        void *data = std::realloc(static_cast<void *>(data_), wider * sizeof(T));
        if (data == nullptr) return false;
        data_ = static_cast<T *>(data), capacity_ = wider;
        return true;
    }
    T *data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

using Names = Array<Plh>;

/** Tokens of an engine that has them signed, in the same memory. */
inline Span<const Token> tokens(Span<const std::int32_t> signed_tokens) noexcept {
    return {reinterpret_cast<const Token *>(signed_tokens.data()), signed_tokens.size()};
}

/** The names from `from` on. */
inline Span<const Plh> tail(Span<const Plh> names, std::size_t from) noexcept { return names.tail(from); }

/** The names of a request's complete blocks. */
inline Result<Names> names(const kvhash_request &request, Error *error = nullptr) noexcept {
    Names list;
    std::size_t count = 0;
    if (Status status = kvhash_request_count(&request, &count, error); !status) return status;
    if (!list.reserve(count)) return Status(KVCORE_ENOMEM);
    if (Status status = kvhash_request_names(&request, list.data(), count, &count, error); !status) return status;
    list.set_size(count);
    return list;
}

/* ---- guards ---- */

/** How a list of this kind goes: by drop() at the end of a scope, by release() when told. */
template <class Guard> struct GuardKind;
template <> struct GuardKind<kvlogical_mutable> {
    static constexpr auto release = kvlogical_release_mutable, drop = release;
};
template <> struct GuardKind<kvlogical_complete> {
    static constexpr auto release = kvlogical_release_complete, drop = release;
};
template <> struct GuardKind<kvlogical_immutable> {
    static constexpr auto release = kvlogical_release, drop = kvlogical_release_tail_first;
};
template <> struct GuardKind<kvlogical_pin> { static constexpr auto release = kvlogical_release_pins, drop = release; };
template <> struct GuardKind<kvlogical_weak> {
    static constexpr auto release = kvlogical_release_weak, drop = release;
};

/** A move-only list of guards of one manager. Iterating gives the blocks. Leaving a scope releases all, held ones tail first. */
template <class Guard> class Guards : private Array<Guard> {
    using Base = Array<Guard>;

  public:
    class Iterator {
      public:
        explicit Iterator(const Guard *at) noexcept : at_(at) {}
        Block operator*() const noexcept { return at_->block; }
        Iterator &operator++() noexcept { return ++at_, *this; }
        bool operator!=(Iterator other) const noexcept { return at_ != other.at_; }

      private:
        const Guard *at_;
    };

    Guards() noexcept = default;
    explicit Guards(kvlogical_manager *manager) noexcept : manager_(manager) {}
    Guards(Guards &&other) noexcept : Base(std::move(other)), manager_(std::exchange(other.manager_, nullptr)) {}
    Guards &operator=(Guards &&other) noexcept {
        Guards moved(std::move(other));
        Base::swap(moved), std::swap(manager_, moved.manager_);
        return *this;
    }
    ~Guards() { clear(); }

    using Base::data;
    using Base::empty;
    using Base::reserve;
    using Base::set_size;
    using Base::size;
    Iterator begin() const noexcept { return Iterator(data()); }
    Iterator end() const noexcept { return Iterator(data() + size()); }
    Block operator[](std::size_t i) const noexcept { return data()[i].block; }
    kvlogical_manager *manager() const noexcept { return manager_; }
    void bind(kvlogical_manager *manager) noexcept { manager_ = manager; } /**< of an empty list */

    /** Release all in index order, as the C call. */
    Status release() noexcept {
        if (empty()) return KVCORE_OK;
        Status status = GuardKind<Guard>::release(manager_, data(), size());
        if (status.code() != KVLOGICAL_EGUARD) set_size(0);
        return status;
    }
    /** Release all as the end of a scope does; the memory stays, for the next use. */
    void clear() noexcept {
        if (!empty()) static_cast<void>(GuardKind<Guard>::drop(manager_, data(), size()));
        set_size(0);
    }
    /** Take over the guards of another list. On failure (no memory, another manager) both are as they were. */
    Status append(Guards &&other) noexcept {
        if (other.empty() || &other == this) return KVCORE_OK;
        if (!empty() && manager_ != other.manager_) return KVLOGICAL_EGUARD;
        if (!reserve(size() + other.size())) return KVCORE_ENOMEM;
        std::memcpy(static_cast<void *>(data() + size()), other.data(), other.size() * sizeof(Guard));
        manager_ = other.manager_;
        set_size(size() + other.size()), other.set_size(0);
        return KVCORE_OK;
    }
    Status append(Result<Guards> &&other) noexcept { return other ? append(std::move(*other)) : other.status(); }
    /** The guards are of the next kind now, in the same memory: what a transition in place ends with. */
    template <class Next> Guards<Next> become() noexcept {
        Guards<Next> next(manager_);
        next.adopt(static_cast<Base &>(*this));
        return next;
    }

  private:
    template <class Other> friend class Guards;
    kvlogical_manager *manager_ = nullptr;
};

using Fresh = Guards<kvlogical_mutable>;
using Staged = Guards<kvlogical_complete>;
using Held = Guards<kvlogical_immutable>;
using Pins = Guards<kvlogical_pin>;
using WeakGuards = Guards<kvlogical_weak>;

/* ---- owners ---- */

/** Owns a C object. */
template <class T, void (*Destroy)(T *)> class Owner {
  public:
    Owner() noexcept = default;
    explicit Owner(T *object) noexcept : object_(object) {}
    Owner(Owner &&other) noexcept : object_(other.release()) {}
    Owner &operator=(Owner &&other) noexcept {
        if (T *old = std::exchange(object_, other.release())) Destroy(old);
        return *this;
    }
    ~Owner() {
        if (object_ != nullptr) Destroy(object_);
    }
    T *get() const noexcept { return object_; }
    T *release() noexcept { return std::exchange(object_, nullptr); } /**< the caller's from now on */
    explicit operator bool() const noexcept { return object_ != nullptr; }

  private:
    T *object_ = nullptr;
};

namespace detail {
template <class C> inline constexpr bool is_span = false;
template <class T> inline constexpr bool is_span<Span<T>> = true;
template <class C, class = void> inline constexpr bool has_data = false;
template <class C> inline constexpr bool has_data<C, std::void_t<decltype(std::declval<C &>().data())>> = true;
/** An rvalue of a container, not of a span or of a config. */
template <class C>
inline constexpr bool is_passing_container =
    !std::is_lvalue_reference_v<C> && has_data<std::remove_cv_t<C>> && !is_span<std::remove_cv_t<C>>;
inline void destroy_manager(kvlogical_manager *manager) noexcept {
    static_cast<void>(kvlogical_manager_destroy(manager));
}
inline void destroy_registry(kvlogical_registry *registry) noexcept {
    static_cast<void>(kvlogical_registry_destroy(registry));
}
inline kvlogical_config manager_config() noexcept { return KVLOGICAL_CONFIG_INIT; }
inline kvlogical_registry_config registry_config() noexcept { return KVLOGICAL_REGISTRY_CONFIG_INIT; }
inline kvhash_sequence_config sequence_config() noexcept { return KVHASH_SEQUENCE_CONFIG_INIT; }
inline kvlogical_request_config request_config() noexcept { return KVLOGICAL_REQUEST_CONFIG_INIT; }
} // namespace detail

struct RegistryConfig : kvlogical_registry_config {
    RegistryConfig() noexcept : kvlogical_registry_config(detail::registry_config()) {}
};

class Registry : public Owner<kvlogical_registry, detail::destroy_registry> {
  public:
    using Owner::Owner;
    static Result<Registry> create(const RegistryConfig &config, Error *error = nullptr) noexcept {
        kvlogical_registry *registry = nullptr;
        Status status = kvlogical_registry_create(&config, &registry, error);
        if (!status) return status;
        return Registry(registry);
    }
};

struct ManagerConfig : kvlogical_config {
    ManagerConfig() noexcept : kvlogical_config(detail::manager_config()) {}
};

class Manager : public Owner<kvlogical_manager, detail::destroy_manager> {
  public:
    using Owner::Owner;
    static Result<Manager> create(const ManagerConfig &config, Error *error = nullptr) noexcept {
        kvlogical_manager *manager = nullptr;
        Status status = kvlogical_manager_create(&config, &manager, error);
        if (!status) return status;
        return Manager(manager);
    }
    /** Destroy it now. KVCORE_EBUSY while guards are out: nothing has happened then. */
    Status close() noexcept {
        Status status = kvlogical_manager_destroy(get());
        if (status) static_cast<void>(release());
        return status;
    }

    /** `count` blocks behind those of the list. */
    Status allocate(std::size_t count, Fresh &blocks) const noexcept {
        if (Status status = room(blocks, count); !status) return status;
        Status status = kvlogical_allocate(get(), count, blocks.data() + blocks.size(), nullptr);
        if (status) blocks.set_size(blocks.size() + count);
        return status;
    }
    Result<Fresh> allocate(std::size_t count) const noexcept {
        return filled<kvlogical_mutable>([&](Fresh &list) { return allocate(count, list); });
    }
    /** The same, with the names of the blocks that had to go behind those of the list, in victim order. */
    Status allocate(std::size_t count, Fresh &blocks, Names &victims) const noexcept {
        if (Status status = room(blocks, count); !status) return status;
        if (!victims.reserve(victims.size() + count)) return KVCORE_ENOMEM;
        kvlogical_evicted evicted{victims.data() + victims.size(), 0};
        Status status = kvlogical_allocate(get(), count, blocks.data() + blocks.size(), &evicted);
        if (!status) return status;
        blocks.set_size(blocks.size() + count), victims.set_size(victims.size() + evicted.count);
        return status;
    }
    Result<Fresh> allocate(std::size_t count, Names &victims) const noexcept {
        return filled<kvlogical_mutable>([&](Fresh &list) { return allocate(count, list, victims); });
    }

    /** Name all blocks of the list; the memory of the list goes along. On failure the list is as it was. */
    Result<Staged> stage(Fresh &&blocks, Span<const Plh> names) const noexcept {
        if (names.size() != blocks.size()) return Status(KVCORE_EINVAL);
        Status status = kvlogical_stage(get(), blocks.data(), names.data(), blocks.size(),
                                        reinterpret_cast<kvlogical_complete *>(blocks.data()));
        if (!status) return status;
        return blocks.template become<kvlogical_complete>();
    }
    /** Name and register all blocks of one list, behind those of another: for lists that are reused. */
    Status register_blocks(Fresh &blocks, Span<const Plh> names, Held &held) const noexcept {
        if (names.size() != blocks.size()) return KVCORE_EINVAL;
        if (Status status = room(held, names.size()); !status) return status;
        auto *staged = reinterpret_cast<kvlogical_complete *>(blocks.data());
        Status status = kvlogical_stage(get(), blocks.data(), names.data(), names.size(), staged);
        if (!status) return status;
        status = kvlogical_register(get(), staged, names.size(), held.data() + held.size());
        if (!status) {
            static_cast<void>(!kvlogical_unstage(get(), staged, names.size(), blocks.data()));
            return status;
        }
        held.set_size(held.size() + names.size()), blocks.set_size(0);
        return status;
    }
    Result<Fresh> unstage(Staged &&staged) const noexcept {
        Status status = kvlogical_unstage(get(), staged.data(), staged.size(),
                                          reinterpret_cast<kvlogical_mutable *>(staged.data()));
        if (!status) return status;
        return staged.template become<kvlogical_mutable>();
    }
    Result<Held> register_blocks(Staged &&staged) const noexcept {
        Status status = kvlogical_register(get(), staged.data(), staged.size(),
                                           reinterpret_cast<kvlogical_immutable *>(staged.data()));
        if (!status) return status;
        return staged.template become<kvlogical_immutable>();
    }
    Result<Held> register_blocks(Result<Staged> &&staged) const noexcept {
        if (!staged) return staged.status();
        return register_blocks(std::move(*staged));
    }

    /** Hold the leading names that are here, behind those of the list. */
    Status match_prefix(Span<const Plh> names, Held &held) const noexcept {
        std::size_t hits = 0;
        if (Status status = room(held, names.size()); !status) return status;
        Status status = kvlogical_match_prefix(get(), names.data(), names.size(), held.data() + held.size(), &hits);
        if (status) held.set_size(held.size() + hits);
        return status;
    }
    /** The same as a list of its own; a failure reads as no hits. */
    Held match_prefix(Span<const Plh> names) const noexcept {
        Held held(get());
        static_cast<void>(match_prefix(names, held));
        return held;
    }
    /** held[i] is a hold on names[i], or empty. */
    Status match_scattered(Span<const Plh> names, Held &held) const noexcept {
        std::size_t hits = 0;
        if (Status status = room(held, names.size()); !status) return status;
        Status status = kvlogical_match_scattered(get(), names.data(), names.size(), held.data() + held.size(), &hits);
        if (status) held.set_size(held.size() + names.size());
        return status;
    }
    Result<Held> clone(const Held &held) const noexcept {
        return filled<kvlogical_immutable>([&](Held &copies) -> Status {
            if (!copies.reserve(held.size())) return KVCORE_ENOMEM;
            Status status = kvlogical_clone(get(), held.data(), held.size(), copies.data());
            if (status) copies.set_size(held.size());
            return status;
        });
    }
    Result<Pins> pin(const Held &held) const noexcept {
        return filled<kvlogical_pin>([&](Pins &pins) -> Status {
            if (!pins.reserve(held.size())) return KVCORE_ENOMEM;
            Status status = kvlogical_pin_blocks(get(), held.data(), held.size(), pins.data());
            if (status) pins.set_size(held.size());
            return status;
        });
    }
    Result<WeakGuards> downgrade(const Held &held) const noexcept {
        return filled<kvlogical_weak>([&](WeakGuards &weak) -> Status {
            if (!weak.reserve(held.size())) return KVCORE_ENOMEM;
            Status status = kvlogical_downgrade(get(), held.data(), held.size(), weak.data());
            if (status) weak.set_size(held.size());
            return status;
        });
    }

    kvlogical_counts counts() const noexcept { return kvlogical_manager_counts(get()); }
    std::uint32_t block_tokens() const noexcept { return kvlogical_manager_block_tokens(get()); }
    Status validate(Error *error = nullptr) const noexcept { return kvlogical_manager_validate(get(), error); }
    Status withdraw(Span<const Plh> names, std::size_t *withdrawn = nullptr) const noexcept {
        return kvlogical_withdraw(get(), names.data(), names.size(), withdrawn);
    }

  private:
    template <class Guard> Status room(Guards<Guard> &list, std::size_t more) const noexcept {
        if (list.empty()) list.bind(get());
        if (list.manager() != get()) return KVLOGICAL_EGUARD;
        return list.reserve(list.size() + more) ? KVCORE_OK : KVCORE_ENOMEM;
    }
    template <class Guard, class Fill> Result<Guards<Guard>> filled(Fill fill) const noexcept {
        Guards<Guard> list(get());
        if (Status status = fill(list); !status) return status;
        return list;
    }
};

struct SequenceConfig : kvhash_sequence_config {
    SequenceConfig() noexcept : kvhash_sequence_config(detail::sequence_config()) {}
};

class Sequence : public Owner<kvhash_sequence, kvhash_sequence_destroy> {
  public:
    using Owner::Owner;
    static Result<Sequence> create(const SequenceConfig &config, Error *error = nullptr) noexcept {
        kvhash_sequence *sequence = nullptr;
        Status status = kvhash_sequence_create(&config, &sequence, error);
        if (!status) return status;
        return Sequence(sequence);
    }
    Status append(Token token, kvhash_block_range *completed = nullptr) noexcept {
        return kvhash_sequence_append(get(), token, completed);
    }
    Status extend(Span<const Token> tokens, kvhash_block_range *completed = nullptr) noexcept {
        return kvhash_sequence_extend(get(), tokens.data(), tokens.size(), completed);
    }
    Status extend(Span<const std::int32_t> tokens, kvhash_block_range *completed = nullptr) noexcept {
        return extend(kv::tokens(tokens), completed);
    }
    Status truncate(std::size_t tokens) noexcept { return kvhash_sequence_truncate(get(), tokens); }
    std::size_t token_count() const noexcept { return kvhash_sequence_token_count(get()); }
    Span<const Plh> names() const noexcept {
        std::size_t count = 0;
        const Plh *first = kvhash_sequence_names(get(), &count);
        return {first, count};
    }
};

/** Blocks of somebody else's pool, by id. */
class ExternalAssignments : public Owner<kvlogical_external_assignments, kvlogical_external_assignments_destroy> {
  public:
    using Owner::Owner;
    static Result<ExternalAssignments> create(std::size_t offset = 0) noexcept {
        kvlogical_external_assignments *assignments = nullptr;
        Status status = kvlogical_external_assignments_create(offset, nullptr, &assignments);
        if (!status) return status;
        return ExternalAssignments(assignments);
    }
    Status extend(Span<const std::uint64_t> ids, Error *error = nullptr) noexcept {
        return kvlogical_external_assignments_extend(get(), ids.data(), ids.size(), error);
    }
    Status extend_assigned(Span<const kvlogical_assignment> blocks, Error *error = nullptr) noexcept {
        return kvlogical_external_assignments_extend_assigned(get(), blocks.data(), blocks.size(), error);
    }
    Status stage(Span<const Plh> names, kvlogical_range *staged = nullptr, Error *error = nullptr) noexcept {
        return kvlogical_external_assignments_stage(get(), names.data(), names.size(), staged, error);
    }
    kvlogical_range commit() noexcept { return kvlogical_external_assignments_commit(get()); }
    Status assign(Span<const Plh> names, kvlogical_range *assigned = nullptr, Error *error = nullptr) noexcept {
        return kvlogical_external_assignments_assign(get(), names.data(), names.size(), assigned, error);
    }
    void clear() noexcept { kvlogical_external_assignments_clear(get()); }
    bool contains(std::uint64_t id) const noexcept { return kvlogical_external_assignments_contains(get(), id); }
    kvlogical_external_assignments_view view() const noexcept { return kvlogical_external_assignments_view_of(get()); }
};

/** Blocks of one sequence, held by their guards. */
class Assignments : public Owner<kvlogical_assignments, kvlogical_assignments_destroy> {
  public:
    using Owner::Owner;
    static Result<Assignments> create(const Manager &manager) noexcept {
        kvlogical_assignments *assignments = nullptr;
        Status status = kvlogical_assignments_create(manager.get(), nullptr, &assignments);
        if (!status) return status;
        return Assignments(assignments);
    }
    Status extend(Fresh &&blocks, Error *error = nullptr) noexcept {
        Status status = kvlogical_assignments_extend(get(), blocks.data(), blocks.size(), error);
        if (status) blocks.set_size(0);
        return status;
    }
    Status extend_assigned(Held &&held, Error *error = nullptr) noexcept {
        Status status = kvlogical_assignments_extend_assigned(get(), held.data(), held.size(), error);
        if (status) held.set_size(0);
        return status;
    }
    Result<std::size_t> stage(Span<const Plh> names, Error *error = nullptr) noexcept {
        std::size_t staged = 0;
        Status status =
            kvlogical_assignments_stage(get(), names.data(), nullptr, names.size(), &staged, nullptr, error);
        if (!status) return status;
        return staged;
    }
    Status register_staged() noexcept { return kvlogical_assignments_register(get(), nullptr); }
    void clear() noexcept { kvlogical_assignments_clear(get()); }
    bool contains(std::uint64_t key) const noexcept { return kvlogical_assignments_contains(get(), key); }
    kvlogical_assignments_view view() const noexcept { return kvlogical_assignments_view_of(get()); }
};

/* ---- requests ---- */

struct RequestConfig : kvlogical_request_config {
    RequestConfig() noexcept : kvlogical_request_config(detail::request_config()) {}
    /** The tokens are borrowed until the request is made. */
    explicit RequestConfig(Span<const Token> input) noexcept : RequestConfig() {
        tokens = input.data(), token_count = input.size();
    }
    explicit RequestConfig(Span<const std::int32_t> input) noexcept : RequestConfig(kv::tokens(input)) {}
    /** Not from a container that is gone before the request is made. */
    template <class C, class = std::enable_if_t<detail::is_passing_container<C>>> explicit RequestConfig(C &&) = delete;
};

class Request : public Owner<kvlogical_request, kvlogical_request_destroy> {
  public:
    using Owner::Owner;
    static Result<Request> create(const Manager &manager, const RequestConfig &config,
                                  Error *error = nullptr) noexcept {
        kvlogical_request *request = nullptr;
        Status status = kvlogical_request_create(manager.get(), &config, &request, error);
        if (!status) return status;
        return Request(request);
    }

    Result<std::size_t> match_prefix() noexcept { return counted(kvlogical_request_match_prefix); }
    Status add_matched(Held &&held, Error *error = nullptr) noexcept {
        Status status = kvlogical_request_add_matched(get(), held.data(), held.size(), error);
        if (status) held.set_size(0);
        return status;
    }
    Status allocate(std::size_t blocks) noexcept { return kvlogical_request_allocate(get(), blocks); }
    Status register_computed(std::size_t tokens, Error *error = nullptr) noexcept {
        return kvlogical_request_register_computed(get(), tokens, error);
    }
    Status append(Token token, kvhash_block_range *completed = nullptr) noexcept {
        return kvlogical_request_append(get(), token, completed);
    }
    bool complete() const noexcept { return kvlogical_request_is_complete(get()); }
    std::size_t blocks_missing() const noexcept { return kvlogical_request_blocks_missing(get()); }
    Status drop_unassigned(std::size_t blocks) noexcept {
        return kvlogical_request_drop_unassigned(get(), blocks, nullptr);
    }
    Status release_blocks() noexcept { return kvlogical_request_release(get()); }
    Result<std::size_t> reacquire() noexcept { return counted(kvlogical_request_reacquire); }
    /** *copy: what the engine must copy before the fork computes. */
    Result<Request> fork(kvlogical_block_copy *copy) const noexcept {
        kvlogical_request *child = nullptr;
        Status status = kvlogical_request_fork(get(), &child, copy);
        if (!status) return status;
        return Request(child);
    }

    Status schedule_prefill(std::size_t tokens, Error *error = nullptr) noexcept {
        return kvlogical_request_schedule_prefill(get(), tokens, error);
    }
    Status apply_prefill(Error *error = nullptr) noexcept {
        return kvlogical_request_apply_prefill(get(), nullptr, nullptr, error);
    }
    Status apply_prefill(Token token, Error *error = nullptr) noexcept {
        return kvlogical_request_apply_prefill(get(), &token, nullptr, error);
    }
    Status schedule_decode(Error *error = nullptr) noexcept { return kvlogical_request_schedule_decode(get(), error); }
    Status apply_decode(Token token, std::uint32_t *outcome = nullptr, Error *error = nullptr) noexcept {
        return kvlogical_request_apply_decode(get(), token, outcome, error);
    }
    Status schedule_speculative(std::size_t drafts, std::size_t *scheduled = nullptr, Error *error = nullptr) noexcept {
        return kvlogical_request_schedule_speculative(get(), drafts, scheduled, error);
    }
    Status apply_speculative(Span<const Token> accepted, std::uint32_t *outcome = nullptr,
                             Error *error = nullptr) noexcept {
        return kvlogical_request_apply_speculative(get(), accepted.data(), accepted.size(), outcome, error);
    }
    Status revert_schedule(Error *error = nullptr) noexcept { return kvlogical_request_revert_schedule(get(), error); }
    Status append_tokens(Span<const Token> tokens, Error *error = nullptr) noexcept {
        return kvlogical_request_append_tokens(get(), tokens.data(), tokens.size(), error);
    }

    kvlogical_request_counts counts() const noexcept { return kvlogical_request_count(get()); }
    /** The page table from block `first` on, if it fits; returns how many there are. */
    std::size_t blocks(std::size_t first, Span<Block> out) const noexcept {
        std::size_t count = 0;
        static_cast<void>(!kvlogical_request_blocks(get(), first, out.data(), out.size(), &count));
        return count;
    }
    Span<const Plh> names() const noexcept {
        std::size_t count = 0;
        const Plh *first = kvhash_sequence_names(kvlogical_request_sequence(get()), &count);
        return {first, count};
    }
    Span<const Token> tokens() const noexcept {
        const kvhash_sequence *sequence = kvlogical_request_sequence(get());
        std::size_t count = 0;
        const Token *first = kvhash_sequence_tokens(sequence, 0, kvhash_sequence_token_count(sequence), &count);
        return {first, count};
    }

  private:
    Result<std::size_t> counted(kvcore_status (*call)(kvlogical_request *, std::size_t *)) noexcept {
        std::size_t blocks = 0;
        Status status = call(get(), &blocks);
        if (!status) return status;
        return blocks;
    }
};

} // namespace kv

#endif

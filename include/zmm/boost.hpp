// The Boost faces: an engine behind boost::container::pmr::memory_resource, which Boost.JSON uses too, alone or together
// with std::pmr::memory_resource. Needs Boost's headers, no Boost library. Not part of zmm.hpp.
#pragma once

#include <zmm/resource.hpp>

#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/polymorphic_allocator.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// Boost.JSON 1.81, when it abandons a parse, frees an object's key with alignment 16 that it took with 1. The two
/// would lead to different bins, so these faces align what is aligned to less to 16, on both ways.
inline constexpr std::size_t boost_alignment = 16;
}  // namespace detail

/// A view of an engine, which outlives it. Two views are equal only if they are one: pass the same view to containers
/// that are to exchange memory. Every block is aligned to 16 at least: free what comes from the view through it, and
/// not through the engine, whose members are here too. Throws what the engine throws, which is std::bad_alloc, not Boost's.
///
///     zmm::request_heap request;
///     zmm::boost_resource<zmm::request_heap> view{request};
///     boost::json::value document = boost::json::parse(text, &view);
template <class Heap>
class boost_resource final : public boost::container::pmr::memory_resource,
                             public detail::engine_calls<boost_resource<Heap>, Heap, detail::boost_alignment> {
  using base = detail::engine_calls<boost_resource<Heap>, Heap, detail::boost_alignment>;

public:
  using base::allocate;
  using base::deallocate;

  explicit boost_resource(Heap& of) noexcept : heap_(&of) {}

  Heap& heap() const noexcept { return *heap_; }

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return heap_->allocate(bytes, detail::raised<detail::boost_alignment>(alignment), typename Heap::site{});
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    heap_->deallocate_nonnull(block, bytes, detail::raised<detail::boost_alignment>(alignment));
  }
  bool do_is_equal(boost::container::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  Heap* heap_;
};

/// Owns an engine and is a memory_resource of both worlds: std::pmr containers, Boost's pmr containers and Boost.JSON
/// share one heap, each through a virtual call of its own and no adaptor. Two are equal only if they are one. The
/// engine's members are here too; what is said there holds. Threads: as the engine.
///
/// Every block is aligned to 16 at least, whichever way it is asked for, so that a block may be freed through either
/// base or the members here, with the size and the alignment it was allocated with. Do not free it through
/// heap(): there, sizes of up to 56 bytes may belong to another bin. It costs up to 8 bytes for such sizes; where only std::pmr is used, take
/// resource<Heap>.
///
///     zmm::dual_resource<zmm::request_heap> request;
///     std::pmr::vector<int> numbers{&request};
///     boost::json::value document = boost::json::parse(text, &request);
template <class Heap>
class dual_resource final : public std::pmr::memory_resource,
                            public boost::container::pmr::memory_resource,
                            public detail::owned_engine<Heap, detail::boost_alignment> {
  using base = detail::owned_engine<Heap, detail::boost_alignment>;
  using std_resource = std::pmr::memory_resource;
  using boost_base = boost::container::pmr::memory_resource;

public:
  using base::allocate;
  using base::deallocate;
  using boost_base::is_equal;
  using std_resource::is_equal;

  /// As the engine is made; `dual_resource(zmm::within, parent)` takes the parent's resource.
  template <class First, class... Rest, class = detail::enable_if_engine_from<Heap, First, Rest...>>
  explicit dual_resource(First&& first, Rest&&... rest) noexcept
      : base(std::in_place, std::forward<First>(first), std::forward<Rest>(rest)...) {}
  dual_resource() noexcept : base(std::in_place) {}

  /// Runs what is registered for the end while calls through this object still work: it may allocate.
  ~dual_resource() override { this->heap().run_end(); }

  /// Request resources. As resource::create(); a T that takes a polymorphic allocator of either world gets this
  /// resource.
  template <class T, class... Args> T* create(Args&&... args) {
    return this->heap().template create_with<T>([&](void* place) {
      using std_allocator = std::pmr::polymorphic_allocator<std::byte>;
      using boost_allocator = boost::container::pmr::polymorphic_allocator<std::byte>;
      if constexpr (std::uses_allocator_v<T, std_allocator>) {
        return detail::construct_with<T>(std_allocator(this), place, std::forward<Args>(args)...);
      } else if constexpr (std::uses_allocator_v<T, boost_allocator>) {
        return detail::construct_with<T>(boost_allocator(this), place, std::forward<Args>(args)...);
      } else {
        return ::new (place) T(std::forward<Args>(args)...);
      }
    });
  }

  bool is_equal(dual_resource const& other) const noexcept { return this == &other; }
  friend bool operator==(dual_resource const& a, dual_resource const& b) noexcept { return &a == &b; }
  friend bool operator!=(dual_resource const& a, dual_resource const& b) noexcept { return &a != &b; }

private:
  // One function overrides those of both bases.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return base::allocate(bytes, alignment, typename Heap::site{});
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    base::deallocate(block, bytes, alignment);
  }
  bool do_is_equal(std_resource const& other) const noexcept override {
    return static_cast<std_resource const*>(this) == &other;
  }
  bool do_is_equal(boost_base const& other) const noexcept override {
    return static_cast<boost_base const*>(this) == &other;
  }
};

}}  // namespace zmm

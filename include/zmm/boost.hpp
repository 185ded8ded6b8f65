// The Boost faces: an engine behind boost::container::pmr::memory_resource, which Boost.JSON uses, too. Alone, or
// together with std::pmr::memory_resource. Needs Boost's headers, but no Boost library. Not part of zmm.hpp.
#pragma once

#include <zmm/resource.hpp>

#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/polymorphic_allocator.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// When Boost.JSON 1.81 abandons a parse, it frees an object's key with alignment 16 that it allocated with 1. The two
/// could lead to different bins. So these faces raise every alignment to at least 16, in allocations and frees.
inline constexpr std::size_t boost_alignment = 16;
}  // namespace detail

/// A view of an engine, which outlives it. Two views are equal only if they are the same object: pass one view to all
/// containers that exchange memory. Every block is aligned to at least 16. Free blocks of the view through the view, not
/// through the engine. Has the engine's members, too. Throws what the engine throws: std::bad_alloc, not Boost's own.
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

/// Owns an engine and is a memory_resource for both worlds: std::pmr containers, Boost's pmr containers and Boost.JSON
/// share one heap, each by one virtual call, without an adaptor. Two are equal only if they are the same object. Has the
/// engine's members, too, which are described there. Threads: as the engine.
///
/// Every block is aligned to at least 16, whatever alignment is asked for. So a block may be freed through either base or
/// the members here, with the size and the alignment it was allocated with. Do not free it through heap(), which does not
/// raise the alignment: a size of up to 56 bytes may lead to another bin. The alignment costs up to 8 bytes for these
/// sizes; for std::pmr alone, take resource<Heap>.
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

  /// Takes the arguments of the engine's constructors; in `dual_resource(zmm::within, parent)` the parent is a resource.
  template <class First, class... Rest, class = detail::enable_if_engine_from<Heap, First, Rest...>>
  explicit dual_resource(First&& first, Rest&&... rest) noexcept
      : base(std::in_place, std::forward<First>(first), std::forward<Rest>(rest)...) {}
  dual_resource() noexcept : base(std::in_place) {}

  /// Runs what on_end() registered, which may still allocate from this object.
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
  // Each function overrides those of both bases.
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

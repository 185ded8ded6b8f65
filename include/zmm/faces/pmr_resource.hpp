// The std::pmr face: an engine behind std::pmr::memory_resource. It knows no engine: heap_resource.hpp and its like bring theirs.
#pragma once

#include <zmm/base/utility.hpp>
#include <zmm/faces/owned_engine.hpp>

#include <memory_resource>
#include <tuple>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// Builds a T at `place` that takes `allocator`, in front (std::allocator_arg) or at the end, as its constructor asks.
/// The standard library spells uses-allocator construction out only from C++20 on.
template <class T, class Allocator, class... Args>
T* construct_with(Allocator const& allocator, void* place, Args&&... args) {
  if constexpr (std::is_constructible_v<T, std::allocator_arg_t, Allocator const&, Args...>) {
    return ::new (place) T(std::allocator_arg, allocator, std::forward<Args>(args)...);
  } else {
    static_assert(std::is_constructible_v<T, Args..., Allocator const&>,
                  "a type with an allocator_type is built with the allocator in front or at the end");
    return ::new (place) T(std::forward<Args>(args)..., allocator);
  }
}
}  // namespace detail

/// Owns an engine and hands its memory to polymorphic allocators. Two resources are equal only if they are one.
/// The engine's members are here too; what is said there holds. Threads: as the engine.
///
///     zmm::request_resource request;
///     std::pmr::vector<std::pmr::string> words{&request};
template <class Heap>
class resource final : public std::pmr::memory_resource, public detail::owned_engine<Heap> {
  using base = detail::owned_engine<Heap>;

public:
  using base::allocate;
  using base::deallocate;

  /// As the engine is made; `resource(zmm::within, parent)` takes the parent's resource.
  template <class First, class... Rest, class = detail::enable_if_engine_from<Heap, First, Rest...>>
  constexpr explicit resource(First&& first, Rest&&... rest) noexcept
      : base(std::in_place, std::forward<First>(first), std::forward<Rest>(rest)...) {}
  constexpr resource() noexcept : base(std::in_place) {}

  /// Runs what is registered for the end while calls through this object still work: it may allocate.
  ~resource() override { this->run_end(); }

  /// Request resources. Effects: builds a T from `args` in the request, to be destroyed at its end, newest first. A T
  /// that takes a polymorphic allocator gets this resource, in front (std::allocator_arg) or at the end, as its
  /// constructor asks; a std::pair is built as it is. Returns: the T. Throws: as allocate() and as T's constructor;
  /// then nothing is left behind.
  template <class T, class... Args> T* create(Args&&... args) {
    return this->heap().template create_with<T>([&](void* place) {
      using allocator_type = std::pmr::polymorphic_allocator<std::byte>;
      if constexpr (std::uses_allocator_v<T, allocator_type>) {
        return detail::construct_with<T>(allocator_type(this), place, std::forward<Args>(args)...);
      } else {
        return ::new (place) T(std::forward<Args>(args)...);
      }
    });
  }

private:
  [[gnu::aligned(64)]] void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return this->heap().allocate(bytes, alignment, typename Heap::site{});
  }
  [[gnu::aligned(64)]] void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    this->heap().deallocate_nonnull(block, bytes, alignment);
  }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }
};

}}  // namespace zmm

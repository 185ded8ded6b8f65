// The std::pmr face: an engine behind std::pmr::memory_resource. Includes no engine: heap_resource.hpp and the like do.
#pragma once

#include <zmm/base/utility.hpp>
#include <zmm/faces/owned_engine.hpp>

#include <memory_resource>
#include <tuple>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// Constructs a T at `place`, passing `allocator` first (behind std::allocator_arg) or last, as its constructor takes it.
/// The standard library has a function for uses-allocator construction only from C++20 on.
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

/// Owns an engine and serves polymorphic allocators from it. Two resources are equal only if they are the same object.
/// Has the engine's members, too, which are described there. Threads: as the engine.
///
///     zmm::request_resource request;
///     std::pmr::vector<std::pmr::string> words{&request};
template <class Heap>
class resource final : public std::pmr::memory_resource, public detail::owned_engine<Heap> {
  using base = detail::owned_engine<Heap>;

public:
  using base::allocate;
  using base::deallocate;

  /// Takes the arguments of the engine's constructors; in `resource(zmm::within, parent)` the parent is a resource.
  template <class First, class... Rest, class = detail::enable_if_engine_from<Heap, First, Rest...>>
  constexpr explicit resource(First&& first, Rest&&... rest) noexcept
      : base(std::in_place, std::forward<First>(first), std::forward<Rest>(rest)...) {}
  constexpr resource() noexcept : base(std::in_place) {}

  /// Runs what on_end() registered, which may still allocate from this object.
  ~resource() override { this->run_end(); }

  /// Request resources. Effects: constructs a T from `args` in the request, which destroys it at its end, newest first. A T
  /// that takes a polymorphic allocator gets this resource, first (behind std::allocator_arg) or last, as its constructor
  /// takes it; but the members of a std::pair do not. Returns: the T. Throws: as allocate() and as T's constructor; then
  /// nothing is left behind.
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

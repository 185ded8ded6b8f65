// The std::pmr face: an engine behind std::pmr::memory_resource.
#pragma once

#include <zmm/heap/heap.hpp>
#include <zmm/heap/request_heap.hpp>

#include <memory_resource>
#include <tuple>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// What an engine's constructor is given for a resource's argument: a resource stands for its engine, and a number,
/// which may be an int here, for a size.
template <class T> decltype(auto) engine_argument(T&& argument) noexcept {
  if constexpr (std::is_integral_v<std::decay_t<T>>) {
    return static_cast<std::size_t>(argument);
  } else {
    return static_cast<T&&>(argument);
  }
}
template <class Heap> Heap& engine_argument(resource<Heap>& face) noexcept { return face.heap(); }
}  // namespace detail

/// Owns an engine and hands its memory to polymorphic allocators. Two resources are equal only if they are one.
/// The engine's members are here too; what is said there holds. Threads: as the engine.
///
///     zmm::request_resource request;
///     std::pmr::vector<std::pmr::string> words{&request};
template <class Heap> class resource final : public std::pmr::memory_resource {
public:
  using engine_type = Heap;
  using site = typename Heap::site;
  using limit_hook = typename Heap::limit_hook;

  /// As the engine is made; `resource(zmm::within, parent)` takes the parent's resource.
  template <class... Args, class = std::enable_if_t<std::is_constructible_v<
                               Heap, decltype(detail::engine_argument(std::declval<Args>()))...>>>
  explicit resource(Args&&... args) noexcept : heap_(detail::engine_argument(std::forward<Args>(args))...) {}

  resource(resource const&) = delete;
  resource& operator=(resource const&) = delete;

  /// Runs what is registered for the end while calls through this object still work: it may allocate.
  ~resource() override { heap_.run_end(); }

  Heap& heap() noexcept { return heap_; }
  Heap const& heap() const noexcept { return heap_; }

  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                               site where = site::here()) {
    return heap_.allocate(bytes, alignment, where);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                   site where = site::here()) noexcept {
    return heap_.try_allocate(bytes, alignment, where);
  }
  /// Requires: block is not null, as for every memory_resource.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    heap_.deallocate_nonnull(block, bytes, alignment);
  }
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept {
    return heap_.resize_in_place(block, old_bytes, min_bytes, preferred_bytes);
  }

  void release() noexcept { heap_.release(); }
  std::size_t trim() noexcept { return heap_.trim(); }
  std::size_t collect() noexcept { return heap_.collect(); }
  bool set_limit(std::size_t bytes) noexcept { return heap_.set_limit(bytes); }
  std::size_t limit() const noexcept { return heap_.limit(); }
  std::size_t remaining() const noexcept { return heap_.remaining(); }
  void on_limit(limit_hook hook, void* user) noexcept { heap_.on_limit(hook, user); }
  statistics stats() const { return heap_.stats(); }
  std::size_t real_size() const noexcept { return heap_.real_size(); }
  std::size_t real_peak() const noexcept { return heap_.real_peak(); }
  void reset_peak() noexcept { heap_.reset_peak(); }
  void verify() const { heap_.verify(); }

  void lift_limit() noexcept { heap_.lift_limit(); }      ///< for limit_lift
  void unlift_limit() noexcept { heap_.unlift_limit(); }  ///< for limit_lift

  /// Request resources. Effects: `f()` is called at the end of the request; newest first. Throws: as allocate().
  template <class F> void on_end(F&& f) { heap_.on_end(std::forward<F>(f)); }

  /// Request resources. Effects: builds a T from `args` in the request, to be destroyed at its end, newest first. A T
  /// that takes a polymorphic allocator gets this resource, in front (std::allocator_arg) or at the end, as its
  /// constructor asks; a std::pair is built as it is. Returns: the T. Throws: as allocate() and as T's constructor;
  /// then nothing is left behind.
  template <class T, class... Args> T* create(Args&&... args) {
    return heap_.template create_with<T>([&](void* place) { return construct<T>(place, std::forward<Args>(args)...); });
  }

private:
  /// Uses-allocator construction, which the standard library spells out only from C++20 on.
  template <class T, class... Args> T* construct(void* place, Args&&... args) {
    using bytes_allocator = std::pmr::polymorphic_allocator<std::byte>;
    if constexpr (!std::uses_allocator_v<T, bytes_allocator>) {
      return ::new (place) T(std::forward<Args>(args)...);
    } else if constexpr (std::is_constructible_v<T, std::allocator_arg_t, bytes_allocator, Args...>) {
      return ::new (place) T(std::allocator_arg, bytes_allocator(this), std::forward<Args>(args)...);
    } else {
      static_assert(std::is_constructible_v<T, Args..., bytes_allocator>,
                    "a type with an allocator_type is built with the allocator in front or at the end");
      return ::new (place) T(std::forward<Args>(args)..., bytes_allocator(this));
    }
  }

  [[gnu::aligned(64)]] void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return heap_.allocate(bytes, alignment);
  }
  [[gnu::aligned(64)]] void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    heap_.deallocate_nonnull(block, bytes, alignment);
  }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }

  Heap heap_;
};

}}  // namespace zmm

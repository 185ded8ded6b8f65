// What every resource is made of: an engine it owns, and the engine's members.
#pragma once

#include <zmm/heap/heap.hpp>
#include <zmm/request/request_heap.hpp>

#include <type_traits>
#include <utility>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

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
template <class Heap> Heap& engine_argument(dual_resource<Heap>& face) noexcept { return face.heap(); }

template <class Heap, class... Args>
using enable_if_engine_from =
    std::enable_if_t<std::is_constructible_v<Heap, decltype(engine_argument(std::declval<Args>()))...>>;

/// `alignment`, or `Least` if that is less. What is no power of two stays none, so that the engine refuses it.
template <std::size_t Least> ZMM_INLINE constexpr std::size_t raised(std::size_t alignment) noexcept {
  if constexpr (Least == 1) {
    return alignment;
  } else {
    return alignment - 1 < Least - 1 ? (alignment & (alignment - 1)) | Least : alignment;
  }
}

/// The base of the resources: owns an engine and has its members; what is said there holds. Blocks are aligned to
/// `LeastAlignment` at least, on every way in and out. Threads: as the engine.
template <class Heap, std::size_t LeastAlignment = 1> class owned_engine {
public:
  using engine_type = Heap;
  using site = typename Heap::site;
  using limit_hook = typename Heap::limit_hook;

  owned_engine(owned_engine const&) = delete;
  owned_engine& operator=(owned_engine const&) = delete;

  Heap& heap() noexcept { return heap_; }
  Heap const& heap() const noexcept { return heap_; }

  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                               site where = site::here()) {
    return heap_.allocate(bytes, raised<LeastAlignment>(alignment), where);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                   site where = site::here()) noexcept {
    return heap_.try_allocate(bytes, raised<LeastAlignment>(alignment), where);
  }
  /// Requires: block is not null, as for every memory_resource.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    heap_.deallocate_nonnull(block, bytes, raised<LeastAlignment>(alignment));
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

protected:
  template <class... Args>
  explicit owned_engine(std::in_place_t, Args&&... args) noexcept
      : heap_(engine_argument(std::forward<Args>(args))...) {}
  ~owned_engine() = default;

private:
  Heap heap_;
};

}}}  // namespace zmm::detail

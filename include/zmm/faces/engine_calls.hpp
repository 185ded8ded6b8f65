// The members of an engine, as members of a face.
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// `alignment`, but at least `Least`. What is not a power of two stays that, so that the engine refuses it.
template <std::size_t Least> ZMM_INLINE constexpr std::size_t raised(std::size_t alignment) noexcept {
  if constexpr (Least == 1) {
    return alignment;
  } else {
    return alignment - 1 < Least - 1 ? (alignment & (alignment - 1)) | Least : alignment;
  }
}

/// The base of a face whose heap() is its engine. Has the engine's members, which are described there. Aligns blocks to at
/// least `LeastAlignment`, in every call. Threads: as the engine.
template <class Face, class Heap, std::size_t LeastAlignment = 1> class engine_calls {
public:
  using engine_type = Heap;
  using options = typename Heap::options;
  using geometry = typename Heap::geometry;
  using site = typename Heap::site;
  using limit_hook = typename Heap::limit_hook;

  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                               site where = site::here()) {
    return engine().allocate(bytes, raised<LeastAlignment>(alignment), where);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                   site where = site::here()) noexcept {
    return engine().try_allocate(bytes, raised<LeastAlignment>(alignment), where);
  }
  /// Requires: block is not null, as for every memory_resource.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    engine().deallocate_nonnull(block, bytes, raised<LeastAlignment>(alignment));
  }
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept {
    return engine().resize_in_place(block, old_bytes, min_bytes, preferred_bytes);
  }
  [[nodiscard]] std::size_t usable_size(void const* block, std::size_t bytes,
                                        std::size_t alignment = alignof(std::max_align_t)) const noexcept {
    return engine().usable_size(block, bytes, raised<LeastAlignment>(alignment));
  }

  void release() noexcept { engine().release(); }
  void run_end() noexcept { engine().run_end(); }
  std::size_t trim() noexcept { return engine().trim(); }
  std::size_t collect() noexcept { return engine().collect(); }
  [[nodiscard]] bool set_limit(std::size_t bytes) noexcept { return engine().set_limit(bytes); }
  std::size_t limit() const noexcept { return engine().limit(); }
  std::size_t remaining() const noexcept { return engine().remaining(); }
  void on_limit(limit_hook hook, void* user) noexcept { engine().on_limit(hook, user); }
  statistics stats() const { return engine().stats(); }
  std::size_t real_size() const noexcept { return engine().real_size(); }
  std::size_t real_peak() const noexcept { return engine().real_peak(); }
  void reset_peak() noexcept { engine().reset_peak(); }
  void verify() const { engine().verify(); }
  template <class Visit> bool visit(Visit&& visit) const { return engine().visit(visit); }

  void lift_limit() noexcept { engine().lift_limit(); }      ///< for limit_lift
  void unlift_limit() noexcept { engine().unlift_limit(); }  ///< for limit_lift

  /// Request engines. Effects: `f()` is called at the end of the request; newest first. Throws: as allocate().
  template <class F> void on_end(F&& f) { engine().on_end(static_cast<F&&>(f)); }

protected:
  engine_calls() = default;
  ~engine_calls() = default;

private:
  Heap& engine() noexcept { return static_cast<Face&>(*this).heap(); }
  Heap const& engine() const noexcept { return static_cast<Face const&>(*this).heap(); }
};

}}}  // namespace zmm::detail

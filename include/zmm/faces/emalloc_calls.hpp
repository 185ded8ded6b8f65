// The calls that the emalloc functions make to an engine that finds a block by its address: the same for every engine.
#pragma once

#include <zmm/blocks/free_slot.hpp>
#include <zmm/threads/thread_heap.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The alignment that a C program expects of malloc.
inline constexpr std::size_t malloc_alignment = alignof(std::max_align_t);

/// The place of a call, for an engine that takes one.
template <class Engine> ZMM_INLINE constexpr auto site_for([[maybe_unused]] call_site where) noexcept {
  using site = typename Engine::site;
  if constexpr (std::is_constructible_v<site, call_site>) return site(where);
  else return site{};
}

template <class Engine, class = void> inline constexpr bool tells_by_address = false;
template <class Engine>
inline constexpr bool tells_by_address<Engine, decltype(static_cast<void>(std::declval<Engine&>().owns(nullptr)))> =
    true;

/// Calls to one engine. All take what C programs pass: a null block, 0 bytes.
template <class Engine> struct emalloc_calls {
  static_assert(tells_by_address<Engine>, "zmm: emalloc needs an engine that tells a block by its address");

  ZMM_INLINE static void* allocate(Engine& e, std::size_t bytes, std::size_t alignment, call_site where) {
    return e.allocate(bytes, alignment, site_for<Engine>(where));
  }
  ZMM_INLINE static void deallocate(Engine& e, void* block, call_site) noexcept { e.deallocate(block); }

  static void* reallocate(Engine& e, void* block, std::size_t bytes, std::size_t copied, std::size_t alignment,
                          call_site where) {
    if (block == nullptr) return allocate(e, bytes, alignment, where);
    return e.reallocate(block, bytes, copied, alignment);
  }
  /// As reallocate(), but returns null where that throws; the block is then unchanged.
  static void* try_reallocate(Engine& e, void* block, std::size_t bytes, std::size_t alignment,
                              call_site where) noexcept {
    if (block == nullptr) return e.try_allocate(bytes, alignment, site_for<Engine>(where));
    return e.try_reallocate(block, bytes, std::align_val_t{alignment});
  }

  static std::size_t usable_size(Engine& e, void const* block) noexcept { return e.usable_size(block); }
  static statistics stats(Engine& e) { return e.stats(); }
  static void reset_peak(Engine& e) noexcept { e.reset_peak(); }
  static bool set_limit(Engine& e, std::size_t bytes) noexcept { return e.set_limit(bytes); }

  /// Returns: bytes made free or bytes given back to storage, whichever are more: most often the same bytes.
  static std::size_t collect(Engine& e) noexcept {
    std::size_t const made_free = e.collect(), given_back = e.trim();
    return made_free > given_back ? made_free : given_back;
  }
  static void shut_down(Engine& e, bool silent, bool full) noexcept {
    if (silent) {
      if constexpr (std::is_same_v<Engine, thread_heap>) watched_calls::end_all_silently(e.heap());
      else watched_calls::end_all_silently(e);
    }
    e.release();
    if (full) e.trim();
  }
};

}}}  // namespace zmm::detail

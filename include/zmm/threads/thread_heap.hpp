// The process's heap, for any thread: it need not be made.
#pragma once

#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A synchronized_heap over os_storage() that exists before main and after it: behind allocator<T>{}, thread_resource()
/// and replace_new.hpp. All members are static; the class is empty, and any two objects of it stand for the same heap.
/// Effects, returns, throws, complexity, threads: as synchronized_heap.
///
/// There is one for each process, whatever the visibility of symbols, if the process's shared objects find each other's
/// symbols: a program that uses zmm, and opens plugins that use it too, has to be linked with -rdynamic (CMake:
/// ENABLE_EXPORTS), and objects compiled by clang have to be opened with RTLD_GLOBAL; g++ makes the heap unique among
/// objects by itself. Otherwise each object has a heap of its own, and so have objects compiled with flags that change
/// ZMM_ABI. A block has to be freed by the object that allocated it. One that is not is noticed by stats(), or by the
/// first magazine, run or huge block that comes to the wrong heap, and reported to the stop handler.
class thread_heap {
  using heap_type = basic_synchronized_heap<default_options>;

public:
  using options = default_options;
  using geometry = options::geometry;
  using site = options::site;
  using limit_hook = heap_type::limit_hook;
  static constexpr std::size_t slot_limit = heap_type::slot_limit;

  [[nodiscard]] ZMM_INLINE static void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                                 site where = site::here()) {
    if (void* const slot = heap_type::pop(cache(), bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return heap().template allocate_miss<true>(bytes, alignment, where);
  }
  [[nodiscard]] ZMM_INLINE static void* try_allocate(std::size_t bytes,
                                                     std::size_t alignment = alignof(std::max_align_t),
                                                     site where = site::here()) noexcept {
    if (void* const slot = heap_type::pop(cache(), bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return heap().template allocate_miss<false>(bytes, alignment, where);
  }
  ZMM_INLINE static void deallocate(void* block, std::size_t bytes,
                                    std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (ZMM_LIKELY(block != nullptr)) deallocate_nonnull(block, bytes, alignment);
  }
  ZMM_INLINE static void deallocate_nonnull(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(!heap().give_from(cache(), block, bytes, alignment)))
      heap().deallocate_miss(block, bytes, alignment);
  }

  [[nodiscard]] static void* allocate_growing(std::size_t bytes, std::size_t alignment) {
    return heap().allocate_growing(bytes, alignment);
  }
  [[nodiscard]] static void* try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept {
    return heap().try_allocate_growing(bytes, alignment);
  }

  static void deallocate(void* block) noexcept { heap().deallocate(block); }
  [[nodiscard]] static std::size_t usable_size(void const* block) noexcept { return heap().usable_size(block); }
  [[nodiscard]] static std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) noexcept {
    return heap().usable_size(block, bytes, alignment);
  }
  [[nodiscard]] static bool owns(void const* p) noexcept { return heap().owns(p); }
  [[nodiscard]] static void* reallocate(void* block, std::size_t bytes,
                                        std::align_val_t alignment = detail::usual_alignment) {
    return heap().reallocate(block, bytes, alignment);
  }
  [[nodiscard, deprecated(ZMM_REALLOCATE_WITH_THREE)]] static void* reallocate(void* block, std::size_t bytes,
                                                                               std::size_t alignment) {
    return heap().reallocate(block, bytes, std::align_val_t{alignment});
  }
  [[nodiscard]] static void* reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment) {
    return heap().reallocate(block, bytes, copy_bytes, alignment);
  }
  [[nodiscard]] static void* try_reallocate(void* block, std::size_t bytes,
                                            std::align_val_t alignment = detail::usual_alignment) noexcept {
    return heap().try_reallocate(block, bytes, alignment);
  }
  [[nodiscard]] static void* try_reallocate(void* block, std::size_t bytes, std::size_t copy_bytes,
                                            std::size_t alignment) noexcept {
    return heap().try_reallocate(block, bytes, copy_bytes, alignment);
  }
  [[nodiscard]] static std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                   std::size_t preferred_bytes) noexcept {
    return heap().resize_in_place(block, old_bytes, min_bytes, preferred_bytes);
  }

  static void release() noexcept { heap().release(); }
  static void run_end() noexcept {}
  static std::size_t trim() noexcept { return heap().trim(); }
  static std::size_t collect() noexcept { return heap().collect(); }
  [[nodiscard]] static bool set_limit(std::size_t bytes) noexcept { return heap().set_limit(bytes); }
  static std::size_t limit() noexcept { return heap().limit(); }
  static std::size_t remaining() noexcept { return heap().remaining(); }
  static void on_limit(limit_hook hook, void* user) noexcept { heap().on_limit(hook, user); }
  static void lift_limit() noexcept { heap().lift_limit(); }      ///< for limit_lift
  static void unlift_limit() noexcept { heap().unlift_limit(); }  ///< for limit_lift
  static statistics stats() { return heap().stats(); }
  static std::size_t real_size() noexcept { return heap().real_size(); }
  static std::size_t real_peak() noexcept { return heap().real_peak(); }
  static void reset_peak() noexcept { heap().reset_peak(); }
  static void verify() { heap().verify(); }
  template <class Visit> static bool visit(Visit&& visit) { return heap().visit(visit); }

  /// The heap itself, for what takes one by reference.
  ZMM_INLINE static synchronized_heap& heap() noexcept;

private:
  using cache_type = heap_type::cache_type;

  /// Entry 0 of a thread's record is this heap's alone, so it is known beforehand.
  ZMM_INLINE static cache_type* cache() noexcept {
    return heap_type::as_cache(detail::own_thread.record->caches[detail::process_lease.entry]);
  }
};

namespace detail {
ZMM_SHARED ZMM_CONSTINIT inline immortal<synchronized_heap> the_process_heap{the_os_storage, process_lease};
}  // namespace detail

ZMM_INLINE synchronized_heap& thread_heap::heap() noexcept { return detail::the_process_heap.value; }

}}  // namespace zmm

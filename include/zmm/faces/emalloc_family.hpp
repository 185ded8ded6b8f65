// The emalloc functions as static members over one type of engine.
#pragma once

#include <zmm/faces/mm_heap.hpp>

#include <cstdlib>
#include <cstring>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// Returns: n * size + offset. Throws: std::bad_array_new_length if that overflows.
ZMM_INLINE std::size_t bytes_of(std::size_t n, std::size_t size, std::size_t offset = 0) {
  std::size_t bytes = 0;
  if (ZMM_UNLIKELY(__builtin_mul_overflow(n, size, &bytes) || __builtin_add_overflow(bytes, offset, &bytes)))
    throw_bad_array_new_length();
  return bytes;
}

template <class Engine> ZMM_INLINE Engine& emalloc_engine() noexcept {
  if constexpr (std::is_same_v<Engine, mm_heap>) return current_heap();
  else if constexpr (std::is_same_v<Engine, thread_heap>) return the_process_engine;
  else return current_heap_of<Engine>();
}

ZMM_INLINE void* of_malloc(void* block, std::size_t bytes) {
  if (ZMM_UNLIKELY(block == nullptr)) ZMM_THROW(out_of_memory(bytes, bytes, malloc_alignment));
  return block;
}
}  // namespace detail

/// The emalloc functions over one type of engine, without mm_heap's table, so that calls with constant arguments are inlined.
/// Engine is thread_heap, or a type of heap: then they use this thread's current heap of the type (use_heap_of). Without one,
/// allocating throws no_current_heap, and nothing may be freed.
template <class Engine> struct basic_emalloc {
  using calls = detail::emalloc_calls<Engine>;
  ZMM_INLINE static Engine& engine() noexcept { return detail::emalloc_engine<Engine>(); }

  /// Returns: a block of `bytes`. Throws: as the engine's allocate().
  [[nodiscard]] ZMM_INLINE static void* emalloc(std::size_t bytes, call_site where = call_site::here()) {
    return calls::allocate(engine(), bytes, detail::malloc_alignment, where);
  }
  /// Returns: a block of n * size bytes, all zero. Throws: std::bad_array_new_length if that overflows; as emalloc().
  [[nodiscard]] static void* ecalloc(std::size_t n, std::size_t size, call_site where = call_site::here()) {
    std::size_t const bytes = detail::bytes_of(n, size);
    return std::memset(emalloc(bytes, where), 0, bytes);
  }
  /// Effects: frees a block of the current heap. Null: no effect.
  ZMM_INLINE static void efree(void* block, call_site where = call_site::here()) noexcept {
    calls::deallocate(engine(), block, where);
  }

  /// Effects: resizes the block to `bytes`, in place or by moving it; keeps its contents as far as they fit. In a debug heap
  /// it keeps the place where it was first allocated. Returns: its address. Throws: as emalloc(); the block is then unchanged.
  [[nodiscard]] static void* erealloc(void* block, std::size_t bytes, call_site where = call_site::here()) {
    return calls::reallocate(engine(), block, bytes, ~std::size_t{0}, detail::malloc_alignment, where);
  }
  /// As erealloc(), but only the first `copied` bytes have to be kept.
  [[nodiscard]] static void* erealloc2(void* block, std::size_t bytes, std::size_t copied,
                                       call_site where = call_site::here()) {
    return calls::reallocate(engine(), block, bytes, copied, detail::malloc_alignment, where);
  }
  /// As erealloc(), but returns null where that throws.
  [[nodiscard]] static void* erealloc_recoverable(void* block, std::size_t bytes,
                                                  call_site where = call_site::here()) noexcept {
    return calls::try_reallocate(engine(), block, bytes, detail::malloc_alignment, where);
  }

  /// emalloc() and erealloc() of n * size + offset bytes. Throw: std::bad_array_new_length if that overflows.
  [[nodiscard]] ZMM_INLINE static void* safe_emalloc(std::size_t n, std::size_t size, std::size_t offset,
                                                     call_site where = call_site::here()) {
    return emalloc(detail::bytes_of(n, size, offset), where);
  }
  [[nodiscard]] static void* safe_erealloc(void* block, std::size_t n, std::size_t size, std::size_t offset,
                                           call_site where = call_site::here()) {
    return erealloc(block, detail::bytes_of(n, size, offset), where);
  }

  /// Returns: a copy of the string. Throws: as emalloc().
  [[nodiscard]] static char* estrdup(char const* string, call_site where = call_site::here()) {
    return copy_of(string, std::strlen(string), where);
  }
  /// Returns: a copy of `length` bytes, and a zero behind them. Does not stop at a zero, as PHP's does not and strndup() does:
  /// so all `length` bytes have to be readable. Throws: as safe_emalloc().
  [[nodiscard]] static char* estrndup(char const* bytes, std::size_t length, call_site where = call_site::here()) {
    return copy_of(bytes, length, where);
  }

  /// Returns: bytes usable in the block; 0 for null, and where they are not known.
  static std::size_t mem_block_size(void const* block) noexcept { return calls::usable_size(engine(), block); }

  // With `persistent`, the block is malloc's, and outlives the heap's blocks; free it with the same `persistent`.
  // Throw: as the functions without it; out_of_memory.
  [[nodiscard]] static void* pemalloc(std::size_t bytes, bool persistent, call_site where = call_site::here()) {
    if (!persistent) return emalloc(bytes, where);
    return detail::of_malloc(std::malloc(bytes != 0 ? bytes : 1), bytes);
  }
  [[nodiscard]] static void* pecalloc(std::size_t n, std::size_t size, bool persistent,
                                      call_site where = call_site::here()) {
    if (!persistent) return ecalloc(n, size, where);
    std::size_t const bytes = detail::bytes_of(n, size);
    return detail::of_malloc(std::calloc(bytes != 0 ? bytes : 1, 1), bytes);
  }
  [[nodiscard]] static void* perealloc(void* block, std::size_t bytes, bool persistent,
                                       call_site where = call_site::here()) {
    if (!persistent) return erealloc(block, bytes, where);
    return detail::of_malloc(std::realloc(block, bytes != 0 ? bytes : 1), bytes);
  }
  [[nodiscard]] static char* pestrdup(char const* string, bool persistent, call_site where = call_site::here()) {
    std::size_t const bytes = std::strlen(string) + 1;
    return static_cast<char*>(std::memcpy(pemalloc(bytes, persistent, where), string, bytes));
  }
  static void pefree(void* block, bool persistent, call_site where = call_site::here()) noexcept {
    persistent ? std::free(block) : efree(block, where);
  }

  /// Returns: bytes in live blocks; with `real`, bytes taken from storage. Now, and the peak since the last reset. How blocks
  /// are counted: see statistics. Complexity: as the engine's stats().
  static std::size_t memory_get_usage(bool real = false) noexcept {
    statistics const s = calls::stats(engine());
    return real ? s.real_size : s.size;
  }
  static std::size_t memory_get_peak_usage(bool real = false) noexcept {
    statistics const s = calls::stats(engine());
    return real ? s.real_peak : s.peak;
  }
  static void memory_reset_peak_usage() noexcept { calls::reset_peak(engine()); }
  /// Effects: from now on at most `bytes` are taken from storage. Returns: false if more is in use; the old limit then stays.
  static bool set_memory_limit(std::size_t bytes) noexcept { return calls::set_limit(engine(), bytes); }
  /// Effects: finds free memory and gives it back to storage. Returns: bytes.
  static std::size_t gc_mem_caches() noexcept { return calls::collect(engine()); }

  /// Ends a request. Effects: unless `silent`, reports what is live in a debug heap; frees every block at once, as release();
  /// if `full`, also gives back the memory that is kept for the next request. Requires: as the engine's release(); the
  /// process's heap is not released while other code uses it.
  static void shutdown_memory_manager(bool silent, bool full) noexcept { calls::shut_down(engine(), silent, full); }

private:
  static char* copy_of(char const* from, std::size_t length, call_site where) {
    char* const copy = static_cast<char*>(emalloc(detail::bytes_of(length, 1, 1), where));
    if (length != 0) std::memcpy(copy, from, length);
    copy[length] = '\0';
    return copy;
  }
};

}}  // namespace zmm

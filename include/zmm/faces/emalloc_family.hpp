// The emalloc functions as static members over one type of engine.
#pragma once

#include <zmm/faces/mm_heap.hpp>

#include <cstdlib>
#include <cstring>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// Returns: n * size + offset. Throws: std::bad_array_new_length if that is no size.
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

/// The emalloc functions over one type of engine, without the table of mm_heap: what is constant folds away. Engine is
/// thread_heap; or a type of heap, and then what use_heap_of says is current on this thread: without that, allocating throws
/// no_current_heap, and nothing may be freed.
template <class Engine> struct basic_emalloc {
  using calls = detail::emalloc_calls<Engine>;
  ZMM_INLINE static Engine& engine() noexcept { return detail::emalloc_engine<Engine>(); }

  /// Returns: a block of `bytes`. Throws: as the engine's allocate().
  [[nodiscard]] ZMM_INLINE static void* emalloc(std::size_t bytes, call_site where = call_site::here()) {
    return calls::allocate(engine(), bytes, detail::malloc_alignment, where);
  }
  /// Returns: a block of n * size bytes, all of them zero. Throws: std::bad_array_new_length if that is no size; as emalloc().
  [[nodiscard]] static void* ecalloc(std::size_t n, std::size_t size, call_site where = call_site::here()) {
    std::size_t const bytes = detail::bytes_of(n, size);
    return std::memset(emalloc(bytes, where), 0, bytes);
  }
  /// Effects: frees a block of the current heap. Null: no effect.
  ZMM_INLINE static void efree(void* block, call_site where = call_site::here()) noexcept {
    calls::deallocate(engine(), block, where);
  }

  /// Effects: the block becomes `bytes` long, in place or elsewhere; what fits of its contents is kept. In a debug heap it
  /// keeps the place where it was allocated first. Returns: where it is. Throws: as emalloc(); the block is then as it was.
  [[nodiscard]] static void* erealloc(void* block, std::size_t bytes, call_site where = call_site::here()) {
    return calls::reallocate(engine(), block, bytes, ~std::size_t{0}, detail::malloc_alignment, where);
  }
  /// As erealloc(), but no more than `copied` bytes need be kept.
  [[nodiscard]] static void* erealloc2(void* block, std::size_t bytes, std::size_t copied,
                                       call_site where = call_site::here()) {
    return calls::reallocate(engine(), block, bytes, copied, detail::malloc_alignment, where);
  }
  /// As erealloc(), but null where that throws.
  [[nodiscard]] static void* erealloc_recoverable(void* block, std::size_t bytes,
                                                  call_site where = call_site::here()) noexcept {
    return calls::try_reallocate(engine(), block, bytes, detail::malloc_alignment, where);
  }

  /// emalloc() and erealloc() of n * size + offset bytes. Throw: std::bad_array_new_length if that is no size.
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
  /// Returns: a copy of `length` bytes and a zero behind them. Zeros among the bytes are copied as well, as in the original,
  /// and unlike strndup(): so all the bytes have to be there. Throws: as safe_emalloc().
  [[nodiscard]] static char* estrndup(char const* bytes, std::size_t length, call_site where = call_site::here()) {
    return copy_of(bytes, length, where);
  }

  /// Returns: bytes usable in the block; 0 for null, and where nobody knows.
  static std::size_t mem_block_size(void const* block) noexcept { return calls::usable_size(engine(), block); }

  // With `persistent` the block is malloc's, and stays when the heap is dropped; it is freed with the same `persistent`.
  // Throw: as without it; out_of_memory.
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

  /// Returns: bytes in live blocks, or, `real`, taken from storage; now, and at their highest since the last reset. What
  /// counts as live: see statistics. Complexity: as the engine's stats().
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
  /// Effects: finds what is free and gives it back to storage. Returns: bytes.
  static std::size_t gc_mem_caches() noexcept { return calls::collect(engine()); }

  /// The end of a request. Effects: reports what is live in a debug heap, unless `silent`; frees every block at once, as
  /// release(); `full`: and gives back what memory is kept for the next request. Requires: as the engine's release(); the
  /// process's heap is not dropped while others use it.
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

// PHP's allocation functions, as C programs know them, on the current heap of the thread. docs/emalloc.md is the guide.
//
//     zmm::heap h;
//     zmm::mm_heap mm{h};
//     zmm::use_heap scope{mm};                          // makes it current on this thread; default: the process's heap
//     char* s = zmm::estrdup("seed");
//     s = static_cast<char*>(zmm::erealloc(s, 100));
//     zmm::efree(s);
//
// Leave out the argument `where`: its default is the place of the call, for debug heaps and debug handlers. Blocks are
// aligned as malloc's are. Freeing null has no effect; reallocating null allocates. 0 bytes: each call returns a block of
// its own.
#pragma once

#include <zmm/faces/emalloc_family.hpp>

namespace zmm { inline namespace ZMM_ABI {

// Each does what basic_emalloc's member of this name does, on the thread's current heap.

[[nodiscard]] inline void* emalloc(std::size_t bytes, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::emalloc(bytes, where);
}
[[nodiscard]] inline void* ecalloc(std::size_t n, std::size_t size, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::ecalloc(n, size, where);
}
inline void efree(void* block, call_site where = call_site::here()) noexcept {
  basic_emalloc<mm_heap>::efree(block, where);
}
[[nodiscard]] inline void* erealloc(void* block, std::size_t bytes, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::erealloc(block, bytes, where);
}
[[nodiscard]] inline void* erealloc2(void* block, std::size_t bytes, std::size_t copied,
                                     call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::erealloc2(block, bytes, copied, where);
}
[[nodiscard]] inline void* erealloc_recoverable(void* block, std::size_t bytes,
                                                call_site where = call_site::here()) noexcept {
  return basic_emalloc<mm_heap>::erealloc_recoverable(block, bytes, where);
}
[[nodiscard]] inline void* safe_emalloc(std::size_t n, std::size_t size, std::size_t offset,
                                        call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::safe_emalloc(n, size, offset, where);
}
[[nodiscard]] inline void* safe_erealloc(void* block, std::size_t n, std::size_t size, std::size_t offset,
                                         call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::safe_erealloc(block, n, size, offset, where);
}
[[nodiscard]] inline char* estrdup(char const* string, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::estrdup(string, where);
}
[[nodiscard]] inline char* estrndup(char const* bytes, std::size_t length, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::estrndup(bytes, length, where);
}
[[nodiscard]] inline std::size_t mem_block_size(void const* block) noexcept {
  return basic_emalloc<mm_heap>::mem_block_size(block);
}
[[nodiscard]] inline void* pemalloc(std::size_t bytes, bool persistent, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::pemalloc(bytes, persistent, where);
}
[[nodiscard]] inline void* pecalloc(std::size_t n, std::size_t size, bool persistent,
                                    call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::pecalloc(n, size, persistent, where);
}
[[nodiscard]] inline void* perealloc(void* block, std::size_t bytes, bool persistent,
                                     call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::perealloc(block, bytes, persistent, where);
}
[[nodiscard]] inline char* pestrdup(char const* string, bool persistent, call_site where = call_site::here()) {
  return basic_emalloc<mm_heap>::pestrdup(string, persistent, where);
}
inline void pefree(void* block, bool persistent, call_site where = call_site::here()) noexcept {
  basic_emalloc<mm_heap>::pefree(block, persistent, where);
}
[[nodiscard]] inline std::size_t memory_get_usage(bool real = false) noexcept {
  return basic_emalloc<mm_heap>::memory_get_usage(real);
}
[[nodiscard]] inline std::size_t memory_get_peak_usage(bool real = false) noexcept {
  return basic_emalloc<mm_heap>::memory_get_peak_usage(real);
}
inline void memory_reset_peak_usage() noexcept { basic_emalloc<mm_heap>::memory_reset_peak_usage(); }
inline bool set_memory_limit(std::size_t bytes) noexcept { return basic_emalloc<mm_heap>::set_memory_limit(bytes); }
inline std::size_t gc_mem_caches() noexcept { return basic_emalloc<mm_heap>::gc_mem_caches(); }
inline void shutdown_memory_manager(bool silent, bool full) noexcept {
  basic_emalloc<mm_heap>::shutdown_memory_manager(silent, full);
}

}}  // namespace zmm

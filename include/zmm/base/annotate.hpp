// Tells the sanitizers about memory: which bytes may be used, and which are initialised. Does nothing without them.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>

extern "C" {
void __asan_poison_memory_region(void const volatile* p, std::size_t bytes);
void __asan_unpoison_memory_region(void const volatile* p, std::size_t bytes);
void __lsan_register_root_region(void const* p, std::size_t bytes);
void __lsan_unregister_root_region(void const* p, std::size_t bytes);
void __msan_allocated_memory(void const volatile* p, std::size_t bytes);
void __msan_unpoison(void const volatile* p, std::size_t bytes);
}

namespace zmm { inline namespace ZMM_ABI { namespace detail {

inline constexpr bool under_asan = ZMM_ASAN != 0;
inline constexpr bool under_msan = ZMM_MSAN != 0;
/// A sanitizer has to see every block, so every allocation and free takes a path that tells it.
inline constexpr bool under_sanitizer = under_asan || under_msan;

/// Effects: the sanitizer reports uses of these bytes.
inline void forbid([[maybe_unused]] void const* p, [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (under_asan) __asan_poison_memory_region(p, bytes);
  if constexpr (under_msan) __msan_allocated_memory(p, bytes);
}
/// Effects: these bytes may be used; the sanitizer reports a read before the first write.
inline void allow_fresh([[maybe_unused]] void const* p, [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (under_asan) __asan_unpoison_memory_region(p, bytes);
  if constexpr (under_msan) __msan_allocated_memory(p, bytes);
}
/// Effects: these bytes may be used, and count as initialised.
inline void allow([[maybe_unused]] void const* p, [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (under_asan) __asan_unpoison_memory_region(p, bytes);
  if constexpr (under_msan) __msan_unpoison(p, bytes);
}

/// Effects: what these bytes point to is no leak. For memory from storage, which the sanitizer does not scan by itself.
inline void note_roots([[maybe_unused]] void const* p, [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (under_asan) __lsan_register_root_region(p, bytes);
}
/// Effects: ends note_roots() for the same bytes, which go back to storage.
inline void forget_roots([[maybe_unused]] void const* p, [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (under_asan) __lsan_unregister_root_region(p, bytes);
  allow(p, bytes);
}

/// Whether the program runs under Valgrind's memcheck. Valgrind's other tools measure, and see zmm as it is.
ZMM_COLD inline bool is_under_memcheck() noexcept {
  std::size_t const question[6] = {0x4D430002};  // VALGRIND_MAKE_MEM_DEFINED, of no bytes
  std::size_t answer = 0;
  ZMM_VALGRIND_REQUEST(answer, std::size_t{0}, &question[0]);
  return answer != 0;
}

}}}  // namespace zmm::detail

// Counts a program's calls of the global operator new. Replaces it, so only one file of a program may include this.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace support {

inline std::size_t& news() noexcept {
  static std::size_t calls = 0;  // one thread
  return calls;
}

inline void* counted(void* block) {
  ++news();
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace support

// The array and nothrow forms call these. Not inlined: compilers warn if the functions that allocate and free do not match.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return support::counted(std::malloc(bytes)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  std::size_t const unit = static_cast<std::size_t>(alignment);
  return support::counted(std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit));
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

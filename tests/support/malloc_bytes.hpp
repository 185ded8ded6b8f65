// How many bytes of malloc are in use. Exact for blocks of more than a kilobyte: small free blocks in malloc's caches count
// as in use.
#pragma once
#include <cstddef>
#include <malloc.h>

extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace zmm_test {

inline std::size_t malloc_bytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  struct mallinfo2 const all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

}  // namespace zmm_test

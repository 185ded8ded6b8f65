// Keeps measured values alive. g++ miscompiles Google Benchmark 1.7.1's non-const DoNotOptimize for values in registers,
// so every question uses these two instead.
#pragma once

namespace bench {

// The compiler must assume that `value` is read and changed, and that any memory reachable from it is read and written.
template <class T> inline void keep(T*& value) noexcept { asm volatile("" : "+r"(value) : : "memory"); }

// Returns `pointer`, but hides its origin from the compiler, so that virtual calls through it are not bound at compile time.
template <class T> [[nodiscard]] inline T* opaque(T* pointer) noexcept {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

}  // namespace bench

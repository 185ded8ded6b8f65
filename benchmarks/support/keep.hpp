// What keeps a measured value alive. Google Benchmark 1.7.1's non-const DoNotOptimize is miscompiled by g++ for values
// that live in registers, so every question uses these two instead.
#pragma once

namespace bench {

// The compiler must assume that `value` is read, changed, and that any memory reachable from it was read and written.
template <class T> inline void keep(T*& value) noexcept { asm volatile("" : "+r"(value) : : "memory"); }

// Returns `pointer` with its origin forgotten, so that a virtual call through it cannot be bound at compile time.
template <class T> [[nodiscard]] inline T* opaque(T* pointer) noexcept {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

}  // namespace bench

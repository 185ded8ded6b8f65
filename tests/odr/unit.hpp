// What each unit of the program offers. All are made of odr/unit.cpp, with different flags:
//   plain, fast        exceptions on; differ in -O, -std, NDEBUG and visibility: they share everything process-wide
//   bare, bare_slow    exceptions and RTTI off: another zmm beside the first one, shared by the two of them
#pragma once

#include <memory_resource>

#define ZMM_ODR_DECLARE(unit)                                                       \
  namespace unit {                                                                  \
  void const* default_pool() noexcept;                                              \
  bool heaps_work();                 /* a heap and a request, made and ended here */ \
  std::pmr::memory_resource* lend(); /* a resource for the others to use */         \
  }

ZMM_ODR_DECLARE(plain)
ZMM_ODR_DECLARE(fast)
ZMM_ODR_DECLARE(bare)
ZMM_ODR_DECLARE(bare_slow)

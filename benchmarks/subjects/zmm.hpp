// zmm itself: the engines called directly, and behind std::pmr.
#pragma once

#include <zmm/zmm.hpp>

#include "subject.hpp"

namespace bench {

template <class Engine> struct zmm_engine {
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return engine.allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { engine.deallocate(p, n, a); }
  void end() noexcept { engine.release(); }
  void trim() noexcept {
    engine.collect();
    engine.trim();
  }

  Engine engine;
};

struct zmm_heap : zmm_engine<zmm::heap> {
  static constexpr char const* name = "zmm_heap";
};
struct zmm_request : zmm_engine<zmm::request_heap> {
  static constexpr char const* name = "zmm_request";
};

struct zmm_heap_pmr : behind_pmr<zmm::heap_resource, true> {
  static constexpr char const* name = "zmm_heap";
};
struct zmm_request_pmr : behind_pmr<zmm::request_resource, true> {
  static constexpr char const* name = "zmm_request";
};

}  // namespace bench

// A debug heap behind each of its faces, and what its stop handler is told about misuse.
#pragma once
#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

#include "../support/stop_recorder.hpp"
#include <cstddef>
#include <doctest/doctest.h>
#include <memory_resource>
#include <string>

namespace zmm_test {

// The engine itself: its calls say where they are.
template <class Heap> struct engine_face {
  using heap_type = Heap;
  static constexpr bool knows_place = true;
  void* take(std::size_t bytes, std::size_t alignment = 16, zmm::call_site where = zmm::call_site::here()) {
    return heap().allocate(bytes, alignment, where);
  }
  void give(void* p, std::size_t bytes, std::size_t alignment = 16) { heap().deallocate(p, bytes, alignment); }
  Heap& heap() { return resource.heap(); }

  zmm::resource<Heap> resource;
};

// As containers with std::pmr use it: no call says where it is.
template <class Heap> struct pmr_face {
  using heap_type = Heap;
  static constexpr bool knows_place = false;
  void* take(std::size_t bytes, std::size_t alignment = 16) { return as_pmr().allocate(bytes, alignment); }
  void give(void* p, std::size_t bytes, std::size_t alignment = 16) { as_pmr().deallocate(p, bytes, alignment); }
  Heap& heap() { return resource.heap(); }
  std::pmr::memory_resource& as_pmr() { return resource; }

  zmm::resource<Heap> resource;
};

// As typed containers use it. Bytes are multiples of the alignment.
template <class Heap> struct typed_face {
  using heap_type = Heap;
  static constexpr bool knows_place = false;
  template <std::size_t Alignment> struct alignas(Alignment) element { unsigned char bytes[Alignment]; };
  template <std::size_t Alignment> using allocator_of = zmm::allocator<element<Alignment>, Heap>;

  void* take(std::size_t bytes, std::size_t alignment = 16) {
    if (alignment == 16) return allocator_of<16>{heap()}.allocate(bytes / 16);
    return allocator_of<32>{heap()}.allocate(bytes / 32);
  }
  void give(void* p, std::size_t bytes, std::size_t alignment = 16) {
    if (alignment == 16) return allocator_of<16>{heap()}.deallocate(static_cast<element<16>*>(p), bytes / 16);
    allocator_of<32>{heap()}.deallocate(static_cast<element<32>*>(p), bytes / 32);
  }
  Heap& heap() { return resource.heap(); }

  zmm::resource<Heap> resource;
};

// Every face of every debug engine, for TEST_CASE_TEMPLATE.
#define ZMM_TEST_DEBUG_FACES                                                                                           \
  engine_face<zmm::debug_heap>, engine_face<zmm::debug_request_heap>, engine_face<zmm::debug_synchronized_heap>,       \
      engine_face<zmm::debug_segment_heap>, pmr_face<zmm::debug_segment_heap>, typed_face<zmm::debug_segment_heap>,    \
      pmr_face<zmm::debug_heap>, pmr_face<zmm::debug_request_heap>, pmr_face<zmm::debug_synchronized_heap>,            \
      typed_face<zmm::debug_heap>, typed_face<zmm::debug_request_heap>, typed_face<zmm::debug_synchronized_heap>
#define ZMM_TEST_DEBUG_ENGINES                                                                                         \
  zmm::debug_heap, zmm::debug_request_heap, zmm::debug_synchronized_heap, zmm::debug_segment_heap

inline unsigned char* bytes_of(void* p) { return static_cast<unsigned char*>(p); }

inline void report_no_leak(zmm::leak_report const&) noexcept {}

// What becomes of `misuse`, done to a heap of its own behind Face, in a process of its own.
template <class Face, class Misuse> child_result outcome_of(Misuse misuse) {
  return run_in_child([&] {
    zmm::set_leak_sink(&report_no_leak);
    Face face;
    misuse(face);
  });
}

inline void check_stopped(child_result const& r, std::string const& rule) {
  CHECK(r.stopped);
  CHECK(r.aborted);
  CHECK(r.what == rule);
}
// `line`: of this file's allocation of `bytes`, where the face knows it.
template <class Face>
void check_stopped(child_result const& r, std::string const& rule, std::size_t bytes, std::string const& file,
                   unsigned line) {
  check_stopped(r, rule);
  std::string const place = Face::knows_place ? file + ":" + std::to_string(line) : "?:0";
  CHECK(r.block == std::to_string(bytes) + " " + place + " -");
}

}  // namespace zmm_test

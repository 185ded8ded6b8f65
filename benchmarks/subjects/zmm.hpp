// zmm itself: the engines called directly, and behind std::pmr.
#pragma once

#include <zmm/zmm.hpp>

#include "subject.hpp"

namespace bench {

template <class Engine> struct zmm_engine {
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return engine.allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { engine.deallocate_nonnull(p, n, a); }  // as its faces do
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

struct zmm_segment : zmm_engine<zmm::segment_heap> {
  static constexpr char const* name = "zmm_segment";
};

// Hardened: with encode_links only, and the levels.
struct proven_links : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t min_slot = 16;
  [[maybe_unused]] static constexpr bool encode_links = true;
};
struct zmm_links_pmr : behind_pmr<zmm::resource<zmm::basic_heap<proven_links>>, true> {
  static constexpr char const* name = "zmm_heap_links";
};
struct zmm_checked_pmr : behind_pmr<zmm::checked_heap_resource, true> {
  static constexpr char const* name = "zmm_checked_heap";
};
struct zmm_checked_request_pmr : behind_pmr<zmm::checked_request_resource, true> {
  static constexpr char const* name = "zmm_checked_request";
};
struct zmm_hardened_pmr : behind_pmr<zmm::hardened_heap_resource, true> {
  static constexpr char const* name = "zmm_hardened_heap";
};
struct zmm_hardened_segment_pmr : behind_pmr<zmm::hardened_segment_resource, true> {
  static constexpr char const* name = "zmm_hardened_segment";
};
struct zmm_hardened_request_pmr : behind_pmr<zmm::hardened_request_resource, true> {
  static constexpr char const* name = "zmm_hardened_request";
};

// For any number of threads: an object, and the process's heap.
struct zmm_synchronized : zmm_engine<zmm::synchronized_heap> {
  static constexpr char const* name = "zmm_synchronized";
};
struct zmm_thread_heap {
  static constexpr char const* name = "zmm_thread_heap";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return zmm::thread_heap::allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { zmm::thread_heap::deallocate_nonnull(p, n, a); }
  void trim() noexcept {
    zmm::thread_heap::collect();
    zmm::thread_heap::trim();
  }
};

struct zmm_heap_pmr : behind_pmr<zmm::heap_resource, true> {
  static constexpr char const* name = "zmm_heap";
};
struct zmm_segment_pmr : behind_pmr<zmm::segment_resource, true> {
  static constexpr char const* name = "zmm_segment";
};
struct zmm_request_pmr : behind_pmr<zmm::request_resource, true> {
  static constexpr char const* name = "zmm_request";
};

struct zmm_synchronized_pmr : behind_pmr<zmm::synchronized_resource, true> {
  static constexpr char const* name = "zmm_synchronized";
};
struct zmm_thread_resource {
  static constexpr char const* name = "zmm_thread_heap";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return base_->allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { base_->deallocate(p, n, a); }
  std::pmr::memory_resource* resource() noexcept { return base_; }

private:
  std::pmr::memory_resource* base_ = opaque(zmm::thread_resource());
};

}  // namespace bench

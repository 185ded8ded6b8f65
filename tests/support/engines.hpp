// The engines and options of generic tests, each behind the same fixture: a heap over the test's storage.
#pragma once
#include <zmm/zmm.hpp>
#include <cstddef>
#include <utility>

namespace zmm_test {

struct small_chunks : zmm::default_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};
// Blocks above 3072 bytes take pages, as in the original.
struct original_slots : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t largest_slot = 3072;
};
struct exact_peaks : zmm::default_options {
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct wide_slots : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t min_slot = 16;
};
struct small_exact : small_chunks {
  [[maybe_unused]] static constexpr bool exact_peak = true;
};

// The options of hardening, added one after the other.
struct proven_links : wide_slots {
  [[maybe_unused]] static constexpr bool encode_links = true;
};
struct checked_frees : proven_links {
  [[maybe_unused]] static constexpr bool check_frees = true;
  [[maybe_unused]] static constexpr bool random_runs = true;
};
struct tagged_blocks : checked_frees {
  [[maybe_unused]] static constexpr bool tag_blocks = true;
  [[maybe_unused]] static constexpr bool page_canary = true;
  [[maybe_unused]] static constexpr bool random_runs = false;
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct checked_small : zmm::checked_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};
struct hardened_small : zmm::hardened_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};
struct paranoid_small : zmm::paranoid_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};

// Segments of one page: most blocks are larger.
struct small_segments : small_chunks {
  [[maybe_unused]] static constexpr std::size_t segment_bytes = 4096;
};
struct hardened_segments : paranoid_small {
  [[maybe_unused]] static constexpr std::size_t segment_bytes = 4096;
  [[maybe_unused]] static constexpr bool exact_peak = true;
};

struct debug_small : zmm::debug_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};
struct debug_hardened : zmm::paranoid_options {
  using site = zmm::call_site;
  [[maybe_unused]] static constexpr bool watch_blocks = true;
  [[maybe_unused]] static constexpr std::size_t quarantine = 64 << 10;
};

template <class Heap> constexpr std::size_t chunk_bytes = Heap::options::geometry::chunk_bytes;
template <class Heap> constexpr std::size_t page_bytes = Heap::options::geometry::page_bytes;
// Whether the heap knows each block: then its figures count the bytes asked for, and are exact.
template <class Heap> constexpr bool always_watched = Heap::options::watch_blocks || zmm::detail::under_sanitizer;
template <class Heap> constexpr bool exact = Heap::options::exact_peak || always_watched<Heap>;
// Whether usable_size() is the size asked for, and not the whole slot.
template <class Heap> constexpr bool tagged = Heap::options::tag_blocks && !always_watched<Heap>;
template <class Heap> constexpr std::size_t min_slot = Heap::options::min_slot;

// Whether the engine can find a block by its address alone.
template <class Heap, class = void> constexpr bool by_address = false;
template <class Heap>
constexpr bool by_address<Heap, std::void_t<decltype(std::declval<Heap&>().owns(static_cast<void*>(nullptr)))>> = true;

// A heap over `source`, with its pool if it has one.
template <class Heap> class engine {
public:
  explicit engine(zmm::storage& source) : heap_(source) {}
  Heap& heap() { return heap_; }
  Heap& source() { return heap_; }  // the object that takes memory from storage

private:
  Heap heap_;
};

template <class Options> class engine<zmm::basic_request_heap<Options>> {
public:
  using pool_type = zmm::basic_request_pool<typename Options::geometry>;
  explicit engine(zmm::storage& source) : pool_(source), request_(pool_) {}
  zmm::basic_request_heap<Options>& heap() { return request_.heap(); }
  pool_type& source() { return pool_; }

private:
  pool_type pool_;
  zmm::resource<zmm::basic_request_heap<Options>> request_;
};

}  // namespace zmm_test

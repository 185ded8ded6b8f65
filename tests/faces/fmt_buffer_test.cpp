// fmt's memory buffer takes an allocator, or default-constructs one.
#include <zmm/zmm.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <iterator>
#include <string>
#include <utility>

namespace {
TEST_CASE_TEMPLATE("fmt: a buffer grows in the current heap", Heap, zmm::heap, zmm::request_heap, zmm::debug_heap) {
  using buffer = fmt::basic_memory_buffer<char, 16, zmm::allocator<char, Heap>>;
  Heap heap;
  {
    zmm::use_heap_of<Heap> scope{heap};
    buffer b;
    fmt::format_to(std::back_inserter(b), "{:>1000}", 42);
    CHECK(b.size() == 1000);
    CHECK(heap.stats().live_blocks == 1);
    CHECK(std::string(b.data() + 998, 2) == "42");
    buffer moved = std::move(b);
    fmt::format_to(std::back_inserter(moved), "{:>5000}", 43);
    CHECK(moved.size() == 6000);
  }
  CHECK(heap.stats().live_blocks == 0);

  buffer named{zmm::allocator<char, Heap>{heap}};
  fmt::format_to(std::back_inserter(named), "{:>100}", 1);
  CHECK(heap.stats().live_blocks == 1);

  buffer of_nobody;
  fmt::format_to(std::back_inserter(of_nobody), "{}", "16 characters..");  // fits the buffer itself
  CHECK_THROWS_AS(fmt::format_to(std::back_inserter(of_nobody), "{:>100}", 1), zmm::no_current_heap);
}
}  // namespace

// What hardened heaps keep to themselves: nothing of a block is left for the next, no word beside one misleads a free.
#include <zmm/zmm.hpp>

#include "../support/engines.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

namespace {

using zmm_test::paranoid_small;

struct zeroed_links : zmm_test::proven_links {
  [[maybe_unused]] static constexpr bool zero_on_free = true;
};
struct zeroed_tags : zmm_test::tagged_blocks {
  [[maybe_unused]] static constexpr bool zero_on_free = true;
};

bool is_zero(void const* block, std::size_t bytes) {
  auto const* p = static_cast<unsigned char const*>(block);
  return std::all_of(p, p + bytes, [](unsigned char c) { return c == 0; });
}

// Blocks of many sizes, small and paged, each filled.
template <class Heap> std::vector<std::pair<void*, std::size_t>> fill(Heap& heap, int times, bool& zero) {
  std::vector<std::pair<void*, std::size_t>> blocks;
  for (int i = 0; i < times; ++i) {
    for (std::size_t bytes : {1u, 8u, 16u, 17u, 24u, 40u, 56u, 63u, 100u, 129u, 300u, 700u, 2000u, 3064u, 5000u, 20000u}) {
      void* const block = heap.allocate(bytes);
      zero = zero && is_zero(block, bytes);
      std::memset(block, 0xA5, bytes);
      blocks.emplace_back(block, bytes);
    }
  }
  return blocks;
}

}  // namespace

TEST_CASE_TEMPLATE("paranoid heaps: what is handed out is zero, whatever was there before", Heap,
                   zmm::basic_heap<paranoid_small>, zmm::basic_heap<zeroed_links>, zmm::basic_heap<zeroed_tags>,
                   zmm::basic_synchronized_heap<paranoid_small>, zmm::basic_synchronized_heap<zeroed_links>,
                   zmm::basic_segment_heap<paranoid_small>, zmm::paranoid_segment_heap) {
  Heap heap;
  bool zero = true;
  for (int round = 0; round < 6; ++round) {
    auto blocks = fill(heap, 40, zero);
    if (round % 2 == 0) {
      heap.release();  // all of them live
      continue;
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % 3 == 0) heap.deallocate(blocks[i].first);
      else heap.deallocate(blocks[i].first, blocks[i].second);
    }
    if (round == 3) heap.collect();
  }
  CHECK(zero);
  heap.verify();
}

TEST_CASE("paranoid request heaps: what is handed out is zero, whatever was there before") {
  zmm::basic_request_pool<paranoid_small::geometry> pool;
  zmm::basic_request_heap<paranoid_small> request(pool);
  bool zero = true;
  for (int round = 0; round < 6; ++round) {
    auto blocks = fill(request, 40, zero);
    if (round % 2 == 0) request.release();
    else for (auto [block, bytes] : blocks) request.deallocate(block, bytes);
  }
  CHECK(zero);
  request.verify();
}

TEST_CASE_TEMPLATE("paranoid heaps: a block that was resized where it is leaves nothing behind", Heap,
                   zmm::basic_heap<paranoid_small>, zmm::basic_synchronized_heap<paranoid_small>) {
  Heap heap;
  for (std::size_t bytes : {56u, 120u, 500u, 3064u}) {
    void* block = heap.allocate(bytes);
    std::memset(block, 0xA5, bytes);
    block = heap.reallocate(block, bytes - 3);
    heap.deallocate(block, bytes - 3);
    void* const again = heap.allocate(bytes);
    CHECK(again == block);
    CHECK(is_zero(again, bytes));
    std::memset(again, 0xA5, bytes);
    std::size_t const granted = heap.resize_in_place(again, bytes, bytes - 2, bytes - 2);
    CHECK(granted == bytes - 2);
    heap.deallocate(again, bytes - 2);
    void* const third = heap.allocate(bytes);
    CHECK(third == block);
    CHECK(is_zero(third, bytes));
    heap.deallocate(third, bytes);
  }
  // A run that shrank, and one that grows into what it left.
  void* const run = heap.allocate(40000);
  std::memset(run, 0xA5, 40000);
  std::size_t const left = heap.resize_in_place(run, 40000, 8000, 8000);
  CHECK(left >= 8000);
  CHECK(left <= 8192);
  std::size_t const grown = heap.resize_in_place(run, 8000, 30000, 30000);
  if (grown != 0) CHECK(is_zero(static_cast<char*>(run) + left, grown - left));
  heap.deallocate(run);
  heap.verify();
}

TEST_CASE("paranoid request heaps: a block of pages that was made smaller leaves nothing behind") {
  if (zmm::detail::under_sanitizer) return;  // there a block moves
  zmm::paranoid_request_heap request;
  constexpr std::size_t page = 4096;
  auto* const block = static_cast<char*>(request.allocate(40 * page));
  static_cast<void>(request.allocate(400 * page));  // what is given back lies between the two
  std::memset(block, 0xA5, 40 * page);
  std::size_t const left = request.resize_in_place(block, 40 * page, 20 * page, 20 * page);
  REQUIRE(left >= 20 * page);
  REQUIRE(left <= 21 * page);
  std::size_t const grown = request.resize_in_place(block, 20 * page, 24 * page, 24 * page);
  REQUIRE(grown >= 24 * page);
  CHECK(is_zero(block + left, grown - left));
  for (int i = 0; i < 3; ++i) CHECK(is_zero(request.allocate(5 * page - 100), 5 * page - 100));
}

TEST_CASE_TEMPLATE("hardened heaps: a block is found by its address at every size and alignment", Heap,
                   zmm::basic_heap<zmm::hardened_options>, zmm::basic_heap<zmm_test::tagged_blocks>,
                   zmm::basic_synchronized_heap<zmm::hardened_options>) {
  Heap heap;
  std::size_t wrong = 0;
  for (std::size_t alignment : {1u, 8u, 16u, 32u, 64u, 256u, 1024u}) {
    for (std::size_t bytes = 1; bytes <= 3064; bytes += bytes < 200 ? 1 : 13) {
      void* const block = heap.allocate(bytes, alignment);
      std::memset(block, 0xFF, bytes);
      std::size_t const usable = heap.usable_size(block);
      wrong += bytes > 3072 - alignment ? usable < bytes : usable != bytes;
      heap.deallocate(block);
    }
  }
  CHECK(wrong == 0);
  CHECK(heap.stats().live_blocks == 0);
}

TEST_CASE("hardened heaps: slots of a fresh run come once each, in an order that differs from run to run") {
  std::set<std::vector<std::ptrdiff_t>> orders;
  for (int i = 0; i < 20; ++i) {
    zmm::hardened_heap heap;
    std::vector<char*> blocks;
    for (int k = 0; k < 73; ++k) blocks.push_back(static_cast<char*>(heap.allocate(48, 8)));  // a run of 56 bytes
    std::set<char*> const distinct(blocks.begin(), blocks.end());
    CHECK(distinct.size() == 73);
    CHECK(*distinct.rbegin() - *distinct.begin() == 72 * 56);
    std::vector<std::ptrdiff_t> order;
    for (char* b : blocks) order.push_back(b - *distinct.begin());
    orders.insert(order);
  }
  CHECK(orders.size() > 10);
}

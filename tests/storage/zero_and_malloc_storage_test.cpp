// What the smaller storages do in processes that are short of what they need.
#include <zmm/segment_resource.hpp>
#include <zmm/storages.hpp>

#include "../support/child.hpp"
#include "../support/sanitizers.hpp"
#include <cerrno>
#include <cstring>
#include <doctest/doctest.h>
#include <vector>

namespace {
using std::size_t;
using namespace zmm_test;
constexpr size_t mib = size_t{1} << 20;

TEST_CASE("zero_storage: a process that may open no more files has no memory from it, and goes on with what it has") {
  CHECK(holds_in_child([](findings& found) {
    zmm::segment_heap heap{zmm::zero_storage()};
    auto* const p = static_cast<unsigned char*>(heap.allocate(mib));
    std::memset(p, 1, mib);
    limit_to(RLIMIT_NOFILE, 0);
    errno = 1234;
    found.that(heap.try_allocate(mib) == nullptr, "there is none");
    found.that(errno == 1234, "errno is left alone");
    found.that(p[mib - 1] == 1, "blocks are as they were");
    heap.deallocate(p, mib);
    heap.verify();
  }));
}

TEST_CASE("malloc_storage: blocks are as aligned as asked, down to one byte and up to a gigabyte") {
  zmm::storage& source = zmm::malloc_storage();
  for (size_t alignment = 1; alignment <= size_t{1} << 30; alignment *= 2) {
    if (under_address_sanitizer && alignment > mib) break;  // it has a limit of its own, and ends there
    void* const p = source.allocate(4096, alignment, 4096);
    if (p == nullptr) continue;
    CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
    std::memset(p, 1, 4096);
    source.deallocate(p, 4096, 4096);
  }
  errno = 1234;
  for (size_t none : {size_t{0}, size_t{3}, size_t{24}, ~size_t{0}}) CHECK(source.allocate(4096, none, 4096) == nullptr);
  CHECK(errno == 1234);
}

// Each storage by its name under a segment heap: large blocks that come, go, grow, shrink and move.
TEST_CASE("segment heaps: on every storage that has a name") {
  for (char const* name : {"os", "malloc", "zero", "huge", "hugetlb", "numa:0", "numa:63"}) {
    CAPTURE(name);
    zmm::storage* const source = zmm::storage_named(name);
    REQUIRE(source != nullptr);
    zmm::segment_heap heap{*source};
    REQUIRE(heap.set_limit(64 * mib));
    for (int round = 0; round < 30; ++round) {
      std::vector<unsigned char*> blocks;
      for (size_t bytes : {mib, 3 * mib, 5 * mib, 2 * mib - 4096, 2 * mib, size_t{100'000}})
        blocks.push_back(static_cast<unsigned char*>(heap.allocate(bytes)));
      for (unsigned char*& p : blocks) {
        p[0] = 7;
        p = static_cast<unsigned char*>(heap.reallocate(p, 4 * mib));
        p[4 * mib - 1] = 8;
        p = static_cast<unsigned char*>(heap.reallocate(p, round % 2 == 0 ? 50'000 : 2 * mib + 1));
        CHECK(p[0] == 7);
      }
      for (unsigned char* p : blocks) heap.deallocate(p);
      CHECK(heap.stats().live_blocks == 0);
      heap.verify();
    }
    CHECK(heap.real_peak() <= 64 * mib);
    heap.trim();
    CHECK(heap.real_size() == 0);
  }
}
}  // namespace

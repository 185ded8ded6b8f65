// From an address to what lies there.
#include "../support/engines.hpp"
#include <zmm/zmm.hpp>
#include <doctest/doctest.h>
#include <cstdint>
#include <string>

namespace {
using std::size_t;

char const* inside(void* p, size_t at) { return static_cast<char const*>(p) + at; }

TEST_CASE_TEMPLATE("find_block: any address in a live block", Heap, zmm::heap, zmm::synchronized_heap, zmm::segment_heap,
                   zmm::debug_heap) {
  Heap other, heap;
  for (size_t bytes : {1u, 100u, 5000u, 3000000u}) {
    void* const p = heap.allocate(bytes);
    for (size_t at : {size_t{0}, bytes / 2, bytes - 1}) {
      zmm::found_block const found = zmm::find_block(inside(p, at), other, heap);
      REQUIRE(found);
      CHECK(found.owner == &heap);
      CHECK(found.block.address == p);
      CHECK(found.block.usable >= bytes);
    }
    heap.deallocate(p, bytes);
    CHECK(zmm::find_block(p, other, heap).block.address == nullptr);
  }
}

TEST_CASE("find_block: what is nobody's") {
  zmm::heap heap;
  int on_stack = 0;
  CHECK_FALSE(zmm::find_block(&on_stack, heap));
  CHECK_FALSE(zmm::find_block(nullptr, heap));
  CHECK_FALSE(zmm::find_block(reinterpret_cast<void const*>(~std::uintptr_t{0}), heap));
}

TEST_CASE("find_block: the process's heap and the default pool need not be named") {
  void* const p = zmm::thread_heap::allocate(100);
  zmm::found_block const found = zmm::find_block(p);
  CHECK(std::string(found.engine) == "synchronized_heap");
  CHECK(found.block.address == p);
  zmm::thread_heap::deallocate(p, 100);

  zmm::request_resource request;
  void* const packed = request.allocate(100);
  if (zmm::detail::forwards_now()) return;
  CHECK(std::string(zmm::find_block(packed).engine) == "request_pool");
  CHECK(zmm::find_block(packed).area.kind == zmm::area_kind::slab);
  zmm::found_block const of_request = zmm::find_block(packed, request);
  CHECK(of_request.owner == &request.heap());
}

TEST_CASE("find_block: a debug engine says where the block is from") {
  zmm::debug_request_heap request;
  void* const p = request.allocate(100);
  unsigned const line = __LINE__ - 1;
  CHECK(zmm::find_block(inside(p, 50), request).block.site.line == line);
}

}  // namespace

// A request whose first slab is the caller's buffer.
#include <zmm/request_resource.hpp>

#include "support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <memory_resource>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using zmm::request_resource;

bool inside(void const* p, unsigned char const* buffer, size_t bytes) {
  return p >= buffer && p < buffer + bytes;
}

TEST_CASE("buffer: the caller's buffer is used first, then the pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  alignas(64) unsigned char buffer[8192];
  {
    request_resource request{buffer, sizeof buffer, pool};
    size_t within_buffer = 0;
    while (inside(request.allocate(64, 8), buffer, sizeof buffer)) ++within_buffer;
    CHECK(within_buffer >= 100);
    CHECK(source.live() > 0);
    request.verify();
    request.release();
    CHECK(inside(request.allocate(64, 8), buffer, sizeof buffer));  // restored
    size_t again = 1;
    while (inside(request.allocate(64, 8), buffer, sizeof buffer)) ++again;
    CHECK(again == within_buffer);
    request.verify();
  }
  CHECK(pool.stats().in_flight == 0);
}

TEST_CASE("buffer: a request that fits takes nothing from the pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  unsigned char buffer[4096 + 1];
  for (int round = 0; round < 5; ++round) {
    request_resource request{buffer + 1, size_t{4096}, pool};  // at any alignment
    std::pmr::vector<int> numbers{&request};
    numbers.reserve(500);
    for (int i = 0; i < 500; ++i) numbers.push_back(i);
    CHECK(inside(numbers.data(), buffer, sizeof buffer));
    CHECK(reinterpret_cast<std::uintptr_t>(numbers.data()) % alignof(int) == 0);
    for (size_t alignment : {size_t{1}, size_t{2}, size_t{4}, size_t{8}, size_t{16}}) {
      void* const block = request.allocate(24, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    }
    CHECK(request.real_size() == 0);
  }
  CHECK(source.allocations == 0);
}

TEST_CASE("buffer: no buffer is too small or too odd") {
  zmm::request_pool pool;
  std::vector<unsigned char> memory(5000);
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{15}, size_t{63}, size_t{64}, size_t{100}, size_t{4999}})
    for (size_t skip : {size_t{0}, size_t{1}}) {
      if (skip + bytes > memory.size()) continue;
      request_resource request{memory.data() + skip, bytes, pool};
      for (int i = 0; i < 200; ++i) std::memset(request.allocate(40, 8), 1, 40);
      for (int i = 0; i < 20; ++i) std::memset(request.allocate(64, 64), 1, 64);
      request.verify();
    }
  request_resource none{nullptr, size_t{0}, pool};
  CHECK(none.allocate(8, 8) != nullptr);
}
}  // namespace

// A request whose first slab is the caller's buffer.
#include <zmm/zmm.hpp>

#include "support/counting_storage.hpp"
#include "support/engines.hpp"
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

TEST_CASE("buffer: collect() opens it anew, as good as at first") {  // under ASan: no byte of it is forbidden
  alignas(64) unsigned char buffer[8192];
  zmm::request_heap request{buffer, sizeof buffer};
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) blocks.push_back(request.allocate(128));
    for (void* p : blocks) request.deallocate(p, 128);
    CHECK(request.collect() > 0);
    std::memset(buffer, 0x5A, sizeof buffer);
    request.deallocate(request.allocate(100, 64), 100, 64);
    for (int i = 0; i < 200; ++i) std::memset(request.allocate(40), round, 40);
    request.verify();
    request.release();
    std::memset(buffer, 0x5A, sizeof buffer);
  }
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

constexpr size_t chunk = 2 * 1024 * 1024, room = 16 * 1024;
alignas(chunk) char memory[2 * chunk];

struct sampled_often : zmm::sampled_options {
  [[maybe_unused]] static constexpr size_t sample_every = 256;
};

struct block {
  void* start;
  size_t bytes;
};

// Takes, resizes and gives every block of a request that begins `before` bytes before a chunk's start. Returns: whether one lay there.
template <class Heap> bool lives_across(size_t before) {
  typename Heap::pool_type pool;
  Heap request{memory + chunk - before, room, pool};
  std::vector<block> blocks;
  bool is_at_start = false;
  for (size_t i = 0; i < 120; ++i) {
    size_t const bytes = i % 3 == 0 ? 8 : i % 3 == 1 ? 24 : 40;
    void* const p = request.allocate(bytes, 8);
    std::memset(p, static_cast<int>(bytes), bytes);
    is_at_start = is_at_start || p == memory + chunk;
    blocks.push_back({p, bytes});
  }
  for (block& b : blocks) {
    size_t const granted = request.resize_in_place(b.start, b.bytes, b.bytes - 1, b.bytes - 1);
    if (granted != 0) b.bytes = granted;
  }
  request.verify();
  for (block const& b : blocks) request.deallocate(b.start, b.bytes, 8);
  request.collect();
  request.verify();
  CHECK(request.stats().live_blocks == 0);
  return is_at_start;
}

TEST_CASE_TEMPLATE("buffer: a block in the caller's buffer may start where a chunk would", Options, zmm::default_options, small_chunks,
                   zmm::checked_options, zmm::hardened_options, paranoid_small, zmm::debug_options, debug_hardened, sampled_often) {
  using heap = zmm::basic_request_heap<Options>;
  bool met = false;
  for (size_t before = 0; before <= 512; before += 8) met = lives_across<heap>(before) || met;
  CHECK((met || zmm::detail::under_sanitizer || always_watched<heap>));  // a watch puts something around each
}
}  // namespace

// request_pool: slabs for many requests and many threads, kept warm, bounded and counted.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <cstring>
#include <deque>
#include <doctest/doctest.h>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

// A deterministic request: small blocks, some freed, runs and a huge block now and then.
template <class Request> void serve(Request& request, std::uint64_t seed) {
  random_source random{seed};
  struct block {
    unsigned char* p;
    size_t bytes;
  };
  std::vector<block> blocks;
  for (int i = 0; i < 400; ++i) {
    size_t const bytes = random.one_in(40) ? random.between(3000, 60000) : random.between(1, 600);
    auto* p = static_cast<unsigned char*>(request.allocate(bytes, 8));
    p[0] = p[bytes - 1] = static_cast<unsigned char>(seed);
    blocks.push_back({p, bytes});
    if (!random.one_in(3)) continue;
    block& b = blocks[random.below(blocks.size())];
    if (b.p[0] != static_cast<unsigned char>(seed) || b.p[b.bytes - 1] != b.p[0]) FAIL_CHECK("contents lost");
    request.deallocate(b.p, b.bytes, 8);
    b = blocks.back();
    blocks.pop_back();
  }
  for (block const& b : blocks)
    if (b.p[0] != static_cast<unsigned char>(seed) || b.p[b.bytes - 1] != b.p[0]) FAIL_CHECK("contents lost");
}

TEST_CASE("pool: neither copyable nor movable, and unused it owns nothing") {
  static_assert(!std::is_copy_constructible_v<zmm::request_pool> && !std::is_move_constructible_v<zmm::request_pool>);
  counting_storage source;
  { zmm::request_pool pool{source}; }
  CHECK(source.allocations == 0);
}

TEST_CASE("pool: a second identical request takes nothing from storage") {
  counting_storage source;
  zmm::request_pool pool{source};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    {
      zmm::request_resource first{pool};
      serve(first, seed);
    }
    size_t const before = source.takings();
    {
      zmm::request_resource second{pool};
      serve(second, seed);
    }
    CHECK(source.takings() == before);
  }
}

TEST_CASE("pool: in_flight counts the requests that hold memory") {
  zmm::request_pool pool;
  std::vector<std::unique_ptr<zmm::request_resource>> requests;
  for (size_t i = 0; i < 10; ++i) {
    requests.push_back(std::make_unique<zmm::request_resource>(pool));
    CHECK(pool.stats().in_flight == i);
    (void)requests.back()->allocate(10, 8);
  }
  requests[3]->release();
  CHECK(pool.stats().in_flight == 9);
  requests.clear();
  CHECK(pool.stats().in_flight == 0);
  CHECK(pool.stats().used == 0);
}

TEST_CASE("pool: the percentiles follow the sizes of the requests") {
  zmm::request_pool pool;
  for (int i = 0; i < 400; ++i) {
    zmm::request_resource request{pool};
    size_t const kib = i % 100 < 60 ? 10 : i % 100 < 95 ? 100 : 1000;
    for (size_t k = 0; k < kib; k += 2) (void)request.allocate(2048, 8);
  }
  zmm::pool_statistics const s = pool.stats();
  CHECK(s.ended == 400);
  CHECK(s.p50 >= 10 * 1024);
  CHECK(s.p50 <= 40 * 1024);
  CHECK(s.p90 >= 100 * 1024);
  CHECK(s.p90 <= 300 * 1024);
  CHECK(s.p99 >= 1000 * 1024);
  CHECK(s.p99 <= 3000 * 1024);
}

TEST_CASE("pool: its limit binds all requests together") {
  counting_storage source;
  zmm::request_pool pool{source};
  REQUIRE(pool.set_limit(4 * chunk));
  zmm::request_resource a{pool}, b{pool};
  size_t got = 0;
  while (a.try_allocate(50000, 8) != nullptr && b.try_allocate(50000, 8) != nullptr) ++got;
  CHECK(got > 50);
  CHECK(source.peak() <= 4 * chunk);
  CHECK_THROWS_AS((void)a.allocate(200000, 8), zmm::memory_limit_exceeded);
  a.verify();
  b.verify();
  b.release();
  CHECK(a.try_allocate(50000, 8) != nullptr);
  CHECK_FALSE(pool.set_limit(1000));
  CHECK(pool.limit() == 4 * chunk);
}

TEST_CASE("pool: trim gives back what no request holds") {
  counting_storage source;
  zmm::request_pool pool{source};
  for (int i = 0; i < 20; ++i) {
    zmm::request_resource request{pool};
    for (int k = 0; k < 100; ++k) (void)request.allocate(100000, 8);
  }
  CHECK(source.live() > 0);
  (void)pool.trim();
  CHECK(pool.stats().real_size == source.live());
  CHECK(source.live() <= chunk);
  pool.verify();
}

TEST_CASE("pool: with 256 KiB chunks") {
  checking_storage source;
  zmm::basic_request_pool<small_chunks::geometry> pool{source};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    zmm::resource<zmm::basic_request_heap<small_chunks>> request{pool};
    serve(request, seed);
    request.verify();
  }
  pool.verify();
}

size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

TEST_CASE("pool: 100,000 requests alive at once") {
  zmm::request_pool pool;
  size_t const count = 100000, before = mappings();
  std::deque<zmm::request_resource> requests;
  std::vector<unsigned char*> blocks;
  for (size_t i = 0; i < count; ++i) {
    requests.emplace_back(pool);
    auto* p = static_cast<unsigned char*>(requests.back().allocate(1024, 8));
    p[0] = p[1023] = static_cast<unsigned char>(i);
    blocks.push_back(p);
  }
  CHECK(pool.stats().in_flight == count);
  CHECK(pool.stats().real_size <= count * 8192);
  CHECK(mappings() - before < 1000);
  bool intact = true;
  for (size_t i = 0; i < count; ++i)
    intact = intact && blocks[i][0] == static_cast<unsigned char>(i) && blocks[i][1023] == blocks[i][0];
  CHECK(intact);
  pool.verify();
  requests.clear();
  CHECK(pool.stats().in_flight == 0);
  pool.verify();
}

TEST_CASE("pool: a thousand rounds of many requests do not make it grow") {
  counting_storage source;
  zmm::request_pool pool{source};
  random_source random{11};
  size_t early = 0;
  for (size_t round = 0; round < scaled(300); ++round) {
    std::deque<zmm::request_resource> requests;
    for (std::uint64_t i = 0; i < 20; ++i) {
      requests.emplace_back(pool);
      serve(requests.back(), random.below(50));
    }
    while (!requests.empty()) random.one_in(2) ? requests.pop_back() : requests.pop_front();
    if (round == 50) early = source.peak();
  }
  CHECK(source.peak() <= early + 4 * chunk);
  pool.verify();
}

TEST_CASE("pool: requests on several threads at once") {
  checking_storage checked;
  counting_storage source{checked};
  {
    zmm::request_pool pool{source};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
      threads.emplace_back([&pool, t] {
        for (std::uint64_t i = 0; i < scaled(150); ++i) {
          zmm::request_resource request{pool};
          serve(request, t * 1000 + i);
          if (i % 16 == 0) (void)request.allocate(3 * chunk, 8);
          if (i % 8 == 0) request.verify();
          zmm::request_resource child{zmm::within, request};
          serve(child, i);
          (void)pool.stats();
          if (i % 64 == 0) (void)pool.trim();
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(pool.stats().in_flight == 0);
    CHECK(pool.stats().used == 0);
    CHECK(pool.stats().real_size == source.live());
    pool.verify();
  }
  CHECK(source.live() == 0);
}

TEST_CASE("pool: a request may move to another thread, and end there") {
  zmm::request_pool pool;
  auto request = std::make_unique<zmm::request_resource>(pool);
  auto* p = static_cast<unsigned char*>(request->allocate(5000, 8));
  std::memset(p, 1, 5000);
  std::thread([&] {
    request->deallocate(p, 5000, 8);
    serve(*request, 1);
    request->verify();
  }).join();
  serve(*request, 2);
  std::thread([&] { request.reset(); }).join();
  CHECK(pool.stats().in_flight == 0);
  pool.verify();
}

TEST_CASE("pool: the limit of a pool is exact with several threads") {
  counting_storage source;
  zmm::request_pool pool{source};
  REQUIRE(pool.set_limit(6 * chunk));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool] {
      for (size_t i = 0; i < scaled(100); ++i) {
        zmm::request_resource request{pool};
        while (request.try_allocate(90000, 8) != nullptr) {}
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(source.peak() <= 6 * chunk);
  pool.verify();
}
}  // namespace

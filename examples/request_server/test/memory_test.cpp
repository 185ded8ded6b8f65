// Requests that run out of memory: at their own limit, at their pool's, or because there is none. Each gets an answer, and
// later ones are served.
#include "support.hpp"

#include "demo/driver.hpp"
#include "server/server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <thread>

using namespace shop;
using namespace shop_test;

namespace {

constexpr arena_kind zmm_arenas[] = {arena_kind::zmm, arena_kind::checked, arena_kind::hardened};

/// Has `blocks` blocks and no more.
class short_storage final : public zmm::storage {
public:
  std::size_t blocks = 0;

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (blocks == 0) return nullptr;
    void* const p = zmm::os_storage().allocate(bytes, alignment, reserve);
    blocks -= p != nullptr;
    return p;
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    ++blocks;
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
};

void check_ended(zmm::request_pool& pool) {
  pool.verify();
  CHECK(pool.stats().in_flight == 0);
}

}  // namespace

TEST_CASE("a request that passes its memory limit is answered 413, and the next one is served") {
  for (arena_kind arena : zmm_arenas) {
    zmm::request_pool pool;
    std::size_t refused = 0, served = 0;
    for (std::size_t limit = 4096; limit <= 4 * 1024 * 1024; limit += limit / 4) {
      worker_memory worker{arena, limit};
      worker.use(pool);
      for (std::size_t lines : {1U, 20U, 300U, 3000U}) {
        auto const wire = post("/orders/report", orders(lines));
        auto const answered = ask(wire, worker);
        CHECK((answered.status == 200 || answered.status == 413));
        answered.status == 200 ? ++served : ++refused;
        if (answered.status == 200) CHECK(answered.bytes == ask(wire).bytes);
        check_ended(pool);
      }
    }
    CHECK(refused > 10);
    CHECK(served > 10);
    worker_memory large{arena, 64 * 1024 * 1024};
    CHECK(ask(post("/orders/report", orders(3000)), large).status == 200);
  }
}

TEST_CASE("where storage has no memory the answer is 503, and the next request is served when it has") {
  auto const wire = post("/orders/report", orders(3000));
  for (arena_kind arena : zmm_arenas) {
    short_storage source;
    zmm::request_pool pool{source};
    worker_memory worker{arena};
    worker.use(pool);
    std::size_t refused = 0;
    for (auto answered = ask(wire, worker); answered.status != 200; answered = ask(wire, worker)) {
      REQUIRE(answered.status == 503);
      CHECK(ask(get("/page"), worker).status == (source.blocks + pool.stats().real_size == 0 ? 503 : 200));
      check_ended(pool);
      REQUIRE(++refused < 100);
      source.blocks = refused;
    }
    CHECK(refused >= 1);
    check_ended(pool);
  }
}

TEST_CASE("a pool's limit under 64 requests at once") {
  auto const wire = post("/orders/report", orders(2000));  // 120 KiB
  service const from{loaded(), nullptr};
  zmm::request_pool pool;
  REQUIRE(pool.set_limit(4 * 1024 * 1024));
  worker_memory plain{arena_kind::zmm}, hardened{arena_kind::hardened};
  plain.use(pool);
  hardened.use(pool);
  for (int round = 0; round < 3; ++round) {
    std::size_t served = 0, refused = 0;
    std::deque<exchange> open;
    // Each reads all but the end of its body before the first of them ends: together they need 8 MiB.
    for (int i = 0; i < 64; ++i) {
      auto& one = open.emplace_back(i % 2 == 0 ? plain : hardened, from, request_limits{});
      for (std::size_t at = 0; !one.answered() && at < wire.size() - 1;) {
        auto const room = one.space();
        if (one.answered()) break;
        auto const bytes = std::min(room.size(), wire.size() - 1 - at);
        std::memcpy(room.data(), wire.data() + at, bytes);
        one.received(bytes);
        at += bytes;
      }
      one.verify();
    }
    while (!open.empty()) {
      auto& one = open.front();
      if (!one.answered()) {
        auto const room = one.space();
        if (!one.answered()) {
          *static_cast<char*>(room.data()) = wire.back();
          one.received(1);
        }
      }
      REQUIRE(one.answered());
      CHECK((one.status() == 200 || one.status() == 503));
      one.status() == 200 ? ++served : ++refused;
      one.verify();
      open.pop_front();
    }
    CHECK(served > 0);
    CHECK(refused > 32);
    check_ended(pool);
    CHECK(pool.real_peak() <= pool.limit());
    CHECK(ask(wire, plain).status == 200);
    CHECK(ask(wire, hardened).status == 200);
  }
}

TEST_CASE("a server whose pool is at its limit answers 503, and serves when others have ended") {
  auto const wire = post("/orders/report", orders(2000));
  auto& pool = zmm::default_request_pool();
  pool.trim();
  for (arena_kind arena : zmm_arenas) {
    server_options options;
    options.arena = arena;
    options.threads = 4;
    server running{options, loaded()};
    REQUIRE(pool.set_limit(pool.real_size() + 4 * 1024 * 1024));
    std::atomic<int> served{0}, refused{0}, other{0}, arrived{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 64; ++i)
      clients.emplace_back([&] {
        try {
          client connection{running.port()};
          connection.send(wire.substr(0, wire.size() - 1));
          ++arrived;
          while (arrived < 64) std::this_thread::yield();
          connection.send(wire.substr(wire.size() - 1));
          auto const status = connection.receive().result_int();
          ++(status == 200 ? served : status == 503 ? refused : other);
        } catch (std::exception const&) {
          ++other;
          ++arrived;
        }
      });
    for (auto& one : clients) one.join();
    CHECK(refused > 0);
    CHECK(other == 0);
    CHECK(served + refused == 64);
    while (pool.stats().in_flight != 0) std::this_thread::yield();  // an answer is sent before its request has ended
    CHECK(client{running.port()}.ask(wire).result_int() == 200);
    REQUIRE(pool.set_limit(~std::size_t{0}));
  }
}

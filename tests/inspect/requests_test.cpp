// Requests that their pool lists: those in flight, and what those that have ended took.
#include "../support/child.hpp"
#include "../support/counting_storage.hpp"
#include "../support/threads.hpp"
#include <zmm/zmm.hpp>
#include <doctest/doctest.h>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace {
using std::size_t;

struct listed : zmm::default_options {
  [[maybe_unused]] static constexpr bool list_requests = true;
};
using listed_heap = zmm::basic_request_heap<listed>;

// Where blocks are malloc's no request takes anything from its pool.
bool const is_forwarded = zmm::detail::forwards_now();

std::vector<zmm::request_info> in_flight(zmm::request_pool const& pool) {
  std::vector<zmm::request_info> all;
  zmm::visit_requests(pool, [&](zmm::request_info const& r) {
    all.push_back(r);
    return true;
  });
  return all;
}

std::vector<zmm::ended_label_info> ended(zmm::request_pool const& pool) {
  std::vector<zmm::ended_label_info> all;
  zmm::visit_ended_labels(pool, [&](zmm::ended_label_info const& l) {
    all.push_back(l);
    return true;
  });
  return all;
}

TEST_CASE_TEMPLATE("pool: lists the requests that hold memory, the largest first", Heap, listed_heap,
                   zmm::debug_request_heap) {
  if (is_forwarded) return;
  zmm::request_pool pool;
  CHECK(in_flight(pool).empty());
  CHECK(ended(pool).empty());
  {
    Heap small{pool}, large{pool}, idle{pool};
    {
      zmm::label const scope{"small"};
      (void)small.allocate(100);
    }
    {
      zmm::label const scope{"large"};
      (void)large.allocate(1000000);
    }
    auto const all = in_flight(pool);
    REQUIRE(all.size() == 2);
    CHECK(all[0].address == &large);
    CHECK(std::string(all[0].label) == "large");
    CHECK(all[0].real_size == large.real_size());
    CHECK(all[1].address == &small);
    CHECK(std::string(all[1].label) == "small");
    size_t seen = 0;
    CHECK_FALSE(zmm::visit_requests(pool, [&](zmm::request_info const&) { return ++seen == 0; }));
    CHECK(seen == 1);
  }
  CHECK(in_flight(pool).empty());
  auto const labels = ended(pool);
  REQUIRE(labels.size() == 2);
  CHECK(labels[0].requests + labels[1].requests == 2);
}

TEST_CASE("pool: a request that is released and used again is listed again") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  listed_heap heap{pool};
  for (size_t i = 0; i < 3; ++i) {
    (void)heap.allocate(100);
    CHECK(in_flight(pool).size() == 1);
    heap.release();
    CHECK(in_flight(pool).empty());
  }
  REQUIRE(ended(pool).size() == 1);
  CHECK(ended(pool)[0].requests == 3);
  CHECK(ended(pool)[0].label == nullptr);
}

TEST_CASE("pool: requests within another are listed by themselves, and count in their parents") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  auto parent = std::make_unique<listed_heap>(pool);
  listed_heap child{zmm::within, *parent};
  (void)child.allocate(100);
  REQUIRE(in_flight(pool).size() == 1);
  CHECK(in_flight(pool)[0].address == &child);
  (void)parent->allocate(100);
  REQUIRE(in_flight(pool).size() == 2);
  CHECK(in_flight(pool)[0].address == parent.get());
  CHECK(in_flight(pool)[0].real_size == parent->real_size());
  parent.reset();
  CHECK(in_flight(pool).empty());
}

TEST_CASE("pool: peaks of ended requests by label") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  char const* const names[] = {"a", "b"};
  for (size_t i = 0; i < 200; ++i) {
    zmm::label const scope{names[i % 2]};
    listed_heap heap{pool};
    (void)heap.allocate(i % 2 == 0 ? 40000 : i == 1 ? 4000000 : 400000);
  }
  auto const labels = ended(pool);
  REQUIRE(labels.size() == 2);
  for (auto const& l : labels) {
    CHECK(l.requests == 100);
    CHECK(l.p50 <= l.p90);
    CHECK(l.p90 <= l.p99);
    bool const is_a = std::string(l.label) == "a";
    CHECK(l.p50 >= (is_a ? 40000u : 400000u));
    CHECK(l.p50 <= (is_a ? 60000u : 500000u));
    CHECK(l.max >= (is_a ? 40000u : 4000000u));
    CHECK(l.bytes >= l.requests * (is_a ? 40000u : 400000u));
  }
}

TEST_CASE("pool: what ended debug requests allocated, by place") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  unsigned line = 0;
  for (size_t i = 0; i < 10; ++i) {
    zmm::debug_request_heap heap{pool};
    for (size_t k = 0; k < 5; ++k) (void)heap.allocate(100);
    line = __LINE__ - 1;
  }
  size_t sites = 0;
  zmm::visit_ended_sites(pool, [&](zmm::ended_site_info const& s) {
    ++sites;
    CHECK(s.line == line);
    CHECK(s.requests == 10);
    CHECK(s.blocks == 50);
    CHECK(s.peak_bytes == 5000);
    CHECK(s.max == 500);
    return true;
  });
  CHECK(sites == 1);
}

TEST_CASE("pool: debug requests use the watches of those before, and know nothing of them") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  for (size_t i = 0; i < 3; ++i) {
    zmm::debug_request_heap heap{pool};
    void* const p = heap.allocate(100 + i);
    size_t sites = 0;
    zmm::for_each_site(heap, [&](zmm::site_figures const& f) {
      ++sites;
      CHECK(f.live_bytes == 100 + i);
      CHECK(f.blocks == 1);
    });
    CHECK(sites == 1);
    CHECK(heap.stats().peak == 100 + i);
    heap.deallocate(p, 100 + i);
    heap.verify();
  }
}

TEST_CASE("request: how full each limit is that binds it") {
  zmm::request_pool pool;
  REQUIRE(pool.set_limit(1 << 26));
  zmm::request_resource eldest{pool}, parent{zmm::within, eldest}, child{zmm::within, parent};
  (void)eldest.allocate(200000);
  REQUIRE(eldest.set_limit(1 << 22));
  REQUIRE(parent.set_limit(1 << 20));
  std::vector<zmm::limit_info> limits;
  try {
    for (;;) (void)child.allocate(100000);
  } catch (zmm::memory_limit_exceeded const& refused) {
    zmm::visit_limits(child, [&](zmm::limit_info const& l) {
      limits.push_back(l);
      bool const has_refused = l.whose == refused.whose() && l.limit == refused.limit() && l.used == refused.used();
      CHECK(has_refused == (l.address == &parent.heap()));
      CHECK((l.used + refused.needed() > l.limit) == has_refused);
      return true;
    });
  }
  REQUIRE(limits.size() == 4);
  CHECK((limits[0].address == &child.heap() && limits[0].whose == zmm::limit_holder::engine));
  CHECK((limits[0].used == child.real_size() && limits[0].limit == ~size_t{0}));
  CHECK((limits[1].address == &parent.heap() && limits[1].whose == zmm::limit_holder::ancestor));
  CHECK((limits[1].used == parent.real_size() && limits[1].limit == 1 << 20));
  CHECK((limits[2].address == &eldest.heap() && limits[2].whose == zmm::limit_holder::ancestor));
  CHECK((limits[2].used == eldest.real_size() && limits[2].used > limits[1].used && limits[2].limit == 1 << 22));
  CHECK((limits[3].address == &pool && limits[3].whose == zmm::limit_holder::pool));
  CHECK((limits[3].used == pool.stats().real_size && limits[3].limit == 1 << 26));
  CHECK_FALSE(zmm::visit_limits(child, [](zmm::limit_info const&) { return false; }));
}

TEST_CASE("request: JSON says what is left of others' limits too") {
  auto const remaining_in = [](auto const& of) {
    std::string text;
    CHECK(zmm::write_json(of, [&](char const* part, size_t bytes) {
      text.append(part, bytes);
      return true;
    }));
    std::string const key = "\"remaining\":";
    size_t const at = text.find(key) + key.size();
    return text.substr(at, text.find_first_of(",}", at) - at);
  };
  zmm::request_pool pool;
  zmm::request_heap parent{pool}, child{zmm::within, parent};
  (void)parent.allocate(100000);
  (void)child.allocate(100000);
  for (auto const* heap : {&parent, &child}) CHECK(remaining_in(*heap) == "null");
  CHECK(remaining_in(pool) == "null");
  REQUIRE(parent.set_limit(1 << 24));
  CHECK(remaining_in(child) == std::to_string(child.remaining()));
  CHECK(remaining_in(child) == remaining_in(parent));
  REQUIRE(pool.set_limit(1 << 22));
  CHECK(remaining_in(child) == std::to_string(pool.remaining()));
  CHECK(remaining_in(pool) == std::to_string(pool.remaining()));
}

TEST_CASE("request: its label can be said later") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  zmm::debug_request_resource request{pool};
  zmm::label_request(request, "too early");
  void* const p = request.allocate(1);
  CHECK(in_flight(pool).at(0).label == nullptr);
  zmm::label_request(request, "GET /");
  CHECK(std::string(in_flight(pool).at(0).label) == "GET /");
  request.deallocate(p, 1);
  zmm::request_resource plain{pool};
  (void)plain.allocate(1);
  zmm::label_request(plain, "nobody lists it");
}

TEST_CASE("pool: many labels and many places") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  std::vector<std::string> names;
  for (size_t i = 0; i < 1000; ++i) names.push_back("label " + std::to_string(i));
  for (auto const& name : names) {
    zmm::label const scope{name.c_str()};
    zmm::debug_request_heap heap{pool};
    (void)heap.allocate(1);
  }
  std::uint64_t requests = 0;
  for (auto const& l : ended(pool)) requests += l.requests;
  CHECK(requests == 1000);
  CHECK(ended(pool).size() <= 257);
}

TEST_CASE("pool: requests begin and end in threads while others look") {
  if (is_forwarded) return;
  zmm::request_pool pool;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      zmm::label const scope{"busy"};
      while (!stop) {
        listed_heap heap{pool};
        for (size_t i = 0; i < 20; ++i) (void)heap.allocate(i * 500 + 1);
        zmm::debug_request_heap debug{pool};
        (void)debug.allocate(50);
      }
    });
  for (size_t i = 0; i < 200; ++i) {
    for (auto const& r : in_flight(pool)) {
      CHECK(std::string(r.label) == "busy");
      CHECK(r.real_size <= r.real_peak);
    }
    (void)ended(pool);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(in_flight(pool).empty());
}

TEST_CASE("pool: the journal's memory ends with it") {
  if (is_forwarded) return;
  for (size_t i = 0; i < 10; ++i) {
    zmm::request_pool pool;
    zmm::debug_request_heap heap{pool};
    (void)heap.allocate(100);
  }
  size_t const before = zmm_test::mapped_bytes();
  for (size_t i = 0; i < 200; ++i) {
    zmm::request_pool pool;
    zmm::debug_request_heap heap{pool};
    (void)heap.allocate(100);
  }
  if (!zmm::detail::under_sanitizer) CHECK(zmm_test::mapped_bytes() < before + 200 * 4096);
}

}  // namespace

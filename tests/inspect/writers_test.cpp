// What is written of engines and pools: that all of it arrives or is said not to, that it costs no memory, that figures agree.
// Whether others can read it formats.sh asks.
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/malloc_bytes.hpp"
#include "../support/threads.hpp"
#include <zmm/zmm.hpp>
#include <doctest/doctest.h>
#include <atomic>
#include <cstdio>
#include <string>

namespace {
using namespace zmm_test;
using std::size_t;

struct text_sink {
  std::string text;
  bool operator()(char const* from, size_t bytes) {
    text.append(from, bytes);
    return true;
  }
};

template <class X> std::string json_of(X const& x) {
  text_sink sink;
  CHECK(zmm::write_json(x, sink));
  return sink.text;
}
template <class X> std::string metrics_of(X const& x) {
  text_sink sink;
  CHECK(zmm::write_metrics(x, "x", sink));
  return sink.text;
}
template <class X> std::string map_of(X const& x) {
  text_sink sink;
  CHECK(zmm::write_map(x, sink));
  return sink.text;
}
bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

TEST_CASE_TEMPLATE("writers: any engine, with blocks and without", Heap, zmm::heap, zmm::hardened_heap, zmm::debug_heap,
                   zmm::synchronized_heap, zmm::debug_synchronized_heap, zmm::segment_heap, zmm::debug_segment_heap,
                   zmm::request_heap, zmm::debug_request_heap) {
  Heap heap;
  CHECK(has(json_of(heap), "\"live_blocks\":0"));
  CHECK(has(map_of(heap), "</svg>"));
  void* const p = heap.allocate(100);
  void* const q = heap.allocate(100000);
  zmm::statistics const s = heap.stats();
  CHECK(has(json_of(heap), "\"size\":" + std::to_string(s.size) + ","));
  CHECK(has(json_of(heap), "\"live_blocks\":2"));
  CHECK(has(metrics_of(heap), "zmm_heap_live_bytes{heap=\"x\"} " + std::to_string(s.size) + "\n"));
  CHECK(has(metrics_of(heap), "zmm_heap_limit_bytes{heap=\"x\"} +Inf\n"));
  std::string const om = metrics_of(heap);
  CHECK(om.substr(om.size() - 6) == "# EOF\n");
  CHECK(has(map_of(heap), "</svg>"));
  heap.deallocate(p, 100);
  heap.deallocate(q, 100000);
}

TEST_CASE("writers: what is somebody's text is escaped, and what is no UTF-8 replaced") {
  zmm::debug_heap heap;
  zmm::label const scope{"a\"b\\c\nd\x01\xFF\xC3\xA4\xE2\x82"};
  void* const p = heap.allocate(10);
  CHECK(has(json_of(heap), "\"label\":\"a\\\"b\\\\c\\nd\\u0001\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\""));
  CHECK(has(metrics_of(heap), ",label=\"a\\\"b\\\\c\\nd \xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\"}"));
  text_sink sink;
  CHECK(zmm::write_metrics(heap, "my \"heap\"", sink));
  CHECK(has(sink.text, "{heap=\"my \\\"heap\\\"\"}"));
  heap.deallocate(p, 10);
}

TEST_CASE("writers: a sink that refuses is not asked again") {
  zmm::debug_heap heap;
  std::vector<void*> blocks;
  for (size_t i = 0; i < 3000; ++i) blocks.push_back(heap.allocate(i + 1));
  for (size_t stop_at : {1u, 2u}) {
    size_t calls = 0;
    auto const refuses = [&](char const*, size_t) { return ++calls < stop_at; };
    CHECK_FALSE(zmm::write_map(heap, refuses));
    CHECK(calls == stop_at);
  }
  for (size_t i = 0; i < blocks.size(); ++i) heap.deallocate(blocks[i], i + 1);
}

TEST_CASE("writers: a full disk is told of") {
  std::FILE* const full = std::fopen("/dev/full", "w");
  if (full == nullptr) return;
  zmm::heap heap;
  CHECK_FALSE(zmm::write_json(heap, full));
  CHECK_FALSE(zmm::write_metrics(heap, "x", full));
  CHECK_FALSE(zmm::write_map(heap, full));
  std::fclose(full);
}

TEST_CASE("writers: take nothing from what they write of, and nothing from malloc") {
  counting_storage source;
  zmm::heap heap{source};
  for (size_t i = 0; i < 3000; ++i) (void)heap.allocate(i + 1);
  size_t const calls = source.allocations, before = malloc_bytes();
  size_t bytes = 0, within = 0;
  auto const sink = [&](char const*, size_t n) {
    bytes += n;
    if (malloc_bytes() > before + 1024) ++within;
    return true;
  };
  CHECK(zmm::write_json(heap, sink));
  CHECK(zmm::write_metrics(heap, "x", sink));
  CHECK(zmm::write_map(heap, sink));
  CHECK(bytes > 1000);
  CHECK(within == 0);
  CHECK(source.allocations == calls);
}

TEST_CASE("writers: a page of metrics has each family once") {
  zmm::heap a, b;
  zmm::request_pool pool;
  text_sink sink;
  CHECK(zmm::write_metrics_page(sink, zmm::named{a, "a"}, zmm::named{pool, "p"}, zmm::named{b, "b"},
                                zmm::named{zmm::thread_heap{}, "process"}));
  size_t families = 0;
  std::string const type = "# TYPE zmm_heap_live_bytes gauge\n";
  for (size_t at = sink.text.find(type); at != std::string::npos; at = sink.text.find(type, at + 1)) ++families;
  CHECK(families == 1);
  CHECK(has(sink.text, "zmm_heap_live_bytes{heap=\"b\"} 0\n"));
  CHECK(has(sink.text, "zmm_pool_requests_ended_total{pool=\"p\"} 0\n"));
}

TEST_CASE("map: small, however mixed 64 chunks are") {
  zmm::heap heap;
  random_source random{7};
  std::vector<std::pair<void*, size_t>> blocks;
  while (heap.stats().chunks < 64 && blocks.size() < 400000) {
    for (size_t i = 0; i < 1000; ++i) {
      size_t const bytes = random.one_in(3) ? random.below(20000) + 1 : random.below(3000) + 1;
      blocks.emplace_back(heap.allocate(bytes), bytes);
    }
    if (zmm::detail::under_sanitizer || zmm::detail::forwards_now()) break;
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (random.one_in(2)) heap.deallocate(blocks[i].first, blocks[i].second);
  }
  CHECK(map_of(heap).size() < 100000);
}

TEST_CASE("map: of more rows than it shows") {
  zmm::basic_heap<small_chunks> heap;
  for (size_t i = 0; i < 400; ++i) (void)heap.allocate(200000);
  if (zmm::detail::forwards_now()) return;
  std::string const svg = map_of(heap);
  CHECK(has(svg, "more</text>"));
  CHECK(svg.size() < 100000);
}

TEST_CASE("writers: while other threads work") {
  zmm::synchronized_heap heap;
  zmm::request_pool pool;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        zmm::request_resource request{pool};
        for (size_t i = 1; i < 50; ++i) {
          (void)request.allocate(i * 300);
          void* const p = heap.allocate(i * 300);
          heap.deallocate(p, i * 300);
        }
      }
    });
  for (size_t i = 0; i < 30; ++i) {
    CHECK(has(json_of(heap), "\"engine\":\"synchronized_heap\""));
    CHECK(has(json_of(pool), "\"engine\":\"request_pool\""));
    CHECK(has(map_of(pool), "</svg>"));
    CHECK(has(map_of(heap), "</svg>"));
    CHECK(has(metrics_of(pool), "# EOF"));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace

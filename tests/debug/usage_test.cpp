// What eats memory in a debug heap: live, peak and number of allocations by place and by label, also after a request's end.
#include "faces.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

using figures = std::map<std::string, zmm::site_figures>;
std::string name_of(char const* label) { return label != nullptr ? label : "-"; }

template <class Heap> figures by_label(Heap const& heap) {
  figures all;
  zmm::for_each_label(heap, [&](zmm::site_figures const& f) {
    CHECK(f.file == nullptr);
    all[name_of(f.label)] = f;
  });
  return all;
}
template <class Heap> figures by_line(Heap const& heap) {
  figures all;
  zmm::for_each_site(heap,
                     [&](zmm::site_figures const& f) { all[std::to_string(f.line) + " " + name_of(f.label)] = f; });
  return all;
}
void check_figures(zmm::site_figures const& f, size_t live_blocks, size_t live_bytes, size_t peak_bytes,
                   size_t blocks) {
  CHECK(f.live_blocks == live_blocks);
  CHECK(f.live_bytes == live_bytes);
  CHECK(f.peak_bytes == peak_bytes);
  CHECK(f.blocks == blocks);
}
// Addresses are ADDRESS, and sources have no folders.
std::string masked(std::string text) {
  for (size_t at = 0; (at = text.find("0x", at)) != std::string::npos;)
    text.replace(at, text.find_first_not_of("0123456789abcdef", at + 2) - at, "ADDRESS");
  for (size_t slash = 0; (slash = text.rfind('/')) != std::string::npos;)
    text.erase(text.rfind(' ', slash) + 1, slash - text.rfind(' ', slash));
  return text;
}
template <class Heap> std::string usage(Heap const& heap, size_t most = 10) {
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* const to = ::open_memstream(&text, &bytes);
  zmm::print_usage(heap, to, most);
  std::fclose(to);
  std::string const printed(text, bytes);
  std::free(text);
  return masked(printed);
}

TEST_CASE_TEMPLATE("usage: live, peak and count, by place and by label", Heap, ZMM_TEST_DEBUG_ENGINES) {
  engine_face<Heap> face;
  Heap& heap = face.heap();
  CHECK(by_label(heap).empty());
  void* kept = nullptr;
  void* const first = heap.allocate(100);
  std::string const first_line = std::to_string(__LINE__ - 1);
  {
    zmm::label const scope{"pages"};
    for (size_t i = 0; i < 10; ++i) heap.deallocate(heap.allocate(1000), 1000);
    kept = heap.allocate(30);
  }
  std::string const loop_line = std::to_string(__LINE__ - 3), kept_line = std::to_string(__LINE__ - 2);
  figures const labels = by_label(heap), lines = by_line(heap);
  REQUIRE(labels.size() == 2);
  check_figures(labels.at("-"), 1, 100, 100, 1);
  check_figures(labels.at("pages"), 1, 30, 1000, 11);
  REQUIRE(lines.size() == 3);
  check_figures(lines.at(first_line + " -"), 1, 100, 100, 1);
  check_figures(lines.at(loop_line + " pages"), 0, 0, 1000, 10);
  check_figures(lines.at(kept_line + " pages"), 1, 30, 30, 1);
  heap.deallocate(first, 100);
  check_figures(by_label(heap).at("-"), 0, 0, 100, 1);
  heap.deallocate(kept, 30);
}

TEST_CASE_TEMPLATE("usage: shrinking in place and moving count once", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  Heap heap;
  zmm::label const scope{"moves"};
  void* p = heap.allocate(1000);
  p = heap.reallocate(p, 3000);
  check_figures(by_label(heap).at("moves"), 1, 3000, 3000, 2);
  CHECK(heap.stats().peak == 3000);
  p = heap.reallocate(p, 10);
  check_figures(by_label(heap).at("moves"), 1, 10, 3000, 3);
  heap.deallocate(p, 10);
  check_figures(by_label(heap).at("moves"), 0, 0, 3000, 3);
}

TEST_CASE("usage: of a request, before its end, after it, and in the next one") {
  zmm::debug_request_resource request;
  auto const handle = [&] {
    {
      zmm::label const scope{"parse"};
      (void)request.allocate(5000);
    }
    zmm::label const scope{"render"};
    for (size_t i = 0; i < 3; ++i) (void)request.allocate(100);
  };
  std::string const parse = std::to_string(__LINE__ - 5), render = std::to_string(__LINE__ - 2);
  handle();
  std::string const expected = "zmm: peak bytes by label in heap ADDRESS\n"
                               "        5000  parse (1 allocations)\n"
                               "         300  render (3 allocations)\n"
                               "zmm: places with the highest peaks\n"
                               "        5000  usage_test.cpp:" +
                               parse +
                               " in parse (1 allocations)\n"
                               "         300  usage_test.cpp:" +
                               render + " in render (3 allocations)\n";
  CHECK(usage(request) == expected);
  CHECK(usage(request.heap()) == expected);
  request.release();
  CHECK(usage(request) == expected);
  check_figures(by_label(request).at("render"), 0, 0, 300, 3);
  (void)request.allocate(1);
  CHECK(by_label(request).size() == 1);  // a new request: what was before is over
  request.release();
  handle();
  CHECK(usage(request) == expected);
}

TEST_CASE("usage: the highest peaks come first, as many as are asked for, equal ones too") {
  zmm::debug_heap heap;
  void* blocks[7];
  size_t const sizes[7] = {10, 500, 70, 500, 500, 9000, 1};
  for (size_t i = 0; i < 7; ++i)
    blocks[i] = heap.allocate(sizes[i], 16, zmm::call_site::here("places.cpp", static_cast<unsigned>(i)));
  std::string const head = "zmm: peak bytes by label in heap ADDRESS\n       10581  (no label) (7 allocations)\n"
                           "zmm: places with the highest peaks\n";
  auto const line = [](size_t bytes, int at) {
    return std::string(12 - std::to_string(bytes).size(), ' ') + std::to_string(bytes) +
           "  places.cpp:" + std::to_string(at) + " (1 allocations)\n";
  };
  CHECK(usage(heap, 0) == head);
  CHECK(usage(heap, 1) == head + line(9000, 5));
  CHECK(usage(heap, 3) == head + line(9000, 5) + line(500, 1) + line(500, 3));
  CHECK(usage(heap) ==
        head + line(9000, 5) + line(500, 1) + line(500, 3) + line(500, 4) + line(70, 2) + line(10, 0) + line(1, 6));
  for (size_t i = 0; i < 7; ++i) heap.deallocate(blocks[i], sizes[i]);
}

TEST_CASE("usage: figures are read while threads allocate at new places, and who reads them may use the heap") {
  zmm::debug_synchronized_heap heap;
  static char names[3000];
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; !over; i = (i + 2) % sizeof names) {
        zmm::label const scope{&names[i]};
        heap.deallocate(heap.allocate(8), 8);
      }
    });
  size_t visits = 0;
  while (visits < 300) {
    zmm::for_each_site(heap, [&](zmm::site_figures const& f) {
      CHECK(f.blocks != 0);
      if (++visits % 64 == 0)
        std::thread([&] { heap.deallocate(heap.allocate(16), 16); }).join();  // nobody is kept out
    });
    zmm::for_each_label(heap, [&](zmm::site_figures const&) { heap.deallocate(heap.allocate(16), 16); });
    CHECK(!usage(heap, 3).empty());
  }
  over = true;
  for (std::thread& t : threads) t.join();
}

TEST_CASE("usage: a leak sink may hand the report to another thread that uses the heap") {
  static zmm::debug_synchronized_heap* reported = nullptr;
  zmm::debug_synchronized_heap heap;
  reported = &heap;
  void* const p = heap.allocate(48);
  zmm::leak_sink const before = zmm::set_leak_sink([](zmm::leak_report const& report) noexcept {
    CHECK(report.blocks == 1);
    std::thread([] { reported->deallocate(reported->allocate(8), 8); }).join();
  });
  CHECK(zmm::report_leaks(heap) == 1);
  zmm::set_leak_sink(before);
  heap.deallocate(p, 48);
}
}  // namespace

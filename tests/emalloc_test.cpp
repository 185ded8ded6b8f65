// The emalloc functions: on every kind of heap behind the table, on handlers, and as static members over one engine.
#include <zmm/zmm.hpp>

#include "support/counting_storage.hpp"
#include "support/engines.hpp"
#include "support/stop_recorder.hpp"
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
constexpr size_t most = ~size_t{0};

bool is_here(char const* file, unsigned line, unsigned expected) {
  char const* const name = std::strrchr(file, '/');
  return std::strcmp(name != nullptr ? name + 1 : file, "emalloc_test.cpp") == 0 && line == expected;
}

// What holds of every heap behind the functions.
void work_with_current() {
  char* s = zmm::estrdup("seed");
  CHECK(std::strcmp(s, "seed") == 0);
  s = static_cast<char*>(zmm::erealloc(s, 10'000));
  CHECK(std::strcmp(s, "seed") == 0);
  s = static_cast<char*>(zmm::erealloc2(s, 100'000, 5));
  CHECK(std::strcmp(s, "seed") == 0);
  s = static_cast<char*>(zmm::erealloc(s, 5));
  CHECK(std::strcmp(s, "seed") == 0);
  s = static_cast<char*>(zmm::erealloc_recoverable(s, 3000));
  REQUIRE(s != nullptr);
  CHECK(std::strcmp(s, "seed") == 0);
  zmm::efree(s);

  auto* const zeros = static_cast<unsigned char*>(zmm::ecalloc(100, 30));
  for (size_t i = 0; i < 3000; ++i) REQUIRE(zeros[i] == 0);
  zmm::efree(zeros);

  // Nothing, and of nothing.
  zmm::efree(nullptr);
  void* p = zmm::emalloc(0);
  void* q = zmm::ecalloc(0, 8);
  CHECK(p != nullptr);
  CHECK(q != nullptr);
  CHECK(p != q);
  zmm::efree(p);
  zmm::efree(q);
  p = zmm::erealloc(nullptr, 40);
  REQUIRE(p != nullptr);
  p = zmm::erealloc(p, 0);
  CHECK(p != nullptr);
  p = zmm::erealloc_recoverable(p, 0);
  CHECK(p != nullptr);
  zmm::efree(p);
  p = zmm::erealloc_recoverable(nullptr, 40);
  CHECK(p != nullptr);
  zmm::efree(p);
  CHECK(zmm::mem_block_size(nullptr) == 0);

  // Sizes that are none.
  void* const kept = zmm::safe_emalloc(10, 20, 30);
  std::memset(kept, 0x5a, 230);
  CHECK_THROWS_AS((void)zmm::ecalloc(most / 2, 3), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::safe_emalloc(most / 2, 3, 0), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::safe_emalloc(1, most, 1), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::safe_erealloc(kept, most, most, 1), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::safe_erealloc(kept, 1, most - 3, 4), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::pecalloc(most, 2, true), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::pecalloc(most, 2, false), std::bad_array_new_length);
  CHECK_THROWS_AS((void)zmm::estrndup("", most), std::bad_array_new_length);
  for (size_t i = 0; i < 230; ++i) REQUIRE(static_cast<unsigned char*>(kept)[i] == 0x5a);
  void* const grown = zmm::safe_erealloc(kept, 20, 20, 30);
  for (size_t i = 0; i < 230; ++i) REQUIRE(static_cast<unsigned char*>(grown)[i] == 0x5a);
  zmm::efree(grown);

  // Strings: with zeros inside; shorter than what is copied, where all of that is there; of nothing.
  char* binary = zmm::estrndup("a\0b", 3);
  CHECK(std::memcmp(binary, "a\0b", 4) == 0);
  zmm::efree(binary);
  char const field[16] = "name";
  binary = zmm::estrndup(field, sizeof field);
  CHECK(std::string(binary) == "name");
  CHECK(binary[16] == '\0');
  zmm::efree(binary);
  binary = zmm::estrndup("prefix of this", 6);
  CHECK(std::string(binary) == "prefix");
  zmm::efree(binary);
  binary = zmm::estrndup(nullptr, 0);
  CHECK(binary[0] == '\0');
  zmm::efree(binary);

  for (bool const persistent : {false, true}) {
    void* r = zmm::pemalloc(0, persistent);
    r = zmm::perealloc(r, 100, persistent);
    std::memset(r, 1, 100);
    r = zmm::perealloc(r, 0, persistent);
    CHECK(r != nullptr);
    zmm::pefree(r, persistent);
    zmm::pefree(nullptr, persistent);
    auto* const c = static_cast<char*>(zmm::pecalloc(10, 10, persistent));
    CHECK(c[99] == 0);
    zmm::pefree(c, persistent);
    char* const t = zmm::pestrdup("text", persistent);
    CHECK(std::string(t) == "text");
    zmm::pefree(t, persistent);
  }
}

TEST_CASE_TEMPLATE("emalloc: the family on every engine", Engine, zmm::heap, zmm::basic_heap<exact_peaks>,
                   zmm::synchronized_heap, zmm::hardened_heap, zmm::hardened_synchronized_heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::segment_heap, zmm::hardened_segment_heap,
                   zmm::debug_segment_heap) {
  for (size_t const alignment : {size_t{8}, alignof(std::max_align_t)}) {
    Engine engine;
    zmm::mm_heap mm{engine, alignment};
    zmm::use_heap scope{mm};
    work_with_current();
    CHECK(engine.stats().live_blocks == 0);
    CHECK(zmm::memory_get_usage() == 0);
    engine.verify();
    for (size_t bytes = 1; bytes < 5000; bytes += 7) {
      void* const p = zmm::emalloc(bytes);
      REQUIRE(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      REQUIRE(zmm::mem_block_size(p) >= bytes);
      REQUIRE(engine.owns(p));
    }
    zmm::shutdown_memory_manager(true, false);
    CHECK(engine.stats().live_blocks == 0);
    work_with_current();
    zmm::shutdown_memory_manager(true, true);
    engine.verify();
  }
}

TEST_CASE("emalloc: what is not chosen is the process's heap") {
  CHECK(&zmm::current_heap() == &zmm::current_heap());
  void* const p = zmm::emalloc(100);
  CHECK(zmm::thread_heap::owns(p));
  zmm::efree(p);
  work_with_current();
  zmm::heap heap;
  zmm::mm_heap outer{heap};
  {
    zmm::use_heap scope{outer};
    CHECK(&zmm::current_heap() == &outer);
    zmm::heap other;
    zmm::mm_heap inner{other};
    {
      zmm::use_heap nested{inner};
      CHECK(&zmm::current_heap() == &inner);
    }
    CHECK(&zmm::current_heap() == &outer);
    zmm::mm_heap const* elsewhere = nullptr;
    std::thread{[&] { elsewhere = &zmm::current_heap(); }}.join();
    CHECK(elsewhere != &outer);
  }
  CHECK(&zmm::current_heap() != &outer);
}

TEST_CASE("emalloc: a block of 24 bytes takes 24 where the original's alignment is asked for, and else 32") {
  for (size_t const alignment : {size_t{8}, size_t{16}}) {
    zmm::basic_heap<exact_peaks> heap;
    if (always_watched<zmm::heap> || zmm::detail::forwards_now()) return;  // figures are of what was asked for
    zmm::mm_heap mm{heap, alignment};
    zmm::use_heap scope{mm};
    (void)zmm::emalloc(24);
    CHECK(zmm::memory_get_usage() == (alignment == 8 ? 24 : 32));
    CHECK(zmm::memory_get_peak_usage() == zmm::memory_get_usage());
    CHECK(zmm::memory_get_usage(true) == size_t{2} << 20);
    CHECK(zmm::memory_get_peak_usage(true) == size_t{2} << 20);
  }
}

TEST_CASE_TEMPLATE("emalloc: figures, limit and collection are the heap's", Heap, zmm::heap, zmm::synchronized_heap,
                   zmm::segment_heap, zmm::hardened_segment_heap) {
  Heap heap;
  zmm::mm_heap mm{heap};
  zmm::use_heap scope{mm};
  std::vector<void*> blocks;
  for (int i = 0; i < 3000; ++i) blocks.push_back(zmm::emalloc(3000));
  CHECK(zmm::memory_get_usage() == heap.stats().size);
  CHECK(zmm::memory_get_usage(true) == heap.real_size());
  CHECK(zmm::memory_get_peak_usage(true) == heap.real_peak());
  CHECK_FALSE(zmm::set_memory_limit(1));
  CHECK(zmm::set_memory_limit(heap.real_size()));
  CHECK(heap.limit() == heap.real_size());

  void* const kept = blocks.back();
  std::memset(kept, 0x7c, 3000);
  CHECK(zmm::erealloc_recoverable(kept, size_t{64} << 20) == nullptr);
  CHECK_THROWS_AS((void)zmm::erealloc(kept, size_t{64} << 20), zmm::memory_limit_exceeded);
  CHECK_THROWS_AS((void)zmm::emalloc(size_t{64} << 20), zmm::memory_limit_exceeded);
  CHECK_THROWS_AS((void)zmm::safe_erealloc(kept, 64, 1 << 20, 0), zmm::memory_limit_exceeded);
  CHECK(zmm::erealloc_recoverable(nullptr, size_t{64} << 20) == nullptr);
  for (int i = 0; i < 3000; ++i) REQUIRE(static_cast<unsigned char*>(kept)[i] == 0x7c);

  for (void* p : blocks) zmm::efree(p);
  size_t const before = heap.real_size(), won = zmm::gc_mem_caches();
  if (!zmm::detail::forwards_now()) CHECK(won > 0);
  CHECK(heap.real_size() <= before);
  zmm::memory_reset_peak_usage();
  CHECK(zmm::memory_get_peak_usage(true) == heap.real_size());
}

// Handlers that count, know sizes, and have no memory when told so.
struct counted {
  std::map<void*, size_t> live;
  int frees = 0;
  bool is_empty = false, saw_nothing = false;
  std::vector<std::pair<std::string, unsigned>> places;

  void* allocate(size_t bytes) {
    saw_nothing = saw_nothing || bytes == 0;
    if (is_empty) return nullptr;
    void* const p = std::malloc(bytes);
    live[p] = bytes;
    return p;
  }
  void deallocate(void* p) {
    saw_nothing = saw_nothing || p == nullptr || live.erase(p) != 1;
    ++frees;
    std::free(p);
  }
  void* reallocate(void* p, size_t bytes) {
    saw_nothing = saw_nothing || p == nullptr || bytes == 0;
    if (is_empty) return nullptr;
    live.erase(p);
    p = std::realloc(p, bytes);
    live[p] = bytes;
    return p;
  }
  void note(char const* file, unsigned line) { places.emplace_back(file, line); }
  static counted& of(void* user) { return *static_cast<counted*>(user); }

  zmm::custom_handlers handlers() {
    return {[](void* u, size_t n) { return of(u).allocate(n); }, [](void* u, void* p) { of(u).deallocate(p); },
            [](void* u, void* p, size_t n) { return of(u).reallocate(p, n); }, this,
            [](void* u, void const* p) { return of(u).live.at(const_cast<void*>(p)); }};
  }
  zmm::custom_debug_handlers debug_handlers() {
    return {
        [](void* u, size_t n, char const* f, unsigned l) { return of(u).note(f, l), of(u).allocate(n); },
        [](void* u, void* p, char const* f, unsigned l) { of(u).note(f, l), of(u).deallocate(p); },
        [](void* u, void* p, size_t n, char const* f, unsigned l) { return of(u).note(f, l), of(u).reallocate(p, n); },
        this};
  }
};

TEST_CASE("emalloc: handlers of the program's") {
  counted memory;
  zmm::mm_heap const made{memory.handlers()};
  zmm::mm_heap mm = made;  // a view: copies lead to the same
  zmm::use_heap scope{mm};
  work_with_current();
  CHECK(memory.live.empty());
  CHECK(memory.frees > 0);
  CHECK_FALSE(memory.saw_nothing);

  void* const p = zmm::emalloc(77);
  CHECK(zmm::mem_block_size(p) == 77);
  memory.is_empty = true;
  CHECK_THROWS_AS((void)zmm::emalloc(5), zmm::out_of_memory);
  CHECK_THROWS_AS((void)zmm::erealloc(p, 5), zmm::out_of_memory);
  CHECK(zmm::erealloc_recoverable(p, 5) == nullptr);
  CHECK(zmm::erealloc_recoverable(nullptr, 5) == nullptr);
  CHECK_THROWS_AS((void)zmm::estrdup("text"), zmm::out_of_memory);
  CHECK(zmm::mem_block_size(p) == 77);
  try {
    (void)zmm::safe_emalloc(10, 10, 3);
  } catch (zmm::out_of_memory const& e) { CHECK(e.requested() == 103); }
  zmm::efree(p);

  CHECK(zmm::memory_get_usage() == 0);  // nobody counts
  CHECK(zmm::memory_get_peak_usage(true) == 0);
  CHECK_FALSE(zmm::set_memory_limit(most));
  CHECK(zmm::gc_mem_caches() == 0);
  zmm::shutdown_memory_manager(false, true);
}

TEST_CASE("emalloc: debug handlers are told the place of each call") {
  counted memory;
  zmm::mm_heap mm{memory.debug_handlers()};
  zmm::use_heap scope{mm};
  unsigned const line = __LINE__;
  void* p = zmm::emalloc(10);                     // line + 1
  p = zmm::erealloc(p, 20);                       // line + 2
  p = zmm::erealloc2(p, 30, 5);                   // line + 3
  p = zmm::erealloc_recoverable(p, 40);           // line + 4
  p = zmm::safe_erealloc(p, 5, 10, 0);            // line + 5
  zmm::efree(p);                                  // line + 6
  p = zmm::ecalloc(2, 3);                         // line + 7
  zmm::pefree(p, false);                          // line + 8
  p = zmm::estrdup("text");                       // line + 9
  zmm::efree(p, zmm::call_site::here("f.c", 7));  // a place of the caller's
  p = zmm::pemalloc(1, false);                    // line + 11
  zmm::efree(p);                                  // line + 12
  p = zmm::erealloc(nullptr, 5);                  // line + 13
  zmm::efree(p);                                  // line + 14
  p = zmm::estrndup("text", 2);                   // line + 15
  zmm::efree(p);                                  // line + 16
  REQUIRE(memory.places.size() == 16);
  for (unsigned i = 0; i < 16; ++i) {
    if (i == 9) CHECK(memory.places[i] == std::pair<std::string, unsigned>("f.c", 7));
    else CHECK(is_here(memory.places[i].first.c_str(), memory.places[i].second, line + 1 + i));
  }
  CHECK(zmm::mem_block_size(&memory) == 0);
  work_with_current();
  CHECK(memory.live.empty());
  CHECK_FALSE(memory.saw_nothing);
}

TEST_CASE("emalloc: handlers may throw what they like") {
  struct refusal {};
  zmm::custom_handlers throwing{[](void*, size_t) -> void* { throw refusal{}; }, [](void*, void*) {},
                                [](void*, void*, size_t) -> void* { throw refusal{}; }};
  zmm::mm_heap mm{throwing};
  zmm::use_heap scope{mm};
  CHECK_THROWS_AS((void)zmm::emalloc(1), refusal);
  CHECK_THROWS_AS((void)zmm::erealloc(&mm, 1), refusal);
  CHECK(zmm::erealloc_recoverable(&mm, 1) == nullptr);
}

// What a debug heap says when a request ends.
std::vector<zmm::leak> leaks;
void keep(zmm::leak_report const& r) noexcept { leaks.assign(r.leaks, r.leaks + r.count); }

TEST_CASE_TEMPLATE("emalloc: the end of a request reports what is left, by place", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  leaks.clear();
  zmm::leak_sink const before = zmm::set_leak_sink(&keep);
  {
    Heap heap;
    zmm::mm_heap mm{heap};
    zmm::use_heap scope{mm};
    unsigned const line = __LINE__;
    for (int i = 0; i < 3; ++i) (void)zmm::emalloc(10);  // line + 1
    (void)zmm::estrdup("left");                          // line + 2
    zmm::efree(zmm::emalloc(5));
    zmm::shutdown_memory_manager(true, false);  // silent
    CHECK(leaks.empty());
    CHECK(heap.stats().live_blocks == 0);

    for (int i = 0; i < 3; ++i) (void)zmm::emalloc(10);  // line + 8
    void* p = zmm::estrdup("left");                      // line + 9
    p = zmm::erealloc(p, 7);                             // keeps the place
    zmm::shutdown_memory_manager(false, false);
    REQUIRE(leaks.size() == 2);
    CHECK(is_here(leaks[0].file, leaks[0].line, line + 8));
    CHECK(leaks[0].blocks == 3);
    CHECK(leaks[0].bytes == 30);
    CHECK(is_here(leaks[1].file, leaks[1].line, line + 9));
    CHECK(leaks[1].bytes == 7);

    leaks.clear();
    zmm::shutdown_memory_manager(false, true);  // nothing is left
    CHECK(leaks.empty());
  }
  zmm::set_leak_sink(before);
}

TEST_CASE_TEMPLATE("emalloc: a full end keeps no memory that is not needed", Heap, zmm::heap, zmm::segment_heap) {
  counting_storage source;
  Heap heap{source};
  zmm::mm_heap mm{heap};
  zmm::use_heap scope{mm};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3000; ++i) (void)zmm::emalloc(3000);
    zmm::shutdown_memory_manager(true, false);
  }
  if (!zmm::detail::forwards_now()) CHECK(heap.stats().cached_chunks > 0);
  zmm::shutdown_memory_manager(true, true);
  CHECK(heap.stats().cached_chunks == 0);
}

TEST_CASE_TEMPLATE("emalloc: a request may end twice, with nothing in it, and begin again", Heap, zmm::heap,
                   zmm::hardened_heap, zmm::debug_heap, zmm::segment_heap, zmm::hardened_segment_heap,
                   zmm::debug_segment_heap, zmm::synchronized_heap) {
  leaks.clear();
  zmm::leak_sink const before = zmm::set_leak_sink(&keep);
  {
    Heap heap;
    zmm::mm_heap mm{heap};
    zmm::use_heap scope{mm};
    for (bool const silent : {false, true})
      for (bool const full : {false, true}) {
        zmm::shutdown_memory_manager(silent, full);  // of nothing
        std::memset(zmm::emalloc(5'000'000), 1, 5'000'000);
        char* const s = zmm::estrdup("left");
        CHECK(std::string(s) == "left");
        leaks.clear();
        zmm::shutdown_memory_manager(silent, full);
        CHECK(leaks.empty() == (silent || !Heap::options::watch_blocks));
        leaks.clear();
        zmm::shutdown_memory_manager(silent, full);
        CHECK(leaks.empty());
        CHECK(heap.stats().live_blocks == 0);
        CHECK(zmm::memory_get_usage() == 0);
        zmm::memory_reset_peak_usage();
        CHECK(zmm::memory_get_peak_usage() == 0);
        CHECK(zmm::memory_get_peak_usage(true) == zmm::memory_get_usage(true));
        heap.verify();
      }
  }
  CHECK(leaks.empty());  // nothing is reported twice
  zmm::set_leak_sink(before);
}

TEST_CASE("emalloc: scopes of heaps end in any order, and each thread has its own") {
  zmm::heap heap;
  zmm::segment_heap segments;
  counted memory;
  zmm::mm_heap of_heap{heap}, of_segments{segments}, of_handlers{memory.handlers()};
  auto first = std::make_unique<zmm::use_heap>(of_heap);
  auto second = std::make_unique<zmm::use_heap>(of_segments);
  auto third = std::make_unique<zmm::use_heap>(of_handlers);
  void* const p = zmm::emalloc(10);
  CHECK(memory.live.size() == 1);
  second.reset();
  CHECK(&zmm::current_heap() == &of_handlers);
  zmm::efree(p);
  third.reset();
  CHECK(&zmm::current_heap() == &of_heap);
  first.reset();
  CHECK(&zmm::current_heap() != &of_heap);

  // The heap changes in the middle: blocks go back to where they came from while that is current.
  void *blocks[2] = {}, *const kept = zmm::emalloc(7);
  for (int round = 0; round < 100; ++round) {
    for (zmm::mm_heap* const mm : {&of_heap, &of_segments}) {
      zmm::use_heap scope{*mm};
      void*& block = blocks[mm == &of_segments];
      block = round % 2 == 0 ? zmm::emalloc(100) : zmm::erealloc(block, 5000);
      std::memset(block, round, 100);
      if (round % 2 != 0) zmm::efree(block);
    }
  }
  zmm::efree(kept);
  CHECK(heap.stats().live_blocks == 0);
  CHECK(segments.stats().live_blocks == 0);

  std::vector<std::thread> threads;
  std::vector<size_t> left(4, 1);
  for (size_t t = 0; t < left.size(); ++t)
    threads.emplace_back([&left, t] {
      zmm::segment_heap own;
      zmm::mm_heap mm{own};
      zmm::use_heap scope{mm};
      for (int round = 0; round < 2000; ++round) {
        char* s = zmm::estrdup("of this thread");
        s = static_cast<char*>(zmm::safe_erealloc(s, 10, 100, 3));
        if (&zmm::current_heap() != &mm || std::strcmp(s, "of this thread") != 0) return;
        zmm::efree(s);
      }
      left[t] = own.stats().live_blocks;
    });
  for (std::thread& t : threads) t.join();
  for (size_t const blocks_left : left) CHECK(blocks_left == 0);
}

TEST_CASE("emalloc: a limit hook may free and allocate, and may not end the request") {
  static void* victim;
  static int calls;
  zmm::segment_heap heap;
  zmm::mm_heap mm{heap};
  zmm::use_heap scope{mm};
  victim = zmm::emalloc(3 << 20);
  calls = 0;
  REQUIRE(zmm::set_memory_limit(heap.real_size()));
  heap.on_limit(
      [](void*, size_t) noexcept {
        ++calls;
        zmm::efree(victim);
        victim = nullptr;
        return true;
      },
      nullptr);
  void* const p = zmm::emalloc(2 << 20);
  CHECK(calls == 1);
  CHECK(zmm::erealloc_recoverable(p, 9 << 20) == nullptr);
  CHECK(calls == 2);
  zmm::efree(p);
  child_result const ended = run_in_child([&] {
    heap.on_limit([](void*, size_t) noexcept { return zmm::shutdown_memory_manager(true, true), true; }, nullptr);
    (void)zmm::erealloc_recoverable(nullptr, 9 << 20);
  });
  CHECK(ended.what == "a limit hook does not release the heap");
}

template <class Engine> void work_with_static() {
  using m = zmm::basic_emalloc<Engine>;
  void* p = m::emalloc(48);
  p = m::erealloc(p, 5000);
  p = m::erealloc2(p, 9000, 10);
  p = m::erealloc_recoverable(p, 100);
  REQUIRE(p != nullptr);
  CHECK(m::mem_block_size(p) >= 100);
  m::efree(p);
  m::efree(m::ecalloc(3, 5));
  m::efree(m::safe_erealloc(m::safe_emalloc(3, 5, 7), 5, 7, 9));
  m::efree(m::estrdup("text"));
  m::efree(m::estrndup("text", 3));
  CHECK_THROWS_AS((void)m::safe_emalloc(most, 2, 0), std::bad_array_new_length);
  CHECK(m::memory_get_usage(true) >= m::memory_get_usage());
}

TEST_CASE("emalloc: over one type of engine") {
  work_with_static<zmm::thread_heap>();
  zmm::heap heap;
  zmm::debug_heap debug;
  zmm::segment_heap segments;
  {
    zmm::use_heap_of scope{heap};
    zmm::use_heap_of debug_scope{debug};
    zmm::use_heap_of segment_scope{segments};
    work_with_static<zmm::heap>();
    work_with_static<zmm::debug_heap>();
    work_with_static<zmm::segment_heap>();
    void* const p = zmm::basic_emalloc<zmm::heap>::emalloc(9);
    CHECK(heap.owns(p));
    zmm::basic_emalloc<zmm::heap>::shutdown_memory_manager(true, true);
    CHECK(heap.stats().live_blocks == 0);
  }
  CHECK_THROWS_AS((void)zmm::basic_emalloc<zmm::heap>::emalloc(9), zmm::no_current_heap);
  CHECK_THROWS_AS((void)zmm::basic_emalloc<zmm::heap>::erealloc(nullptr, 9), zmm::no_current_heap);
  CHECK(zmm::basic_emalloc<zmm::heap>::erealloc_recoverable(nullptr, 9) == nullptr);
  zmm::basic_emalloc<zmm::heap>::efree(nullptr);
  child_result const told = run_in_child([&] { zmm::basic_emalloc<zmm::heap>::efree(&heap); });
  CHECK(told.what == "an allocator that is bound to no heap frees nothing");
}

static_assert(!std::is_copy_constructible_v<zmm::use_heap> && !std::is_copy_assignable_v<zmm::use_heap>);
static_assert(std::is_nothrow_constructible_v<zmm::mm_heap, zmm::heap&>);
static_assert(noexcept(zmm::efree(nullptr)) && noexcept(zmm::erealloc_recoverable(nullptr, 1)));
}  // namespace

// What goes wrong, and how it is told.
#include <zmm/zmm.hpp>

#include "support/checking_storage.hpp"
#include "support/engines.hpp"
#include "support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <cctype>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t most = ~size_t{0};

TEST_CASE_TEMPLATE("errors: sizes that cannot be", Heap, zmm::heap, zmm::request_heap, zmm::basic_heap<small_chunks>) {
  checking_storage source;
  engine<Heap> e{source};
  Heap& heap = e.heap();
  (void)heap.allocate(100);
  auto const before = heap.stats();
  for (size_t bytes : {most, most - 1, most - 4095, most - 4096, most / 2, most / 2 + 1, most - (size_t{2} << 20), most - (size_t{4} << 20)})
    for (size_t alignment : {size_t{1}, size_t{16}, size_t{4096}, size_t{4} << 20}) {
      if (sizeof(size_t) < 8 && bytes <= most / 2 + 1) continue;  // half of 4 GiB may be had
      CHECK(heap.try_allocate(bytes, alignment) == nullptr);
      CHECK_THROWS_AS((void)heap.allocate(bytes, alignment), std::bad_alloc);
    }
  auto const after = heap.stats();
  CHECK((after.size == before.size && after.live_blocks == before.live_blocks && after.real_size == before.real_size));
  heap.verify();
}

TEST_CASE_TEMPLATE("errors: alignments that are no power of two", Heap, zmm::heap, zmm::request_heap) {
  checking_storage source;
  engine<Heap> e{source};
  Heap& heap = e.heap();
  for (size_t alignment : {size_t{0}, size_t{3}, size_t{24}, size_t{4097}, size_t{96}, most, most - 1, most / 64 + 9})
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{24}, size_t{3000}, size_t{5000}, size_t{3} << 20}) {
      CAPTURE(alignment);
      CAPTURE(bytes);
      CHECK(heap.try_allocate(bytes, alignment) == nullptr);
      CHECK_THROWS_AS((void)heap.allocate(bytes, alignment), std::bad_alloc);
    }
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

TEST_CASE_TEMPLATE("errors: alignments that no address space holds", Heap, zmm::heap, zmm::request_heap) {
  checking_storage source;
  engine<Heap> e{source};
  for (size_t shift : std::initializer_list<size_t>{63, 62, 50})
    if (sizeof(size_t) == 8) CHECK(e.heap().try_allocate(100, (most / 2 + 1) >> (63 - shift)) == nullptr);  // of 32 bits, the upper half may be free
  if (sizeof(size_t) == 8) CHECK_THROWS_AS((void)e.heap().allocate(100, most / 2 + 1), std::bad_alloc);
  e.heap().verify();
}

TEST_CASE("errors: a resource throws for a wrong alignment as its engine does") {
  zmm::heap_resource resource;
  CHECK(resource.try_allocate(10, 24) == nullptr);
  CHECK_THROWS_AS((void)resource.allocate(10, 24), std::bad_alloc);
  CHECK_THROWS_AS((void)resource.allocate(most, 8), std::bad_alloc);
}

TEST_CASE("errors: n * sizeof(T) that overflows is bad_array_new_length") {
  zmm::heap heap;
  zmm::allocator<long, zmm::heap> a{heap};
  CHECK_THROWS_AS((void)a.allocate(most / sizeof(long) + 1), std::bad_array_new_length);
  CHECK_THROWS_AS((void)a.allocate(most), std::bad_array_new_length);
  struct wide { char bytes[3000]; };
  zmm::allocator<wide, zmm::heap> b{a};
  CHECK_THROWS_AS((void)b.allocate(most / 1000), std::bad_array_new_length);
  CHECK_THROWS_AS((void)a.allocate(most / sizeof(long)), std::bad_alloc);
  CHECK(heap.stats().live_blocks == 0);
}

// The numbers in a text, in order.
std::vector<size_t> numbers_in(std::string const& text) {
  std::vector<size_t> result;
  for (size_t i = 0; i < text.size(); ++i)
    if (std::isdigit(static_cast<unsigned char>(text[i]))) {
      char* end = nullptr;
      result.push_back(std::strtoull(text.c_str() + i, &end, 10));
      i = static_cast<size_t>(end - text.c_str());
    }
  return result;
}

TEST_CASE("errors: a buffer too small says what is needed") {
  std::vector<unsigned char> memory(100000);
  zmm::buffer_storage fixed{memory.data(), memory.size()};
  zmm::heap heap{fixed};
  CHECK(heap.try_allocate(100) == nullptr);
  std::string text;
  try {
    (void)heap.allocate(100);
  } catch (zmm::out_of_memory const& e) {
    text = e.what();
    CHECK(e.requested() == 100);
    CHECK(e.needed() == size_t{2} << 20);
    CHECK(e.alignment() == size_t{2} << 20);
  }
  REQUIRE_FALSE(text.empty());
  bool named = false;
  for (size_t n : numbers_in(text)) named = named || n == size_t{2} << 20;
  CHECK(named);
  heap.verify();
}

TEST_CASE("errors: a buffer of the bytes that the error and buffer_storage name is enough") {
  size_t const chunk = size_t{2} << 20;
  size_t const bytes = zmm::buffer_storage::bytes_for(1, chunk);
  std::vector<unsigned char> memory(bytes + 100);
  for (size_t skip : std::initializer_list<size_t>{0, 1, 64, 99}) {
    zmm::buffer_storage fixed{memory.data() + skip, bytes};
    zmm::heap heap{fixed};
    CHECK(heap.allocate(100) != nullptr);
  }
}

TEST_CASE("errors: exceptions are what they say") {
  static_assert(std::is_base_of_v<std::bad_alloc, zmm::memory_limit_exceeded>);
  static_assert(std::is_base_of_v<std::bad_alloc, zmm::out_of_memory>);
  static_assert(std::is_nothrow_copy_constructible_v<zmm::memory_limit_exceeded>);
  zmm::memory_limit_exceeded const limit{1, 2, 3};
  CHECK((limit.requested() == 1 && limit.used() == 2 && limit.limit() == 3));
  CHECK((limit.needed() == 1 && limit.whose() == zmm::limit_holder::engine));
  zmm::memory_limit_exceeded const of_pool{80, 4 << 20, 5 << 20, 2 << 20, zmm::limit_holder::pool};
  CHECK(numbers_in(of_pool.what()) == std::vector<size_t>{5 << 20, 4 << 20, 80, 2 << 20});
  CHECK(std::string(of_pool.what()).find("pool") != std::string::npos);
  zmm::memory_limit_exceeded const widest{most, most, most, most, zmm::limit_holder::ancestor};
  CHECK(std::string(widest.what()).find("more)") != std::string::npos);
  CHECK(std::string(widest.what()).find(std::to_string(most)) != std::string::npos);
}

TEST_CASE("stop handler: set_stop_handler returns the one before") {
  zmm::stop_handler const mine = [](zmm::stop_info const&) noexcept {};
  zmm::stop_handler const before = zmm::set_stop_handler(mine);
  bool const same = zmm::set_stop_handler(before) == mine;
  CHECK(same);
}

TEST_CASE("stop handler: a handler that returns aborts the program") {
  auto const result = run_in_child([] { zmm::detail::stop({"a rule", nullptr, nullptr}); });
  CHECK(result.what == "a rule");
  CHECK(result.aborted);
  CHECK_FALSE(result.finished);
}

TEST_CASE("stop handler: without one the rule goes to stderr, and the program aborts") {
  auto const result = run_in_child([] {
    zmm::set_stop_handler(nullptr);
    zmm::detail::check(true, "holds");
    ::close(2);
    zmm::detail::check(false, "does not hold");
  });
  CHECK(result.what.empty());
  CHECK(result.aborted);
}

// Detected: verify() finds the broken rule and names it to the stop handler.
TEST_CASE_TEMPLATE("verify: a block freed with the size of another bin is found", Heap, zmm::heap) {
  auto const result = run_in_child([] {
    checking_storage source;
    engine<Heap> e{source};
    void* p = e.heap().allocate(100);
    void* q = e.heap().allocate(100);
    e.heap().deallocate(p, 500);
    e.heap().verify();
    (void)q;
  });
  CHECK(result.stopped);
  CHECK(result.aborted);
}

TEST_CASE("verify: a block freed twice is found") {
  auto const result = run_in_child([] {
    zmm::heap heap;
    void* p = heap.allocate(100);
    void* q = heap.allocate(100);
    heap.deallocate(p, 100);
    heap.deallocate(q, 100);
    heap.deallocate(p, 100);
    heap.verify();
  });
  CHECK(result.stopped);
  CHECK(result.aborted);
}

TEST_CASE("verify: a free slot that was written to is found") {
  auto const result = run_in_child([] {
    zmm::heap heap;
    void* p = heap.allocate(100);
    (void)heap.allocate(100);
    heap.deallocate(p, 100);
    *static_cast<std::uintptr_t*>(p) = 0x1230;
    heap.verify();
  });
  CHECK((result.stopped || result.aborted));
  CHECK_FALSE(result.finished);
}
}  // namespace

// What is left over when a debug heap is released or ends, as data: by place and label, folded, in the order of allocation.
#include "faces.hpp"

#include <cstring>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

struct reported {
  void const* heap;
  std::vector<zmm::leak> leaks;
  size_t blocks, bytes;
};
std::vector<reported> reports;
void keep(zmm::leak_report const& r) noexcept {
  reports.push_back({r.heap, {r.leaks, r.leaks + r.count}, r.blocks, r.bytes});
}

// Reports go to `reports` while it lives.
struct collecting {
  collecting() : before(zmm::set_leak_sink(&keep)) { reports.clear(); }
  ~collecting() { zmm::set_leak_sink(before); }
  zmm::leak_sink before;
};

bool is_here(zmm::leak const& l, unsigned line) {
  char const* const name = std::strrchr(l.file, '/');
  return std::strcmp(name != nullptr ? name + 1 : l.file, "leak_report_test.cpp") == 0 && l.line == line;
}

TEST_CASE_TEMPLATE("leaks: a heap that ends says what is left, by place", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  collecting const scope;
  void const* address = nullptr;
  void* first[2] = {};
  unsigned const line = __LINE__;
  {
    Heap heap;
    address = &heap;
    first[0] = heap.allocate(100);                                  // line + 4
    first[1] = heap.try_allocate(7, 1);                             // line + 5
    for (size_t i = 1; i <= 1000; ++i) (void)heap.allocate(i % 7);  // line + 6
    void* const freed = heap.allocate(5000);
    heap.deallocate(freed, 5000);
  }
  REQUIRE(reports.size() == 1);
  reported const& r = reports[0];
  CHECK(r.heap == address);
  CHECK(r.blocks == 1002);
  REQUIRE(r.leaks.size() == 3);
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(is_here(r.leaks[i], line + 4 + i));
    CHECK(r.leaks[i].label == nullptr);
    CHECK(r.leaks[i].first_number == i + 1);
    if (i < 2) CHECK(r.leaks[i].first == first[i]);
    CHECK(r.leaks[i].blocks == (i == 2 ? 1000 : 1));
  }
  CHECK(r.leaks[0].bytes == 100);
  CHECK(r.leaks[1].bytes == 7);
  CHECK(r.leaks[2].first_bytes == 1);
  size_t folded = 0;
  for (size_t i = 1; i <= 1000; ++i) folded += i % 7 != 0 ? i % 7 : 1;  // 0 counts as 1
  CHECK(r.leaks[2].bytes == folded);
  CHECK(r.bytes == 107 + folded);
}

TEST_CASE_TEMPLATE("leaks: the first of a place is the oldest that is left", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  collecting const scope;
  {
    Heap heap;
    void* blocks[10];
    for (size_t i = 0; i < 10; ++i) blocks[i] = heap.allocate(100 + i);
    for (size_t i : std::initializer_list<size_t>{0, 1, 2, 5}) heap.deallocate(blocks[i], 100 + i);
    void* const later = heap.allocate(1);
    (void)later;
  }
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].leaks.size() == 2);
  zmm::leak const& l = reports[0].leaks[0];
  CHECK(l.first_number == 4);
  CHECK(l.first_bytes == 103);
  CHECK(l.blocks == 6);
  CHECK(l.bytes == 103 + 104 + 106 + 107 + 108 + 109);
}

TEST_CASE_TEMPLATE("leaks: release() reports, and nothing is reported twice", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  collecting const scope;
  {
    Heap heap;
    heap.release();
    CHECK(reports.empty());
    (void)heap.allocate(10);
    heap.release();
    CHECK(reports.size() == 1);
    heap.release();
    void* const p = heap.allocate(20);
    heap.deallocate(p, 20);
  }
  CHECK(reports.size() == 1);
}

TEST_CASE("leaks: a request drops what it has, and reports only when asked") {
  collecting const scope;
  {
    zmm::debug_request_resource request;
    (void)request.allocate(10);
    CHECK(zmm::report_leaks(request) == 1);
    CHECK(reports.size() == 1);
    request.release();
    (void)request.allocate(20);
  }
  CHECK(reports.size() == 1);
}

TEST_CASE_TEMPLATE("leaks: on demand", Heap, ZMM_TEST_DEBUG_ENGINES) {
  collecting const scope;
  zmm::resource<Heap> face;
  CHECK(zmm::report_leaks(face) == 0);
  CHECK(reports.empty());
  void* const p = face.allocate(10);
  void* const q = face.allocate(20);
  CHECK(zmm::report_leaks(face) == 2);
  CHECK(zmm::report_leaks(face.heap()) == 2);
  REQUIRE(reports.size() == 2);
  for (reported const& r : reports) {
    CHECK(r.heap == &face.heap());  // the engine, as in what a stop handler is told
    CHECK(r.blocks == 2);
    CHECK(r.bytes == 30);
    REQUIRE(r.leaks.size() == 2);
    CHECK(is_here(r.leaks[0], __LINE__ - 10));
    CHECK(is_here(r.leaks[1], __LINE__ - 10));
  }
  face.deallocate(p, 10);
  CHECK(zmm::report_leaks(face) == 1);
  face.deallocate(q, 20);
  CHECK(zmm::report_leaks(face) == 0);
  CHECK(reports.size() == 3);
}

TEST_CASE_TEMPLATE("leaks: a block that is reallocated keeps its place and label", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  collecting const scope;
  unsigned const line = __LINE__ + 4;
  {
    Heap heap;
    zmm::label const name{"growing"};
    void* p = heap.allocate(10);
    zmm::label const other{"grown"};
    for (size_t bytes = 11; bytes < 100'000; bytes = bytes * 3 / 2) p = heap.reallocate(p, bytes);
    p = heap.reallocate(p, 99);
    p = heap.reallocate(nullptr, 5);
  }
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].leaks.size() == 2);
  CHECK(is_here(reports[0].leaks[0], line));
  CHECK(reports[0].leaks[0].label == std::string("growing"));
  CHECK(reports[0].leaks[0].bytes == 99);
  CHECK(reports[0].leaks[1].file == nullptr);  // reallocate() does not say where it is
  CHECK(reports[0].leaks[1].label == std::string("grown"));
}

TEST_CASE_TEMPLATE("leaks: containers' blocks go by their label, and labels nest", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  collecting const scope;
  using numbers = std::vector<int, zmm::allocator<int, Heap>>;
  {
    zmm::resource<Heap> face;
    alignas(numbers) unsigned char places[4][sizeof(numbers)];  // never destroyed
    auto const make = [&](size_t i, size_t n) { ::new (places[i]) numbers(n, 0, face.heap()); };
    make(0, 1);
    {
      zmm::label const outer{"parse"};
      make(1, 2);
      {
        zmm::label const inner{"parse strings"};
        make(2, 3);
      }
      (void)std::pmr::polymorphic_allocator<int>(&face).allocate(10);
    }
    make(3, 4);
  }
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].leaks.size() == 3);
  char const* const names[] = {nullptr, "parse", "parse strings"};
  size_t const bytes[] = {4 + 16, 8 + 40, 12};
  for (size_t i = 0; i < 3; ++i) {
    zmm::leak const& l = reports[0].leaks[i];
    CHECK(l.file == nullptr);
    CHECK((names[i] == nullptr ? l.label == nullptr : l.label == std::string(names[i])));
    CHECK(l.bytes == bytes[i]);
    CHECK(l.blocks == (i == 2 ? 1 : 2));
  }
}

TEST_CASE("leaks: a place under two labels is two places") {
  collecting const scope;
  {
    zmm::debug_heap heap;
    auto const take = [&] { (void)heap.allocate(10); };
    take();
    for (char const* name : {"first", "second"}) {
      zmm::label const scope_of_name{name};
      take();
    }
    take();
  }
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].leaks.size() == 3);
  CHECK(reports[0].leaks[0].blocks == 2);
}

TEST_CASE("leaks: null brings the default sink back") {
  zmm::leak_sink const before = zmm::set_leak_sink(&keep);
  CHECK((zmm::set_leak_sink(nullptr) == &keep));
  zmm::leak_sink const standard = zmm::set_leak_sink(before);
  CHECK((standard != nullptr && standard != &keep));
}

TEST_CASE("leaks: thousands of places") {
  collecting const scope;
  constexpr unsigned count = 5000;
  {
    zmm::debug_heap heap;
    for (unsigned round = 0; round < 2; ++round)
      for (unsigned i = 0; i < count; ++i) (void)heap.allocate(i + 1, 16, zmm::call_site::here("many.cpp", i));
  }
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].leaks.size() == count);
  bool right = true;
  for (unsigned i = 0; i < count; ++i) {
    zmm::leak const& l = reports[0].leaks[i];
    right = right && l.line == i && l.blocks == 2 && l.bytes == 2 * (i + 1) && l.first_number == i + 1;
  }
  CHECK(right);
}
}  // namespace

// Profiles: what they add up to, and what is in the files. tests/profile/ has other people's tools open them.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

using format = zmm::profile_format;
constexpr format all_formats[] = {format::pprof, format::folded, format::heaptrack, format::massif, format::gperftools};

template <class X> std::string profile(X const& x, format as) {
  std::string text;
  CHECK(zmm::write_profile(x, as, [&](char const* bytes, std::size_t count) {
    text.append(bytes, count);
    return true;
  }));
  return text;
}

/// Sum of the numbers at the ends of lines.
std::size_t folded_bytes(std::string const& text) {
  std::size_t sum = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    sum += std::stoull(text.substr(text.rfind(' ', text.find('\n', at)) + 1));
  return sum;
}
std::size_t count(std::string const& text, std::string const& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// The content of a gzip file of stored blocks, checked against its length.
std::string unzipped(std::string const& file) {
  auto const byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(file.at(i))); };
  REQUIRE(file.compare(0, 3, "\x1F\x8B\x08") == 0);
  std::string content;
  std::size_t at = 10;
  for (bool is_last = false; !is_last;) {
    is_last = byte(at) == 1;
    std::size_t const length = byte(at + 1) | byte(at + 2) << 8;
    CHECK((length ^ 0xFFFF) == (byte(at + 3) | byte(at + 4) << 8));
    content += file.substr(at + 5, length);
    at += 5 + length;
  }
  CHECK(at + 8 == file.size());
  CHECK((byte(at + 4) | byte(at + 5) << 8 | byte(at + 6) << 16 | byte(at + 7) << 24) == content.size());
  return content;
}

template <class Heap> void fill(Heap& heap) {
  for (std::size_t i = 0; i < 500; ++i) {
    std::size_t const bytes = 1 + i * 37 % 4000;
    void* const block = heap.allocate(bytes);
    if (i % 3 == 0) heap.deallocate(block, bytes, alignof(std::max_align_t));
  }
  static_cast<void>(heap.allocate(3000000));
  static_cast<void>(heap.allocate(100, 64));
}

template <class Heap> void adds_up() {
  Heap heap;
  for (format as : all_formats) CHECK(profile(heap, as).empty() == (as == format::folded));  // nothing was allocated
  fill(heap);
  zmm::statistics const s = heap.stats();
  CHECK(folded_bytes(profile(heap, format::folded)) == s.size);
  CHECK(count(profile(heap, format::heaptrack), "\n+ ") == s.live_blocks);
  CHECK(count(profile(heap, format::massif), "mem_heap_B=" + std::to_string(s.size) + "\n") == 1);
  CHECK(count(profile(heap, format::gperftools),
              "\nheap profile:  " + std::to_string(s.live_blocks) + ": " + std::to_string(s.size) + " [ ") == 1);
  zmm::statistics const after = heap.stats();
  CHECK(after.size == s.size);
  CHECK(after.real_size == s.real_size);
}

}  // namespace

TEST_CASE("a profile adds up to what stats says, of every engine") {
  adds_up<zmm::heap>();
  adds_up<zmm::hardened_heap>();
  adds_up<zmm::request_heap>();
  adds_up<zmm::hardened_request_heap>();
  adds_up<zmm::synchronized_heap>();
  adds_up<zmm::segment_heap>();
  adds_up<zmm::hardened_segment_heap>();
}

TEST_CASE("a profile of a debug engine adds up too") {
  zmm::leak_sink const before = zmm::set_leak_sink([](zmm::leak_report const&) noexcept {});
  adds_up<zmm::debug_heap>();
  adds_up<zmm::debug_request_heap>();
  adds_up<zmm::debug_synchronized_heap>();
  adds_up<zmm::debug_segment_heap>();
  zmm::set_leak_sink(before);
}

TEST_CASE("a debug heap's profile names places under their labels") {
  zmm::debug_heap heap;
  void* const plain = heap.allocate(48);
  std::string const place = "profile_test.cpp:" + std::to_string(__LINE__ - 1);
  void* labelled = nullptr;
  {
    zmm::label const scope{"parse; or\nder"};
    labelled = heap.allocate(100);
  }
  std::string const folded = profile(heap, format::folded);
  CHECK(folded.find(place + " 48\n") == 0);
  CHECK(folded.find("parse, or der;profile_test.cpp:") != std::string::npos);
  CHECK(profile(heap, format::massif).find("\n n1: 100 parse; or der\n  n0: 100 profile_test.cpp:") != std::string::npos);
  CHECK(profile(heap, format::gperftools).find("0x40 parse; or der\n0x3f parse; or der\n---\nheap profile: ") != std::string::npos);
  CHECK(profile(heap, format::gperftools).find("\n 1: 100 [ 1: 100] @ 0x30 0x40\n") != std::string::npos);
  std::string const raw = unzipped(profile(heap, format::pprof));
  for (std::string const& part : {place, std::string(__FILE__), std::string("parse; or\nder"), std::string("inuse_space")})
    CHECK(raw.find(part) != std::string::npos);
  heap.deallocate(plain, 48);
  heap.deallocate(labelled, 100);
  CHECK(profile(heap, format::folded).empty());
  CHECK(unzipped(profile(heap, format::pprof)).find(place) != std::string::npos);  // it has allocated
}

TEST_CASE("a place that is not known has a line of its own") {
  zmm::debug_heap heap;
  void* const block = heap.allocate(40, 8, zmm::call_site{});
  CHECK(profile(heap, format::folded) == "(place not known) 40\n");
  heap.deallocate(block, 40, 8);
}

TEST_CASE("a pprof file names the frames of a stack as folded stacks do, for who does not look functions up") {
  zmm::sampled_heap heap;
  void* const block = heap.allocate(std::size_t{100} << 20);  // so large that it is sampled
  std::string const folded = profile(heap, format::folded), raw = unzipped(profile(heap, format::pprof));
  REQUIRE(count(folded, "\n") == 1);
  std::string const stack = folded.substr(0, folded.rfind(' ')) + ';';
  for (std::size_t at = 0, end; at < stack.size(); at = end + 1) {
    end = stack.find(';', at);
    CHECK(raw.find(stack.substr(at, end - at)) != std::string::npos);
  }
  heap.deallocate(block, std::size_t{100} << 20);
}

TEST_CASE("a profile of thousands of places is whole, and its gzip file has many blocks") {
  zmm::debug_heap heap;
  std::vector<void*> blocks;
  for (unsigned line = 1; line <= 5000; ++line)
    blocks.push_back(heap.allocate(line, 16, zmm::call_site::here("many.cpp", line)));
  std::string const folded = profile(heap, format::folded);
  CHECK(count(folded, "\n") == 5000);
  CHECK(folded_bytes(folded) == heap.stats().size);
  CHECK(unzipped(profile(heap, format::pprof)).size() > 100000);
  for (unsigned line = 1; line <= 5000; ++line) heap.deallocate(blocks[line - 1], line, 16);
}

TEST_CASE("a face, a pool and the process's heap have profiles") {
  zmm::request_pool pool;
  zmm::resource<zmm::request_heap> face{pool};
  static_cast<void>(face.allocate(1000));
  static_cast<void>(face.allocate(20000));
  CHECK(folded_bytes(profile(face, format::folded)) == face.stats().size);
  void* const block = zmm::thread_heap::allocate(5000000);
  for (format as : all_formats) {
    CHECK_FALSE(profile(pool, as).empty());
    CHECK_FALSE(profile(zmm::thread_heap{}, as).empty());
  }
  CHECK(profile(pool, format::folded).find("slab") != std::string::npos);
  std::size_t const live = folded_bytes(profile(pool, format::folded)), real = pool.stats().real_size;
  CHECK(real > live);
  CHECK(count(profile(pool, format::massif), "mem_heap_extra_B=" + std::to_string(real - live) + "\n") == 1);
  CHECK(folded_bytes(profile(zmm::thread_heap{}, format::folded)) == zmm::thread_heap::stats().size);
  zmm::thread_heap::deallocate(block);
}

TEST_CASE("a sink that refuses ends a profile, and nothing is called again") {
  zmm::heap heap;
  fill(heap);
  for (format as : all_formats) {
    int calls = 0;
    CHECK_FALSE(zmm::write_profile(heap, as, [&](char const*, std::size_t) { return ++calls < 1; }));
    CHECK(calls == 1);
  }
  std::FILE* const full = std::fopen("/dev/full", "wb");
  REQUIRE(full != nullptr);
  CHECK_FALSE(zmm::write_profile(heap, format::folded, full));
  std::fclose(full);
}

TEST_CASE("a heap that forwards its blocks has a profile of their sum") {
  zmm::passthrough(true);
  {
    zmm::heap heap;
    void* const block = heap.allocate(1234);
    CHECK(profile(heap, format::folded) == "block 1234\n");
    heap.deallocate(block, 1234);
  }
  zmm::passthrough(false);
}

TEST_CASE("a synchronized debug heap's profile is of one moment while others allocate") {
  zmm::debug_synchronized_heap heap;
  bool stop = false;
  std::thread other([&] {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
      void* const a = heap.allocate(1000, 16, zmm::call_site::here("a.cpp", 1));
      void* const b = heap.allocate(1000, 16, zmm::call_site::here("b.cpp", 2));  // never without a
      heap.deallocate(b, 1000, 16);
      heap.deallocate(a, 1000, 16);
    }
  });
  for (int i = 0; i < 200; ++i) {
    std::string const folded = profile(heap, format::folded);
    bool const has_a = folded.find("a.cpp:1 1000\n") != std::string::npos;
    CHECK((has_a || folded.find("b.cpp") == std::string::npos));
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  other.join();
}

TEST_CASE("after a request's end its profile tells what it had allocated") {
  zmm::debug_request_heap request;
  static_cast<void>(request.allocate(300));
  request.release();
  CHECK(profile(request, format::folded).empty());
  CHECK(unzipped(profile(request, format::pprof)).find("profile_test.cpp:") != std::string::npos);
}

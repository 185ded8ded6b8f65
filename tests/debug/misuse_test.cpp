// Misuse of a debug heap is detected: its stop handler is called with the rule that was broken and with the block's size and
// the place where it was allocated, at the misuse itself or, where that is a mere write, at the next look at the block.
#include "faces.hpp"

#include <cstring>
#include <memory>
#include <thread>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr char const* is_live = "a freed block is live";
constexpr char const* is_named = "a block is freed with the size and alignment it was allocated with";
constexpr char const* in_front = "the bytes in front of a block are untouched";
constexpr char const* behind = "the bytes behind a block are untouched";
constexpr char const* after_free = "nobody writes to a block after it was freed";

constexpr char const* this_file = "misuse_test.cpp";

TEST_CASE_TEMPLATE("debug: nothing wrong is nothing found", Face, ZMM_TEST_DEBUG_FACES) {
  child_result const r = outcome_of<Face>([](Face& f) {
    for (size_t bytes = 32; bytes < 10'000'000; bytes = bytes * 3 / 32 * 32) {
      for (size_t alignment : std::initializer_list<size_t>{16, 32}) {
        void* const p = f.take(bytes, alignment);
        std::memset(p, 0, bytes);
        f.give(p, bytes, alignment);
      }
    }
    f.heap().verify();
    f.heap().release();
    f.heap().verify();
  });
  CHECK(r.finished);
  CHECK(!r.stopped);
}

TEST_CASE_TEMPLATE("debug: a block that is freed twice", Face, ZMM_TEST_DEBUG_FACES) {
  for (size_t bytes : std::initializer_list<size_t>{16, 48, 5008, 3'000'000}) {
    child_result const r = outcome_of<Face>([&](Face& f) {
      void* const p = f.take(bytes);
      f.give(p, bytes);
      void* const others[] = {f.take(bytes), f.take(48)};  // freed blocks are not handed out again at once
      f.give(others[0], bytes);
      f.give(others[1], 48);
      f.give(p, bytes);
    });
    if (bytes <= zmm::debug_options::quarantine) check_stopped<Face>(r, is_live, bytes, this_file, __LINE__ - 7);
    else check_stopped(r, is_live);  // of more than the quarantine holds nothing is known any more
  }
}

TEST_CASE_TEMPLATE("debug: a block that is freed with another size", Face, ZMM_TEST_DEBUG_FACES) {
  for (size_t wrong : std::initializer_list<size_t>{32, 64, 4096}) {
    child_result const r = outcome_of<Face>([&](Face& f) { f.give(f.take(48), wrong); });
    check_stopped<Face>(r, is_named, 48, this_file, __LINE__ - 1);
  }
}

TEST_CASE_TEMPLATE("debug: a block that is freed with another alignment", Face, ZMM_TEST_DEBUG_FACES) {
  child_result const more = outcome_of<Face>([](Face& f) { f.give(f.take(64), 64, 32); });
  check_stopped<Face>(more, is_named, 64, this_file, __LINE__ - 1);
  child_result const less = outcome_of<Face>([](Face& f) { f.give(f.take(64, 32), 64, 16); });
  check_stopped<Face>(less, is_named, 64, this_file, __LINE__ - 1);
}

TEST_CASE_TEMPLATE("debug: pointers that are no block's start", Face, ZMM_TEST_DEBUG_FACES) {
  static unsigned char global[64];
  check_stopped(outcome_of<Face>([](Face& f) { f.give(global, 48); }), is_live);
  check_stopped(outcome_of<Face>([](Face& f) {
                  void* const p = f.take(48);
                  f.give(bytes_of(p) + 16, 32);
                }),
                is_live);
  check_stopped(outcome_of<Face>([](Face& f) {
                  Face other;
                  f.give(other.take(48), 48);
                }),
                is_live);
  check_stopped(outcome_of<Face>([](Face& f) {
                  void* const p = f.take(48);
                  f.heap().release();
                  f.give(p, 48);
                }),
                is_live);
}

// The first and the last byte beside a block of any size, found when it is freed, looked at, or dropped with the rest.
enum class look { free, verify, release, end };
template <class Face> void look_at(Face& f, look how, void* p, size_t bytes) {
  switch (how) {
  case look::free: f.give(p, bytes); break;
  case look::verify: f.heap().verify(); break;
  case look::release: f.heap().release(); break;
  case look::end: break;
  }
}
constexpr look every_look[] = {look::free, look::verify, look::release, look::end};

TEST_CASE_TEMPLATE("debug: a byte written behind a block or in front of it", Face, ZMM_TEST_DEBUG_FACES) {
  for (size_t bytes : std::initializer_list<size_t>{16, 48, 3072, 5008, 3'000'000}) {
    for (look how : every_look) {
      child_result const over = outcome_of<Face>([&](Face& f) {
        void* const p = f.take(bytes);
        bytes_of(p)[bytes] ^= 1;
        look_at(f, how, p, bytes);
      });
      check_stopped<Face>(over, behind, bytes, this_file, __LINE__ - 4);
      child_result const under = outcome_of<Face>([&](Face& f) {
        void* const p = f.take(bytes);
        bytes_of(p)[-1] ^= 1;
        look_at(f, how, p, bytes);
      });
      check_stopped<Face>(under, in_front, bytes, this_file, __LINE__ - 4);
    }
  }
}

TEST_CASE_TEMPLATE("debug: the zones of a block end where it does, for any size and alignment", Heap,
                   ZMM_TEST_DEBUG_ENGINES) {
  for (size_t bytes : std::initializer_list<size_t>{1, 7, 8, 9, 13, 4097}) {
    for (size_t alignment : std::initializer_list<size_t>{1, 8, 64, 4096, 8192}) {
      CAPTURE(bytes);
      CAPTURE(alignment);
      using face = engine_face<Heap>;
      auto const write_at = [&](std::ptrdiff_t at) {
        return outcome_of<face>([&](face& f) {
          void* const p = f.take(bytes, alignment);
          std::memset(p, 0, bytes);
          bytes_of(p)[at] ^= 1;
          f.give(p, bytes, alignment);
        });
      };
      CHECK(write_at(static_cast<std::ptrdiff_t>(bytes) - 1).finished);
      check_stopped(write_at(static_cast<std::ptrdiff_t>(bytes)), behind);
      check_stopped(write_at(static_cast<std::ptrdiff_t>(bytes) + 15), behind);
      if (alignment <= 4096) check_stopped(write_at(-1), in_front);  // more has no zone in front
      if (alignment <= 4096) check_stopped(write_at(-16), in_front);
    }
  }
}

TEST_CASE_TEMPLATE("debug: a write to a block after it was freed", Face, ZMM_TEST_DEBUG_FACES) {
  for (look how : {look::verify, look::release, look::end}) {
    for (size_t at : std::initializer_list<size_t>{0, 24, 47}) {
      child_result const r = outcome_of<Face>([&](Face& f) {
        void* const p = f.take(48);
        f.give(p, 48);
        bytes_of(p)[at] ^= 1;
        look_at(f, how, nullptr, 0);
      });
      check_stopped<Face>(r, after_free, 48, this_file, __LINE__ - 5);
    }
  }
  child_result const on_eviction = outcome_of<Face>([](Face& f) {
    void* const p = f.take(48);
    f.give(p, 48);
    bytes_of(p)[8] ^= 1;
    for (int i = 0; i < 20; ++i) f.give(f.take(100'000), 100'000);  // more than quarantine holds
  });
  check_stopped<Face>(on_eviction, after_free, 48, this_file, __LINE__ - 5);
}

TEST_CASE_TEMPLATE("debug: freed blocks stay out of use as long as the quarantine has room", Heap,
                   ZMM_TEST_DEBUG_ENGINES) {
  engine_face<Heap> f;
  for (int round = 0; round < 3; ++round) {
    void* const p = f.take(1000);
    f.give(p, 1000);
    size_t freed = 1000;
    for (bool seen = false; !seen; freed += 1000) {
      void* const q = f.take(1000);
      seen = q == p;
      f.give(q, 1000);
      if (freed + 1000 <= zmm::debug_options::quarantine) CHECK(!seen);
      REQUIRE(freed < 4 * zmm::debug_options::quarantine);
    }
    f.heap().release();  // after it, it is empty
  }
}

TEST_CASE_TEMPLATE("debug: what a freed block is asked for", Heap, zmm::debug_heap, zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  using face = engine_face<Heap>;
  auto const after_the_free = [](auto misuse) {
    return outcome_of<face>([&](face& f) {
      void* const p = f.take(48);
      f.give(p, 48);
      misuse(f.heap(), p);
    });
  };
  unsigned const line = __LINE__ - 5;
  check_stopped<face>(after_the_free([](Heap& h, void* p) { h.deallocate(p); }), is_live, 48, this_file, line);
  check_stopped<face>(after_the_free([](Heap& h, void* p) { (void)h.usable_size(p); }),
                      "the size of a block is asked while it is live", 48, this_file, line);
  child_result const reallocated = after_the_free([](Heap& h, void* p) { (void)h.reallocate(p, 100); });
  CHECK((reallocated.stopped && reallocated.aborted));
  CHECK(reallocated.block == "48 " + std::string(this_file) + ":" + std::to_string(line) + " -");
}

TEST_CASE_TEMPLATE("debug: a block that reallocate() made of nothing is watched", Heap, zmm::debug_heap,
                   zmm::debug_synchronized_heap, zmm::debug_segment_heap) {
  Heap heap;
  void* const p = heap.reallocate(nullptr, 100);
  void* const q = heap.try_reallocate(nullptr, 200);
  CHECK(heap.stats().size == 300);
  CHECK(heap.usable_size(p) == 100);
  heap.deallocate(p, 100);
  heap.deallocate(q);
  CHECK(heap.stats().live_blocks == 0);
}

TEST_CASE_TEMPLATE("debug: a resize of a freed block", Heap, ZMM_TEST_DEBUG_ENGINES) {
  using face = engine_face<Heap>;
  child_result const r = outcome_of<face>([](face& f) {
    void* const p = f.take(48);
    f.give(p, 48);
    (void)f.heap().resize_in_place(p, 48, 20, 20);
  });
  check_stopped<face>(r, "a resized block is live", 48, this_file, __LINE__ - 4);
}

TEST_CASE_TEMPLATE("debug: a fresh block and a freed one are filled", Heap, ZMM_TEST_DEBUG_ENGINES) {
  engine_face<Heap> f;
  unsigned char* const p = bytes_of(f.take(100));
  for (size_t i = 0; i < 100; ++i) CHECK(p[i] == 0xCB);
  f.give(p, 100);
  unsigned char const volatile* const gone = p;
  for (size_t i = 0; i < 100; ++i) CHECK(gone[i] == 0xDF);
}

TEST_CASE("debug: a write to a block of a request that has ended") {
  constexpr char const* after_end = "nobody writes to a request after its end";
  for (bool fills_pool : {false, true}) {
    for (bool writes : {false, true}) {
      child_result const r = run_in_child([&] {
        zmm::request_pool pool;
        unsigned char* p = nullptr;
        {
          zmm::debug_request_resource request{pool};
          p = bytes_of(request.allocate(48));
        }
        if (writes) *p ^= 1;
        for (size_t bytes = 0; fills_pool && bytes < 4'000'000; bytes += 200'000) {
          zmm::debug_request_resource request{pool};
          for (int i = 0; i < 200; ++i) (void)request.allocate(1000);
        }
        if (fills_pool) ::_exit(0);  // the pool does not end
      });
      if (writes) check_stopped(r, after_end);
      CHECK(r.finished == !writes);
    }
  }
}

// One thread is kept inside the heap by its limit hook while another comes in.
struct intruder {
  template <class Heap> static void keep_one_inside(Heap& heap, bool (*hook)(void*, size_t) noexcept) {
    (void)heap.allocate(100);
    if (!heap.set_limit(heap.real_size())) ::_exit(1);
    heap.on_limit(hook, &heap);
    if (heap.try_allocate(30'000'000) != nullptr) ::_exit(2);
    heap.on_limit(nullptr, nullptr);
  }
};

TEST_CASE_TEMPLATE("debug: two threads inside a heap for one", Heap, zmm::debug_heap, zmm::debug_request_heap, zmm::debug_segment_heap) {
  using face = engine_face<Heap>;
  child_result const r = outcome_of<face>([](face& f) {
    intruder::keep_one_inside(f.heap(), [](void* user, size_t) noexcept {
      std::thread([&] { (void)static_cast<Heap*>(user)->try_allocate(16); }).join();
      return false;
    });
  });
  check_stopped(r, "one thread at a time is inside a heap");
  CHECK(r.block == "0 ?:0 -");

  child_result const same_thread = outcome_of<face>([](face& f) {
    intruder::keep_one_inside(f.heap(), [](void* user, size_t) noexcept {
      (void)static_cast<Heap*>(user)->try_allocate(16);
      return false;
    });
  });
  CHECK(same_thread.finished);
  CHECK(!same_thread.stopped);
}

TEST_CASE_TEMPLATE("debug: one thread after the other inside a heap for one", Heap, zmm::debug_heap,
                   zmm::debug_request_heap, zmm::debug_segment_heap) {
  child_result const r = outcome_of<engine_face<Heap>>([](engine_face<Heap>& f) {
    void* const p = f.take(48);
    std::thread([&] { f.give(p, 48); }).join();
    (void)f.take(48);
  });
  CHECK(r.finished);
  CHECK(!r.stopped);
}

// A child of a request that another thread works in, itself or in another child.
TEST_CASE("debug: two threads inside a request, one of them in a child") {
  struct family {
    zmm::debug_request_heap parent;
    zmm::debug_request_heap first{zmm::within, parent};
    zmm::debug_request_heap second{zmm::within, parent};
  };
  static family* all = nullptr;
  auto const outcome = [](zmm::debug_request_heap family::*one, void (*other)()) {
    static void (*intrudes)() = nullptr;
    intrudes = other;
    return run_in_child([&] {
      family f;
      all = &f;
      intruder::keep_one_inside(f.*one, [](void*, size_t) noexcept {
        std::thread(intrudes).join();
        return false;
      });
    });
  };
  char const* const rule = "one thread at a time is inside a heap";
  check_stopped(outcome(&family::first, [] { (void)all->second.try_allocate(16); }), rule);
  check_stopped(outcome(&family::first, [] { (void)all->parent.try_allocate(16); }), rule);
  check_stopped(outcome(&family::parent, [] { (void)all->first.try_allocate(16); }), rule);
  check_stopped(outcome(&family::first, [] { zmm::debug_request_heap third(zmm::within, all->parent); }), rule);
  check_stopped(outcome(&family::parent, [] { zmm::debug_request_heap third(zmm::within, all->first); }), rule);

  child_result const strangers = outcome(&family::first, [] {
    zmm::debug_request_heap other;
    zmm::debug_request_heap child(zmm::within, other);
    (void)child.try_allocate(16);
  });
  CHECK(strangers.finished);
  CHECK(!strangers.stopped);
}

TEST_CASE("debug: children that outlive their parent go on alone") {
  child_result const r = run_in_child([] {
    auto parent = std::make_unique<zmm::debug_request_heap>();
    zmm::debug_request_heap child(zmm::within, *parent);
    (void)child.allocate(48);
    (void)parent->allocate(48);
    parent.reset();
    void* const p = child.allocate(48);
    child.deallocate(p, 48);
    std::thread([&] { (void)child.allocate(48); }).join();
    child.release();
  });
  CHECK(r.finished);
  CHECK(!r.stopped);
}
}  // namespace

// Storage that refuses the n-th call, for every n until the scenario meets no refusal: each way of getting memory fails
// with bad_alloc or null, leaves the heap as it was and verifiable, and works again afterwards.
#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/scale.hpp"
#include "../support/shadow_model.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <initializer_list>
#include <new>

namespace {
using namespace zmm_test;
using std::size_t;

// Runs every allocation path of an engine once or more, and looks at the engine after each failure.
template <class Heap> class scenario {
public:
  explicit scenario(Heap& heap) : heap_(heap) {}

  size_t failures() const { return failures_; }

  void run() {
    for (size_t bytes : std::initializer_list<size_t>{8, 64, 1000, 3072, 3073, 5000, 70000}) allocate(bytes, 16);
    for (size_t alignment : std::initializer_list<size_t>{64, 512, 4096, 65536}) allocate(100, alignment);
    allocate(chunk - page_bytes<Heap>, 16);                          // the largest run
    allocate(chunk - page_bytes<Heap> + 1, 16);                      // the smallest huge block
    allocate(100, 2 * chunk);                                        // huge for its alignment
    for (size_t i = 0; i < 40; ++i) allocate(chunk / 4, 16);         // chunk after chunk
    for (size_t i = 0; i < 300; ++i) allocate(2000 + i, 8);
    free_half();
    (void)heap_.collect();
    (void)heap_.trim();
    heap_.verify();
    grow(10000, 12);
    grow(chunk / 2, 4);
    grow(2 * chunk, 4);
    shrink();
    allocate(300000, 16);
    model_.check_all();
    while (!model_.empty()) free(0);
    check();
    heap_.release();
    check();
    for (size_t bytes : std::initializer_list<size_t>{100, 10000}) allocate(bytes, 16);
    model_.clear();
    heap_.release();
    (void)heap_.trim();
    check();
  }

private:
  static constexpr size_t chunk = chunk_bytes<Heap>;

  void allocate(size_t bytes, size_t alignment) {
    void* p = nullptr;
    if (bytes % 3 == 0) {
      p = heap_.try_allocate(bytes, alignment);
    } else {
      try {
        p = heap_.allocate(bytes, alignment);
      } catch (std::bad_alloc const&) {}
    }
    if (p == nullptr) return failed();
    model_.add(p, bytes, alignment);
  }

  void free(size_t index) {
    shadow_block const block = model_.take(index);
    heap_.deallocate(block.p, block.most, block.alignment);
  }
  void free_half() {
    for (size_t i = 0; i < model_.count(); ++i) free(i);
  }

  // Some blocks, by resize_in_place, and where that is refused by reallocate (where the engine has it).
  void grow(size_t by, size_t blocks) {
    for (size_t i = 0; i < std::min(model_.count(), blocks); ++i) {
      shadow_block block = model_.take(0);
      size_t const wanted = block.most + by;
      if (size_t const got = heap_.resize_in_place(block.p, block.most, wanted, wanted)) {
        block.least = wanted;
        block.most = got;
        model_.add(block);
        continue;
      }
      model_.put_back(block);
      if constexpr (by_address<Heap>) reallocate(wanted);
    }
  }
  void shrink() {
    for (size_t i = 0; i < model_.count(); ++i) {
      shadow_block block = model_.take(0);
      size_t const wanted = block.most / 2 + 1;
      if (size_t const got = heap_.resize_in_place(block.p, block.most, wanted, wanted)) {
        block.least = wanted;
        block.most = got;
        model_.add(block);
      } else {
        model_.put_back(block);
        if constexpr (by_address<Heap>) reallocate(wanted);
      }
    }
  }
  void reallocate(size_t wanted) {
    if constexpr (by_address<Heap>) {
      shadow_block const block = model_.take(model_.count() - 1);
      try {
        void* p = heap_.reallocate(block.p, wanted, std::align_val_t{block.alignment});
        shadow_model::check(block, std::min(block.most, wanted), static_cast<unsigned char*>(p));
        model_.add(p, wanted, block.alignment);
      } catch (std::bad_alloc const&) {
        model_.put_back(block);
        failed();
      }
    }
  }

  void failed() {
    ++failures_;
    check();
  }
  void check() {
    heap_.verify();
    zmm::statistics const s = heap_.stats();
    if (s.live_blocks != model_.count()) FAIL_CHECK("live_blocks " << s.live_blocks << ", model " << model_.count());
    size_t known = 0;
    if constexpr (by_address<Heap>)
      for (shadow_block const& block : model_.blocks()) known += heap_.usable_size(block.p);
    if (by_address<Heap> && s.size != known) FAIL_CHECK("size " << s.size << ", sum of usable sizes " << known);
    if (s.size < model_.asked_bytes()) FAIL_CHECK("size below the bytes in blocks");
  }

  Heap& heap_;
  shadow_model model_;
  size_t failures_ = 0;
};

enum class refusals { one, all_from };

template <class Heap> void every_call(refusals which) {
  size_t failures = 0;
  size_t const each = scale() < 1 ? 20 : 60, stride = scale() < 1 ? 11 : 3;
  for (size_t n = 1;; n += n < each ? 1 : stride) {
    CAPTURE(n);
    checking_storage checked;
    failing_storage failing{checked};
    counting_storage counted{failing};
    {
      engine<Heap> e{counted};
      which == refusals::one ? failing.fail_call(n) : failing.fail_from_call(n);
      scenario<Heap> path{e.heap()};
      path.run();
      failures += path.failures();
      bool const met = failing.failures() != 0;
      CHECK(e.source().stats().real_size == counted.live());

      failing.disarm();
      scenario<Heap> again{e.heap()};
      again.run();
      CHECK(again.failures() == 0);
      if (!met) break;
    }
    CHECK(counted.live() == 0);
  }
  CHECK(failures > 0);
}

TEST_CASE("heap: storage refuses one call, each in turn") { every_call<zmm::heap>(refusals::one); }
TEST_CASE("heap: storage refuses every call from the n-th on") { every_call<zmm::heap>(refusals::all_from); }
TEST_CASE("heap with 256 KiB chunks: storage refuses one call, each in turn") {
  every_call<zmm::basic_heap<small_chunks>>(refusals::one);
}
TEST_CASE("heap with 256 KiB chunks: storage refuses every call from the n-th on") {
  every_call<zmm::basic_heap<small_chunks>>(refusals::all_from);
}
TEST_CASE("request: storage refuses one call, each in turn") { every_call<zmm::request_heap>(refusals::one); }
TEST_CASE("request: storage refuses every call from the n-th on") { every_call<zmm::request_heap>(refusals::all_from); }
TEST_CASE("request with 256 KiB chunks: storage refuses every call from the n-th on") {
  every_call<zmm::basic_request_heap<small_chunks>>(refusals::all_from);
}
TEST_CASE("segment heap: storage refuses one call, each in turn") { every_call<zmm::segment_heap>(refusals::one); }
TEST_CASE("segment heap: storage refuses every call from the n-th on") {
  every_call<zmm::segment_heap>(refusals::all_from);
}
TEST_CASE("segment heap with segments of 4 KiB: storage refuses every call from the n-th on") {
  every_call<zmm::basic_segment_heap<small_segments>>(refusals::all_from);
}

TEST_CASE("a heap whose storage refuses everything throws, says what it needed, and holds nothing") {
  failing_storage failing;
  failing.fail_from_call(1);
  zmm::heap heap{failing};
  for (size_t bytes : {size_t{1}, size_t{5000}, size_t{10} << 20}) {
    CHECK(heap.try_allocate(bytes) == nullptr);
    CHECK_THROWS_AS((void)heap.allocate(bytes), std::bad_alloc);
  }
  CHECK(heap.real_size() == 0);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
  failing.disarm();
  void* p = heap.allocate(1);
  CHECK(p != nullptr);
}
}  // namespace

// The kinds rule. A sized free finds the bin of a small block from its size alone, so whatever resize_in_place grants,
// every size the block may legally be freed with from then on (anything between what was served and what was granted)
// must lead to where the block came from. Freed wrongly, a slot lands in another bin: verify() and `size` show it.
#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

// Sizes in [least, most] where a wrong bin would show: both ends, and the edges of every bin and of the first pages.
std::vector<size_t> representatives(size_t least, size_t most, size_t alignment) {
  std::vector<size_t> result{least, most, most - (most > least), least + (most - least) / 2};
  auto const edge = [&](size_t at) {
    for (size_t m : {at - 1, at, at + 1})
      if (m >= least && m <= most) result.push_back(m);
  };
  for (size_t slot : bin_sizes)
    if (slot + 1 >= least && slot <= most + 1) edge(slot);
  for (size_t slot : more_bin_sizes)
    if (slot + 1 >= least && slot <= most + 1) edge(slot);
  if (alignment > 1) edge(largest_bin / alignment * alignment);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

template <class Heap> class kinds {
public:
  // Every grant for a block of `n` bytes at `alignment`, for changes to around (least, preferred).
  void grants(size_t n, size_t alignment) {
    size_t const slot = run_slot_of(n, alignment);
    size_t const leasts[] = {0, 1, n / 2, n - (n != 0), n, n + 1, slot, slot + 1, 2 * n, largest_bin, largest_bin + 1,
                             4096, 5000, 12288, largest_run_bin, largest_run_bin + 1};
    for (size_t least : leasts)
      for (size_t preferred : {least, least + 1, least + least / 2 + 8, 3 * least + 64, size_t{3073}, size_t{20000}, size_t{70000}})
        if (preferred >= least) grant(n, alignment, least, preferred);
    if (++sizes_ % 64 == 0) heap().verify();
  }

  void grant(size_t n, size_t alignment, size_t least, size_t preferred) {
    std::vector<size_t> frees{n};
    for (size_t i = 0; i < frees.size(); ++i) {
      void* p = heap().allocate(n, alignment);
      size_t const got = heap().resize_in_place(p, n, least, preferred);
      if (got != 0 && got < least) FAIL_CHECK("granted " << got << " of at least " << least);
      if (got != 0 && i == 0) frees = representatives(least, got, alignment);
      granted_ += got != 0;
      heap().deallocate(p, frees[i], alignment);
      if (size_t const left = heap().stats().size; left != 0) {
        FAIL("allocate(" << n << ", " << alignment << "), resize_in_place(" << least << ", " << preferred << ") = " << got
                         << ", freed with " << frees[i] << " leaves " << left << " bytes");
      }
    }
  }

  size_t granted() const { return granted_; }
  Heap& heap() { return engine_.heap(); }

private:
  checking_storage storage_;
  engine<Heap> engine_{storage_};
  size_t granted_ = 0, sizes_ = 0;
};

// All alignments for each size; with ZMM_TEST_SCALE below 10 not every size at every alignment, below 1 not every edge of a bin either.
template <class Heap> void every_size() {
  kinds<Heap> k;
  size_t const stride = scale() >= 10 ? 1 : scale() >= 1 ? 13 : 101, edges = scale() >= 1 ? 1 : 4;
  size_t phase = 0;
  for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (size_t n = phase++ % stride; n <= 3200; n += stride) k.grants(n, alignment);
    for (size_t bin = phase % edges; bin < std::size(bin_sizes); bin += edges)
      for (size_t n : {bin_sizes[bin] - 1, bin_sizes[bin], bin_sizes[bin] + 1}) k.grants(n, alignment);
  }
  for (size_t n = 3200; n <= 50000; n += scale() >= 10 ? 97 : 1997)
    for (size_t alignment = 1; alignment <= 65536; alignment *= 16) k.grants(n, alignment);
  for (size_t slot : more_bin_sizes)
    for (size_t n : {slot - 1, slot, slot + 1}) k.grants(n, size_t{1} << n % 14);
  k.heap().verify();
  CHECK(k.granted() > 1000);
}

TEST_CASE("kinds: every grant of a heap can be freed with every legal size") { every_size<zmm::heap>(); }
TEST_CASE("kinds: every grant of a heap with 256 KiB chunks can be freed with every legal size") {
  every_size<zmm::basic_heap<small_chunks>>();
}
TEST_CASE("kinds: every grant of a heap with the original's slots can be freed with every legal size") {
  every_size<zmm::basic_heap<original_slots>>();
}
TEST_CASE("kinds: every grant of a heap with 16-byte slots can be freed with every legal size") {
  every_size<zmm::basic_heap<wide_slots>>();
}
TEST_CASE("kinds: every grant of a request can be freed with every legal size") { every_size<zmm::request_heap>(); }
TEST_CASE("kinds: every grant of a request with 16-byte slots can be freed with every legal size") {
  every_size<zmm::basic_request_heap<wide_slots>>();
}

// Without a resize: what was asked for is what frees it, at every size and alignment.
template <class Heap> void plain_frees() {
  checking_storage storage;
  engine<Heap> e{storage};
  for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (size_t n = 0; n <= 34000; n += n < 3300 || scale() >= 10 ? 1 : 61) {
      void* p = e.heap().allocate(n, alignment);
      REQUIRE(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      REQUIRE(e.heap().stats().size >= n);
      e.heap().deallocate(p, n, alignment);
      REQUIRE(e.heap().stats().size == 0);
    }
    e.heap().verify();
  }
}

TEST_CASE("kinds: a heap's blocks of every size and alignment are freed with the size asked for") { plain_frees<zmm::heap>(); }
TEST_CASE("kinds: a request's blocks of every size and alignment are freed with the size asked for") {
  plain_frees<zmm::request_heap>();
}

// A block that was grown and shrunk several times: each step's legal sizes follow from the step before.
template <class Heap> void chains(std::uint64_t seed) {
  checking_storage storage;
  engine<Heap> e{storage};
  random_source random{seed};
  for (size_t i = 0; i < scaled(20000); ++i) {
    size_t least = random.below(random.one_in(4) ? 45000 : 12000), most = least, alignment = size_t{1} << random.below(13);
    void* p = e.heap().allocate(least, alignment);
    for (size_t steps = random.below(6); steps-- > 0;) {
      size_t const wanted = random.below(16000), preferred = wanted + random.below(9000);
      size_t const got = e.heap().resize_in_place(p, random.between(least, most), wanted, preferred);
      if (got == 0) continue;
      least = wanted;
      most = got;
    }
    e.heap().deallocate(p, random.between(least, most), alignment);
    if (e.heap().stats().size != 0) FAIL("bytes left after a chain of resizes, step " << i);
    if (i % 500 == 0) e.heap().verify();
  }
  e.heap().verify();
}

TEST_CASE("kinds: chains of resizes in a heap") { chains<zmm::heap>(1); }
TEST_CASE("kinds: chains of resizes in a heap with 256 KiB chunks") { chains<zmm::basic_heap<small_chunks>>(2); }
TEST_CASE("kinds: chains of resizes in a heap with the original's slots") { chains<zmm::basic_heap<original_slots>>(4); }
TEST_CASE("kinds: chains of resizes in a request") { chains<zmm::request_heap>(3); }

TEST_CASE("kinds: what already fits answers its usable size") {
  zmm::heap heap;
  for (size_t n : {size_t{1}, size_t{100}, size_t{3000}, size_t{3073}, size_t{9000}, size_t{33000}, size_t{3} << 20}) {
    void* p = heap.allocate(n);
    size_t const got = heap.resize_in_place(p, n, n, n);
    CHECK(got >= n);
    CHECK(got <= heap.usable_size(p));
    heap.deallocate(p, got);
  }
  CHECK(heap.stats().size == 0);
}

// Growth of runs whose page neighbours are free is nearly always granted.
template <class Heap> void growth_succeeds() {
  checking_storage storage;
  engine<Heap> e{storage};
  random_source random{7};
  size_t tries = 0, grown = 0;
  void* first = e.heap().allocate(100);  // what an engine needs for itself lies with this block, not behind the runs
  for (int round = 0; round < 2000; ++round) {
    size_t const from = random.between(e.heap().slot_limit + 1, 60000), to = from + random.between(1, 60000);
    void* p = e.heap().allocate(from);  // everything behind it is free
    size_t const got = e.heap().resize_in_place(p, from, to, to);
    ++tries;
    grown += got >= to;
    e.heap().deallocate(p, got != 0 ? got : from);
    if (round % 100 == 0) (void)e.heap().collect();
  }
  e.heap().deallocate(first, 100);
  CHECK(grown * 10 >= tries * 9);
  MESSAGE("growths of runs in place: " << grown << " of " << tries);
}

TEST_CASE("growth: a heap's run with a free tail behind it grows in place") { growth_succeeds<zmm::heap>(); }
TEST_CASE("growth: a request's run with a free tail behind it grows in place") { growth_succeeds<zmm::request_heap>(); }
}  // namespace

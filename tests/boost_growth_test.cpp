// Growth in place as Boost's vector sees it: how often a growing vector moves, what it holds meanwhile, and what it
// gives back.
#include <zmm/allocator.hpp>
#include <zmm/segment_resource.hpp>

#include "support/checking_storage.hpp"
#include "support/counting_storage.hpp"
#include "support/engines.hpp"
#include "support/failing_storage.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include <boost/container/vector.hpp>
#include <doctest/doctest.h>
#include <cstring>
#include <memory>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
namespace bc = boost::container;

constexpr size_t kib = 1024, mib = 1024 * kib;

template <class T, class Heap> using vector = bc::vector<T, zmm::allocator<T, Heap>>;
template <class Heap> vector<std::uint64_t, Heap> numbers(Heap& heap) {
  return vector<std::uint64_t, Heap>{zmm::allocator<std::uint64_t, Heap>{heap}};
}

// Moves of a vector's elements, by the bytes it held when it moved.
struct moves {
  size_t below_64k = 0, to_2m = 0, at_2m = 0, after = 0;

  void note(size_t bytes) {
    ++(bytes < 64 * kib ? below_64k : bytes < 2 * mib - 4 * kib ? to_2m : bytes <= 2 * mib ? at_2m : after);
  }
};

template <class Heap> moves push(vector<std::uint64_t, Heap>& v, size_t bytes) {
  moves m;
  size_t const count = bytes / sizeof(std::uint64_t);
  while (v.size() < count) {
    auto const* const data = v.data();
    size_t const held = v.size() * sizeof(std::uint64_t);
    size_t const until = v.capacity() < count ? v.capacity() : count;
    while (v.size() < until) v.push_back(v.size());
    if (v.size() == count) break;
    v.push_back(v.size());
    if (held != 0 && v.data() != data) m.note((v.size() - 1) * sizeof(std::uint64_t));
  }
  return m;
}

#define ENGINES zmm::heap, zmm::request_heap, zmm::synchronized_heap

template <class Heap> struct growing {
  checking_storage storage;
  engine<Heap> source{storage};
  Heap& heap() { return source.heap(); }
};

TEST_CASE_TEMPLATE("growth: a vector pushed to 64 MiB moves once at 2 MiB and not again", Heap, ENGINES) {
  growing<Heap> t;
  {
    auto v = numbers(t.heap());
    moves const m = push(v, 64 * mib);
    CHECK(m.to_2m <= 2);
    CHECK(m.at_2m <= 1);
    CHECK(m.after == 0);
    for (size_t i = 0; i < v.size(); i += 511) REQUIRE(v[i] == i);
    CHECK(t.source.source().stats().real_size < v.capacity() * 8 + 6 * mib);  // what is committed counts, no more
    CHECK(t.heap().stats().size >= v.capacity() * 8);
    t.heap().verify();
  }
  CHECK(t.heap().stats().size == 0);
}

TEST_CASE_TEMPLATE("growth: several vectors that grow in turn keep out of each other's way", Heap, ENGINES) {
  growing<Heap> t;
  std::vector<vector<std::uint64_t, Heap>> all;
  for (int i = 0; i < 4; ++i) all.push_back(numbers(t.heap()));
  moves sum;
  for (size_t bytes = 8; bytes <= 1 * mib; bytes += bytes / 3 + 8)
    for (auto& v : all) {
      moves const m = push(v, bytes);
      sum.to_2m += m.to_2m;
    }
  CHECK(sum.to_2m <= 12);  // grown by 1.6 each time they would be 4 * 6
  for (auto& v : all)
    for (size_t i = 0; i < v.size(); ++i) REQUIRE(v[i] == i);
  t.heap().verify();
}

TEST_CASE_TEMPLATE("growth: other blocks do not settle right behind a vector that has grown", Heap, ENGINES) {
  growing<Heap> t;
  auto v = numbers(t.heap());
  push(v, 64 * kib);
  moves sum;
  std::vector<void*> others;
  // In a request only slabs keep away: a run next to one that has grown may be next to one that is free and kept warm.
  constexpr size_t other = std::is_same_v<Heap, zmm::request_heap> ? 2 * kib : 8 * kib;
  for (size_t bytes = 64 * kib; bytes <= 512 * kib; bytes += 16 * kib) {
    for (size_t i = 0; i < 8 * kib / other; ++i) others.push_back(t.heap().allocate(other, 8));
    moves const m = push(v, bytes);
    sum.to_2m += m.to_2m;
  }
  CHECK(sum.to_2m <= 1);
  for (void* p : others) t.heap().deallocate(p, other, 8);
  t.heap().verify();
}

TEST_CASE_TEMPLATE("growth: shrinking gives committed memory back and keeps the room to grow", Heap, ENGINES) {
  growing<Heap> t;
  auto v = numbers(t.heap());
  push(v, 40 * mib);
  auto const* const data = v.data();
  size_t const before = t.source.source().stats().real_size;
  v.resize(5 * mib / 8);
  v.shrink_to_fit();
  CHECK(v.data() == data);
  CHECK(v.capacity() * 8 <= 5 * mib + 4096);
  CHECK(t.source.source().stats().real_size <= before - 34 * mib);
  CHECK(t.heap().stats().size < 6 * mib);
  for (size_t i = 0; i < v.size(); ++i) REQUIRE(v[i] == i);
  moves const m = push(v, 60 * mib);
  CHECK(v.data() == data);
  CHECK((m.to_2m == 0 && m.after == 0));
  for (size_t i = 0; i < v.size(); i += 511) REQUIRE(v[i] == i);
  t.heap().verify();
}

TEST_CASE_TEMPLATE("growth: a limit counts what is committed, not what is reserved", Heap, ENGINES) {
  growing<Heap> t;
  CHECK(t.heap().set_limit(30 * mib));
  {
    auto v = numbers(t.heap());
    moves const m = push(v, 16 * mib);
    CHECK(m.after == 0);
    CHECK_THROWS_AS((void)push(v, 40 * mib), zmm::memory_limit_exceeded);
    CHECK(v.size() * 8 > 20 * mib);
    CHECK(t.heap().real_size() <= 30 * mib);
    for (size_t i = 0; i < v.size(); i += 511) REQUIRE(v[i] == i);
    t.heap().verify();
  }
  CHECK(t.heap().stats().size == 0);
}

// Storage that has no address space to set aside: it refuses every reserve.
class no_reserve final : public zmm::storage {
public:
  void* allocate(size_t bytes, size_t alignment, size_t reserve) override {
    refused += reserve != bytes;
    return reserve != bytes ? nullptr : zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, size_t bytes, size_t reserve) noexcept override {
    CHECK(reserve == bytes);
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  size_t refused = 0;
};

TEST_CASE("growth: a refused reserve is no failure") {
  no_reserve storage;
  zmm::heap heap{storage};
  auto v = numbers(heap);
  push(v, 20 * mib);
  CHECK(storage.refused >= 1);
  for (size_t i = 0; i < v.size(); i += 511) REQUIRE(v[i] == i);
  heap.verify();
}

TEST_CASE("growth: storage that fails at any moment leaves a vector whole") {
  for (size_t call = 1; call < 12; ++call) {
    failing_storage storage;
    zmm::heap heap{storage};
    auto v = numbers(heap);
    storage.fail_call(call);
    try {
      push(v, 8 * mib);
    } catch (std::bad_alloc const&) {}
    storage.disarm();
    push(v, 8 * mib);
    for (size_t i = 0; i < v.size(); i += 63) REQUIRE(v[i] == i);
    heap.verify();
  }
}

TEST_CASE("growth: a plain allocation reserves nothing") {
  counting_storage storage;
  struct asking final : zmm::storage {
    explicit asking(zmm::storage& s) : below(s) {}
    void* allocate(size_t bytes, size_t alignment, size_t reserve) override {
      reserves += reserve != bytes;
      return below.allocate(bytes, alignment, reserve);
    }
    void deallocate(void* p, size_t bytes, size_t reserve) noexcept override { below.deallocate(p, bytes, reserve); }
    bool extend(void* p, size_t from, size_t to) noexcept override { return below.extend(p, from, to); }
    zmm::storage& below;
    size_t reserves = 0;
  } asked{storage};
  zmm::heap heap{asked};
  heap.deallocate(heap.allocate(10 * mib), 10 * mib);
  auto v = numbers(heap);
  v.reserve(mib);
  std::vector<int, zmm::allocator<int, zmm::heap>> plain(3 * mib, 1, heap);
  CHECK(asked.reserves == 0);
  push(v, 30 * mib);  // moves once, and now it is known to grow
  CHECK(asked.reserves == 1);
}

TEST_CASE("growth: reallocate into a huge block reserves, and then grows in place") {
  checking_storage storage;
  zmm::heap heap{storage};
  size_t bytes = mib;
  auto* p = static_cast<unsigned char*>(heap.allocate(bytes));
  std::memset(p, 7, bytes);
  p = static_cast<unsigned char*>(heap.reallocate(p, 3 * mib));
  auto* const huge = p;
  for (bytes = 4 * mib; bytes < 100 * mib; bytes = bytes * 3 / 2) {
    p = static_cast<unsigned char*>(heap.reallocate(p, bytes));
    CHECK(p == huge);
    p[bytes - 1] = 7;
  }
  CHECK((p[0] == 7 && p[mib - 1] == 7));
  p = static_cast<unsigned char*>(heap.reallocate(p, 3 * mib));
  CHECK(p == huge);
  CHECK(heap.usable_size(p) == 3 * mib);
  CHECK(heap.real_size() < 8 * mib);
  heap.verify();
  heap.deallocate(p);
}

// Random vectors that grow, shrink and go, beside blocks of all sizes: nothing is lost and the page maps hold.
TEST_CASE_TEMPLATE("growth: random vectors among other blocks", Heap, ENGINES, zmm::segment_heap) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    growing<Heap> t;
    random_source random{seed};
    std::vector<std::unique_ptr<vector<std::uint64_t, Heap>>> all;
    std::vector<std::pair<void*, size_t>> blocks;
    for (size_t step = 0; step < scaled(1500); ++step) {
      size_t const kind = random.below(10);
      if (kind < 2 || all.empty()) {
        all.push_back(std::make_unique<vector<std::uint64_t, Heap>>(numbers(t.heap())));
      } else if (kind < 6) {
        auto& v = *all[random.below(all.size())];
        push(v, v.size() * 8 + random.below(random.one_in(10) ? 1500 * kib : 60 * kib));
      } else if (kind == 6) {
        auto& v = *all[random.below(all.size())];
        v.resize(random.below(v.size() + 1));
        v.shrink_to_fit();
      } else if (kind == 7 && all.size() > 12) {
        std::swap(all[random.below(all.size())], all.back());
        for (size_t i = 0; i < all.back()->size(); ++i) REQUIRE((*all.back())[i] == i);
        all.pop_back();
      } else if (kind == 8) {
        size_t const bytes = 1 + random.below(20 * kib);
        blocks.emplace_back(t.heap().allocate(bytes, 8), bytes);
      } else if (!blocks.empty()) {
        std::swap(blocks[random.below(blocks.size())], blocks.back());
        t.heap().deallocate(blocks.back().first, blocks.back().second, 8);
        blocks.pop_back();
      }
      if (step % 100 == 0) t.heap().verify();
    }
    for (auto& v : all)
      for (size_t i = 0; i < v->size(); ++i) REQUIRE((*v)[i] == i);
    all.clear();
    for (auto [p, bytes] : blocks) t.heap().deallocate(p, bytes, 8);
    CHECK(t.heap().stats().size == 0);
    t.heap().verify();
  }
}
}  // namespace

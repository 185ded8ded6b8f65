// Growth at the front, as Boost's containers ask for it: only segment heaps serve it.
#include <zmm/allocator.hpp>
#include <zmm/hardened.hpp>
#include <zmm/segment_resource.hpp>

#include "../support/random.hpp"
#include "../support/tracked.hpp"
#include <boost/container/deque.hpp>
#include <boost/container/devector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <cstring>
#include <doctest/doctest.h>
#include <vector>

namespace {
using std::size_t;
namespace bc = boost::container;
namespace flag = zmm::detail::command_flag;

struct triple {
  int a, b, c;
};

TEST_CASE_TEMPLATE("expand_bwd: a block starts further in front, by whole objects", T, char, int, triple, double) {
  zmm::segment_heap h;
  zmm::allocator<T, zmm::segment_heap> a{h};
  void* const front = h.allocate(4000);
  size_t const count = 100;
  T* const block = a.allocate(count);
  void* const wall = h.allocate(24);
  h.deallocate(front, 4000);

  T* reuse = block;
  size_t received = 3 * count;
  T* const grown = a.allocation_command(flag::expand_bwd, 2 * count, received, reuse);
  REQUIRE(grown != nullptr);
  CHECK(reuse == block);  // it is the same one
  CHECK(grown < block);
  CHECK((reinterpret_cast<char*>(block) - reinterpret_cast<char*>(grown)) % static_cast<std::ptrdiff_t>(sizeof(T)) ==
        0);
  CHECK(received >= 2 * count);
  CHECK(grown + received >= block + count);
  CHECK(h.stats().live_blocks == 2);
  h.verify();
  a.deallocate(grown, received);
  h.deallocate(wall, 24);

  // Where nothing is free in front, and without being asked.
  T* const other = a.allocate(count);
  void* const behind = h.allocate(24);
  reuse = other;
  received = 1000 * count;
  CHECK(a.allocation_command(flag::expand_bwd, 1000 * count, received, reuse) == nullptr);
  CHECK(a.allocation_command(flag::expand_fwd, 1000 * count, received, reuse) == nullptr);
  a.deallocate(other, count);
  h.deallocate(behind, 24);
  h.verify();
}

// Blocks among others grow at their fronts as far as they may; what was in them stays where it was.
template <class Heap> void grow_blocks(std::uint64_t seed) {
  struct held {
    unsigned char* p;
    size_t bytes;
    unsigned char mark;
  };
  Heap h;
  zmm_test::random_source random(seed);
  std::vector<held> all;
  unsigned char marks = 0;
  size_t grown = 0;
  auto const check = [](held const& b) {
    for (size_t i = 0; i < b.bytes; ++i)
      if (b.p[i] != b.mark) FAIL("byte " << i << " of " << b.bytes);
  };
  for (int step = 0; step < 20'000; ++step) {
    size_t const kind = random.below(10), which = all.empty() ? 0 : random.below(all.size());
    if (all.empty() || (kind < 5 && all.size() < 60)) {
      size_t const bytes = 1 + random.below(1500);
      all.push_back({static_cast<unsigned char*>(h.allocate(bytes)), bytes, ++marks});
      std::memset(all.back().p, marks, bytes);
    } else if (kind < 8) {
      check(all[which]);
      h.deallocate(all[which].p);
      all[which] = all.back();
      all.pop_back();
    } else {
      held& b = all[which];
      size_t const unit = 1 + random.below(40), least = b.bytes + 1 + random.below(300);
      auto* const start = static_cast<unsigned char*>(h.grow_backward(b.p, least, least + random.below(1500), unit));
      check(b);
      if (start == nullptr) continue;
      ++grown;
      size_t const got = h.usable_size(start);
      CHECK(got >= least);
      CHECK(static_cast<size_t>(b.p - start) % unit == 0);
      CHECK(start + got >= b.p + b.bytes);
      b = {start, got, b.mark};
      std::memset(start, b.mark, got);
    }
    if (step % 20 == 0) h.verify();
  }
  for (held const& b : all) {
    check(b);
    h.deallocate(b.p);
  }
  h.verify();
  CHECK(h.stats().live_blocks == 0);
  CHECK(grown > 500);
}
TEST_CASE("expand_bwd: blocks grow at their fronts, at random") {
  grow_blocks<zmm::segment_heap>(4);
  grow_blocks<zmm::hardened_segment_heap>(5);
}

TEST_CASE("expand_bwd: a vector moves its elements to the front of its own block") {
  zmm::segment_heap h;
  void* const front = h.allocate(4000);
  bc::vector<int, zmm::allocator<int, zmm::segment_heap>> v{zmm::allocator<int, zmm::segment_heap>{h}};
  v.reserve(400);
  void* const wall = h.allocate(24);
  while (v.size() < v.capacity()) v.push_back(static_cast<int>(v.size()));
  h.deallocate(front, 4000);
  int const* const before = v.data();
  v.push_back(static_cast<int>(v.size()));
  CHECK(v.data() < before);
  CHECK(v.data() >= front);
  CHECK(h.stats().live_blocks == 2);
  for (size_t i = 0; i < v.size(); ++i) REQUIRE(v[i] == static_cast<int>(i));
  h.verify();
  h.deallocate(wall, 24);
}

// Containers that grow at any place, among blocks that come and go, in a plain heap and a hardened one.
template <class Heap, template <class...> class Container> void grow_among_others(std::uint64_t seed) {
  using tracked = zmm_test::tracked;
  Heap h;
  zmm_test::random_source random(seed);
  {
    zmm::allocator<tracked, Heap> const a{h};
    using type = Container<tracked, zmm::allocator<tracked, Heap>>;
    std::vector<type> all;
    std::vector<std::vector<long>> model(4);
    for (size_t i = 0; i < model.size(); ++i) all.emplace_back(a);
    std::vector<std::pair<void*, size_t>> others;
    for (int step = 0; step < 4000; ++step) {
      size_t const which = random.below(all.size()), n = 1 + random.below(20);
      auto& c = all[which];
      auto& m = model[which];
      size_t const at = random.below(m.size() + 1);
      if (random.one_in(40)) {
        c.clear();
        c.shrink_to_fit();
        m.clear();
      } else {
        std::vector<tracked> values;
        for (size_t i = 0; i < n; ++i) values.emplace_back(static_cast<long>(random.below(1000)));
        c.insert(c.begin() + static_cast<std::ptrdiff_t>(at), values.begin(), values.end());
        std::vector<long> numbers;
        for (auto const& v : values) numbers.push_back(v.value());
        m.insert(m.begin() + static_cast<std::ptrdiff_t>(at), numbers.begin(), numbers.end());
      }
      if (random.one_in(2)) {
        size_t const bytes = 1 + random.below(2000);
        others.emplace_back(h.allocate(bytes), bytes);
      }
      if (others.size() > 30) {
        size_t const gone = random.below(others.size());
        h.deallocate(others[gone].first, others[gone].second);
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(gone));
      }
      if (step % 200 != 0) continue;
      h.verify();
      for (size_t i = 0; i < all.size(); ++i) {
        REQUIRE(all[i].size() == model[i].size());
        for (size_t k = 0; k < model[i].size(); ++k) REQUIRE(all[i][k].value() == model[i][k]);
      }
    }
    for (auto const& [p, bytes] : others) h.deallocate(p, bytes);
  }
  CHECK(h.stats().live_blocks == 0);
  h.verify();
}

TEST_CASE("expand_bwd: vectors that grow anywhere among other blocks") {
  grow_among_others<zmm::segment_heap, bc::vector>(1);
  grow_among_others<zmm::hardened_segment_heap, bc::vector>(1);
}
TEST_CASE("expand_bwd: deques that grow anywhere among other blocks") {
  grow_among_others<zmm::segment_heap, bc::deque>(2);
}
TEST_CASE("expand_bwd: devectors that grow anywhere among other blocks") {
  grow_among_others<zmm::segment_heap, bc::devector>(3);
}
}  // namespace

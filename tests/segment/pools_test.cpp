// The four pools: their order, what joins, and that no call takes steps that grow with the number of blocks.
#include <zmm/segment_resource.hpp>

#include "../support/counting_storage.hpp"
#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using std::size_t;

/// Its words count how often they are read: the steps of a call.
struct counted_options : zmm::default_options {
  [[maybe_unused]] static constexpr size_t reserve_bytes = 0;
};
size_t steps = 0;
}  // namespace

namespace zmm { inline namespace ZMM_ABI { namespace detail {
template <> class block_words<counted_options, false> : public block_words<default_options, false> {
public:
  using block_words<default_options, false>::block_words;
  size_t load(heap_block const* b) const noexcept {
    ++steps;
    return block_words<default_options, false>::load(b);
  }
};
}}}  // namespace zmm::detail

namespace {
using heap = zmm::basic_segment_heap<counted_options>;

bool touches(void* front, size_t bytes, void* behind) {
  return static_cast<char*>(front) + zmm::detail::true_size(bytes) == static_cast<char*>(behind);
}

TEST_CASE("segment pools: a small block that was freed is the next of its size, and its neighbours do not join it") {
  heap h;
  void* const a = h.allocate(100);
  void* const b = h.allocate(100);
  void* const c = h.allocate(100);
  REQUIRE(touches(a, 100, b));
  h.deallocate(a, 100);
  h.deallocate(b, 100);
  CHECK(h.allocate(100) == b);  // last in, first out
  CHECK(h.allocate(100) == a);
  h.deallocate(a, 100);
  h.deallocate(b, 100);
  CHECK(h.collect() >= 200);
  CHECK(h.allocate(200) == a);  // joined
  h.deallocate(c, 100);
}

// One free block in each pool, all of which would do; what lies in which is known by their addresses.
TEST_CASE("segment pools: cache, then the exact bucket, then the best fit, then a rest, then a new segment") {
  zmm_test::counting_storage source;
  heap h{source};
  std::vector<void*> fences;
  auto const fence = [&] { fences.push_back(h.allocate(24)); };
  void* const large = h.allocate(600);
  fence();
  void* const larger = h.allocate(5000);
  fence();
  std::vector<void*> small;
  using words = zmm::detail::block_words<counted_options>;
  size_t const cached = zmm::detail::block_cache<words>::budget / zmm::detail::true_size(100);
  for (size_t i = 0; i < cached + 20; ++i) {  // more than the cache takes
    small.push_back(h.allocate(100));
    fence();
  }
  h.deallocate(large, 600);
  h.deallocate(larger, 5000);
  for (void* p : small) h.deallocate(p, 100);
  for (size_t i = cached; i-- > 0;) CHECK(h.allocate(100) == small[i]);
  for (size_t i = small.size(); i-- > cached;) CHECK(h.allocate(100) == small[i]);
  CHECK(h.allocate(100) == large);   // the smallest that is large enough
  CHECK(h.allocate(480) == larger);  // not what is left of the other one: that is a rest
  CHECK(touches(large, 100, h.allocate(480)));
  void* const rest = h.allocate(4800);  // what was left when the segment was cut
  CHECK(rest > fences.back());
  CHECK(source.allocations == 1);
  (void)h.allocate(255 << 10);
  CHECK(source.allocations == 2);
  h.verify();
  h.release();
}

TEST_CASE("segment pools: of equal fits the smallest is taken") {
  heap h;
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t bytes : {3000u, 700u, 1500u, 9000u, 760u, 720u, 6000u}) {
    blocks.emplace_back(h.allocate(bytes), bytes);
    (void)h.allocate(24);
  }
  for (auto const& [p, bytes] : blocks) h.deallocate(p, bytes);
  CHECK(h.allocate(710) == blocks[1].first);  // both have 712 bytes
  CHECK(h.allocate(721) == blocks[5].first);
  CHECK(h.allocate(740) == blocks[4].first);
  CHECK(h.allocate(761) == blocks[2].first);
  CHECK(h.allocate(6500) == blocks[3].first);
  h.verify();
}

TEST_CASE("segment pools: neighbours join, whichever is freed first") {
  for (int order = 0; order < 6; ++order) {
    heap h;
    void* p[3];
    for (void*& q : p) q = h.allocate(1000);
    void* const end = h.allocate(24);
    int const first = order % 3, second = (first + 1 + order / 3) % 3, third = 3 - first - second;
    for (int i : {first, second, third}) h.deallocate(p[i], 1000);
    h.verify();
    CHECK(h.allocate(3000) == p[0]);
    h.deallocate(end, 24);
  }
}

// Steps of one allocation of a page and its free among `blocks` free blocks of all sizes.
size_t steps_among(size_t blocks) {
  heap h;
  zmm_test::random_source random(blocks);
  std::vector<std::pair<void*, size_t>> all;
  for (size_t i = 0; i < blocks; ++i) {
    size_t const bytes = random.between(280, 20'000);
    all.emplace_back(h.allocate(bytes), bytes);
    (void)h.allocate(24);
  }
  for (auto const& [p, bytes] : all) h.deallocate(p, bytes);
  h.verify();
  size_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    steps = 0;
    h.deallocate(h.allocate(4096), 4096);
    most = steps > most ? steps : most;
  }
  return most;
}

TEST_CASE(
    "segment pools: a page and its free take no more steps among 100,000 free blocks than their sizes have bits") {
  size_t const few = steps_among(10), many = steps_among(1000), most = steps_among(100'000);
  MESSAGE("steps among 10, 1000 and 100,000 free blocks: " << few << ", " << many << ", " << most);
  CHECK(most <= 200);
  CHECK(most <= many + 64);
}

// A limit that refuses again and again, among many blocks, live and free, with small frees in between.
TEST_CASE("segment pools: a refusal at a limit takes no more steps the more blocks there are") {
  size_t most_of_all[2] = {0, 0};
  for (size_t const blocks : {size_t{1000}, size_t{100'000}}) {
    heap h;
    zmm_test::random_source random(blocks);
    std::vector<std::pair<void*, size_t>> all;
    for (size_t i = 0; i < blocks; ++i) {
      size_t const bytes = random.between(1, 700);
      all.emplace_back(h.allocate(bytes), bytes);
    }
    for (size_t i = 0; i < blocks; i += 2) h.deallocate(all[i].first, all[i].second);
    REQUIRE(h.set_limit(h.real_size()));
    CHECK(h.try_allocate(300 << 10) == nullptr);  // what the cache held is joined
    size_t& most = most_of_all[blocks > 1000];
    for (size_t i = 1; i < 1000; i += 4) {
      steps = 0;
      h.deallocate(all[i].first, all[i].second);
      if (h.try_allocate(300 << 10) != nullptr) FAIL("there was no room");
      most = steps > most ? steps : most;
    }
    h.verify();
  }
  MESSAGE("steps of a free and a refusal among 1000 and 100,000 blocks: " << most_of_all[0] << ", " << most_of_all[1]);
  CHECK(most_of_all[1] <= 200);
}

TEST_CASE("segment pools: the slowest of many random calls is bounded") {
  heap h;
  zmm_test::random_source random(3);
  std::vector<std::pair<void*, size_t>> live;
  size_t most = 0, sum = 0;
  int constexpr calls = 500'000;
  for (int i = 0; i < calls; ++i) {
    steps = 0;
    if (live.empty() || random.below(10'000) > live.size()) {
      size_t const bytes = random.one_in(20) ? random.below(60'000) : random.below(600);
      live.emplace_back(h.allocate(bytes), bytes);
    } else {
      size_t const which = random.below(live.size());
      h.deallocate(live[which].first, live[which].second);
      live[which] = live.back();
      live.pop_back();
    }
    most = steps > most ? steps : most;
    sum += steps;
  }
  MESSAGE("steps: " << sum / calls << " on average, at most " << most);
  // What the cache holds, at most 128 KiB, is joined in one call.
  CHECK(most <= 50'000);
  CHECK(sum / calls < 40);
  h.verify();
}
}  // namespace

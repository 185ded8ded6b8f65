// Where blocks of a size lie: the original's numbers of buckets and bitmaps, and the tries, beside their naive forms.
#include <zmm/segment_resource.hpp>

#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <iterator>
#include <map>
#include <vector>

namespace {
using namespace zmm::detail;
using std::size_t;

TEST_CASE("segment index: sizes under 272 have 32 buckets, eight bytes apart from 16 on") {
  CHECK(bucket_count == 32);
  CHECK(small_sizes_end == 272);
  for (size_t size = 16; size < 272; size += 8) {
    CHECK(is_bucketed(size));
    CHECK(bucket_of(size) == (size - 16) / 8);
    CHECK(bucket_of(size) < 32);
  }
  CHECK_FALSE(is_bucketed(272));
}

TEST_CASE("segment index: a bit of the bitmap stands for each bucket and for each trie that has a block") {
  segment_index none;
  block_words<zmm::default_options> const words{none};
  alignas(16) static unsigned char memory[1 << 17];
  auto const block = [&](size_t size) {
    auto* const b = reinterpret_cast<heap_block*>(memory + 16);
    words.store(b, size | block_flag::before_used);
    return b;
  };
  for (size_t size = least_block; size < small_sizes_end; size += block_grain) {
    free_buckets<block_words<zmm::default_options>> buckets;
    CHECK(buckets.bitmap() == 0);
    buckets.insert(block(size), size, words);
    CHECK(buckets.bitmap() == std::uint32_t{1} << (size - 16) / 8);
    for (size_t wanted = least_block; wanted < small_sizes_end; wanted += block_grain)
      CHECK((buckets.find(wanted, words) != nullptr) == (wanted <= size));
    buckets.remove(block(size), size, words);
    CHECK(buckets.bitmap() == 0);
  }
  for (size_t size = small_sizes_end; size < sizeof memory; size = size * 3 / 2 / block_grain * block_grain) {
    large_buckets<block_words<zmm::default_options>> tries;
    tries.insert(block(size), size, words);
    CHECK(tries.bitmap() == size_t{1} << highest_bit(size));
    CHECK(tries.find(size, words) != nullptr);
    CHECK(tries.find(size + block_grain, words) == nullptr);
    tries.remove(block(size), size, words);
    CHECK(tries.bitmap() == 0);
  }
}

TEST_CASE("segment index: a true size is the least multiple of the grain that holds word and payload") {
  for (size_t usable = 0; usable < 10'000; ++usable) {
    size_t naive = least_block;
    while (naive < usable + word_bytes) naive += block_grain;
    if (true_size(usable) != naive) FAIL("true_size(" << usable << ") == " << true_size(usable));
  }
}

TEST_CASE("segment index: a size's trie is the position of its highest bit") {
  for (size_t bit = 0; bit < 8 * sizeof(size_t); ++bit) {
    CHECK(trie_of(size_t{1} << bit) == bit);
    CHECK(trie_of((size_t{2} << bit) - 1) == bit);
  }
}

struct node {
  node* child[2];
  node* parent;
  size_t key;
};
struct by_key {
  static size_t key(node const* n) { return n->key; }
  static node* follow(node* n) { return n; }
};
using trie = bit_trie<node, by_key>;
constexpr size_t first_bit = 1 << 9;

TEST_CASE("segment index: a trie finds the least key not below, as a map does") {
  zmm_test::random_source random(7);
  std::vector<node> nodes(1024);
  std::map<size_t, node*> model;
  node* root = nullptr;
  for (int step = 0; step < 20'000; ++step) {
    size_t const key = random.below(1024);
    node& n = nodes[key];
    n.key = key;
    auto const there = model.find(key);
    if (there == model.end() && random.below(1000) > model.size()) {
      CHECK(trie::insert(root, &n, first_bit, {}) == &n);
      model[key] = &n;
    } else if (there == model.end()) {
      continue;
    } else if (random.one_in(3)) {
      node twin{};
      twin.key = key;
      CHECK(trie::insert(root, &twin, first_bit, {}) == &n);
    } else {
      trie::remove(root, &n, {});
      model.erase(there);
    }
    for (size_t wanted = static_cast<size_t>(step) % 16; wanted < 1024; wanted += 16) {
      auto const expected = model.lower_bound(wanted);
      node const* const found = trie::lower_bound(root, wanted, first_bit, {});
      if (found != (expected != model.end() ? expected->second : nullptr))
        FAIL("key " << wanted << " in step " << step);
    }
    size_t count = 0;
    trie::for_each(root, {}, [&](node& at) { count += model.count(at.key); });
    if (count != model.size()) FAIL("nodes in step " << step);
  }
}

TEST_CASE("segment index: a segment is found by the addresses in it, and by no other") {
  alignas(4096) static char memory[64 * 4096];
  zmm_test::random_source random(8);
  std::map<size_t, segment*> model;  // by page
  segment_index index;
  auto* const pages = reinterpret_cast<char*>(memory);
  for (int step = 0; step < 3000; ++step) {
    size_t const page = random.below(64), count = 1 + random.below(5);
    if (auto const there = model.find(page); there != model.end()) {
      index.remove(there->second);
      model.erase(there);
    } else {
      auto const behind = model.lower_bound(page);
      bool const fits = page + count <= 64 && (behind == model.end() || behind->first >= page + count);
      bool const is_free =
          behind == model.begin() || std::prev(behind)->first + std::prev(behind)->second->bytes / 4096 <= page;
      if (!fits || !is_free) continue;
      auto* const s = ::new (pages + page * 4096) segment{};
      s->bytes = count * 4096;
      index.insert(s);
      model[page] = s;
    }
    for (size_t at = 0; at < 64; ++at) {
      auto const above = model.upper_bound(at);
      segment* expected = above != model.begin() ? std::prev(above)->second : nullptr;
      if (expected != nullptr && std::prev(above)->first + expected->bytes / 4096 <= at) expected = nullptr;
      if (index.find(pages + at * 4096) != expected || index.find(pages + at * 4096 + 4095) != expected)
        FAIL("page " << at << " in step " << step);
    }
  }
}
}  // namespace

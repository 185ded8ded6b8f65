// The pool's histogram of request sizes: buckets against their description, percentiles against the sorted sizes.
#include <zmm/request/request_sizes.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <initializer_list>
#include <map>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::request_sizes;

constexpr size_t last_bucket = request_sizes::bucket_of(~size_t{0});
constexpr size_t last_size = 0xFFFFFFFF;

TEST_CASE("request_sizes: each bucket ends where the next one starts") {
  CHECK(request_sizes::bucket_of(last_size) == last_bucket);
  CHECK(request_sizes::bucket_end(last_bucket) == last_size);
  for (size_t bucket = 0; bucket <= last_bucket; ++bucket) {
    size_t const end = request_sizes::bucket_end(bucket);
    REQUIRE(request_sizes::bucket_of(end) == bucket);
    if (bucket < last_bucket) REQUIRE(request_sizes::bucket_of(end + 1) == bucket + 1);
  }
}

TEST_CASE("request_sizes: each size up to 2^17 lies in its bucket and within an eighth of its end") {
  size_t bucket = 0;
  for (size_t pages = 0; pages <= size_t{1} << 17; ++pages) {
    if (pages > request_sizes::bucket_end(bucket)) ++bucket;
    size_t const end = request_sizes::bucket_end(bucket);
    if (request_sizes::bucket_of(pages) != bucket) FAIL(pages << " pages are not in bucket " << bucket);
    if (pages < 16 ? end != pages : (end - pages) * 8 > pages) FAIL(pages << " pages are counted as " << end);
  }
}

TEST_CASE("request_sizes: a doubling has eight buckets of one width") {
  for (size_t low = 16; low != 0 && low <= last_size; low *= 2)
    for (size_t i = 0; i < 8; ++i) {
      REQUIRE(request_sizes::bucket_of(low + i * (low / 8)) == request_sizes::bucket_of(low) + i);
      REQUIRE(request_sizes::bucket_end(request_sizes::bucket_of(low) + i) == low + (i + 1) * (low / 8) - 1);
    }
}

TEST_CASE("request_sizes: more than 2^32 pages count as that many") {
  for (size_t pages : {last_size + (sizeof(size_t) > 4), sizeof(size_t) > 4 ? last_size * 2 : last_size, ~size_t{0}}) CHECK(request_sizes::bucket_of(pages) == last_bucket);
}

TEST_CASE("request_sizes: without requests every percentile is 0") {
  request_sizes sizes;
  for (unsigned percent : {0U, 1U, 50U, 100U}) CHECK(sizes.percentile(percent) == 0);
}

TEST_CASE("request_sizes: percentiles are those of the sorted sizes to within an eighth") {
  zmm_test::random_source random{17};
  for (size_t round = 0; round < zmm_test::scaled(40); ++round) {
    request_sizes sizes;
    std::vector<size_t> sorted;
    size_t const count = round < 4 ? round + 1 : random.between(1, 2000), range = size_t{1} << random.between(1, 30);
    for (size_t i = 0; i < count; ++i) {
      sorted.push_back(random.below(range));
      sizes.add(sorted.back());
    }
    std::sort(sorted.begin(), sorted.end());
    for (unsigned percent = 1; percent <= 100; ++percent) {
      size_t rank = 0;  // the fewest that are `percent` of all
      while (rank * 100 < count * percent) ++rank;
      size_t const exact = sorted[rank - 1], told = sizes.percentile(percent);
      REQUIRE(told >= exact);
      REQUIRE(told <= exact + exact / 8);
      REQUIRE(request_sizes::bucket_of(told) == request_sizes::bucket_of(exact));
    }
    CHECK(sizes.percentile(0) == request_sizes::bucket_end(request_sizes::bucket_of(sorted.front())));
  }
}

TEST_CASE("request_sizes: at capacity every count is halved") {
  request_sizes sizes;
  for (std::uint32_t i = 1; i < request_sizes::capacity; ++i) sizes.add(10);
  sizes.add(14);  // once in all: forgotten
  CHECK(sizes.percentile(100) == 10);
  // Now 4095 tens. As many sizes of fifteen make a half of all, one more than a half.
  for (std::uint32_t i = 0; i < request_sizes::capacity / 2 - 1; ++i) sizes.add(15);
  CHECK(sizes.percentile(50) == 10);
  sizes.add(15);
  CHECK(sizes.percentile(50) == 15);
  CHECK(sizes.percentile(49) == 10);
}

TEST_CASE("request_sizes: fading against a histogram kept by hand") {
  zmm_test::random_source random{29};
  request_sizes sizes;
  std::map<size_t, size_t> counts;  // by the bucket's end
  size_t total = 0, fades = 0;
  for (size_t i = 0; i < zmm_test::scaled(60000); ++i) {
    size_t const pages = random.below(size_t{2} << (i / 5000));  // requests grow
    sizes.add(pages);
    ++counts[request_sizes::bucket_end(request_sizes::bucket_of(pages))];
    if (++total == request_sizes::capacity) {
      ++fades;
      total = 0;
      for (auto& [end, count] : counts) total += count /= 2;
    }
    if (i % 97 != 0) continue;
    unsigned const percent = static_cast<unsigned>(random.between(1, 100));
    size_t seen = 0;
    for (auto const& [end, count] : counts) {
      seen += count;
      if (seen * 100 < total * percent) continue;
      REQUIRE(sizes.percentile(percent) == end);
      break;
    }
  }
  CHECK(fades >= zmm_test::scaled(5));
}

TEST_CASE("request_sizes: what requests need now outweighs what they needed long ago") {
  request_sizes sizes;
  for (int i = 0; i < 100000; ++i) sizes.add(1000);
  CHECK(sizes.percentile(1) == 1023);
  for (int i = 0; i < 20000; ++i) sizes.add(3);
  CHECK(sizes.percentile(50) == 3);
  CHECK(sizes.percentile(80) == 3);
  for (int i = 0; i < 60000; ++i) sizes.add(3);
  CHECK(sizes.percentile(100) == 3);
}
}  // namespace

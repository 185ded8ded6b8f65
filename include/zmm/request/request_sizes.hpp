// How large requests turn out to be, as a pool remembers it.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A histogram of sizes in steps of an eighth of each doubling, in units of pages. Old requests fade: once `capacity`
/// have been counted every count is halved.
class request_sizes {
public:
  static constexpr std::uint32_t capacity = 8192;

  /// Complexity: O(1), amortised.
  void add(std::size_t pages) noexcept { add_bucket(bucket_of(pages)); }
  void add_bucket(std::size_t bucket) noexcept {
    ++counts_[bucket];
    if (++total_ == capacity) fade();
  }

  /// The size in pages that `percent` of the requests do not pass, rounded up to its bucket's end; 0 without requests.
  std::size_t percentile(unsigned percent) const noexcept {
    std::uint64_t const wanted = divide_up(std::size_t{total_} * percent, 100);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets && total_ != 0; ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen != 0) return bucket_end(i);
    }
    return 0;
  }

  /// Sizes up to 15 pages have a bucket each; above, eight share a doubling.
  static constexpr std::size_t bucket_of(std::size_t pages) noexcept {
    if (pages < 16) return pages;
    std::size_t const top = highest_bit(pages);
    std::size_t const at = 16 + (top - 4) * 8 + ((pages >> (top - 3)) & 7);
    return at < buckets ? at : buckets - 1;
  }
  /// The largest size of a bucket.
  static constexpr std::size_t bucket_end(std::size_t bucket) noexcept {
    if (bucket < 16) return bucket;
    std::size_t const top = 4 + (bucket - 16) / 8, step = (bucket - 16) % 8;
    return ((9 + step) << (top - 3)) - 1;
  }

private:
  static constexpr std::size_t buckets = 16 + 8 * 28;  // up to 2^32 pages
  static_assert(buckets <= 256, "an ended_request keeps a bucket in one byte");

  void fade() noexcept {
    total_ = 0;
    for (std::uint32_t& count : counts_) {
      count /= 2;
      total_ += count;
    }
  }

  std::uint32_t counts_[buckets] = {};
  std::uint32_t total_ = 0;
};

static_assert(request_sizes::bucket_end(request_sizes::bucket_of(16)) == 17);
static_assert(request_sizes::bucket_end(request_sizes::bucket_of(1000)) == 1023);

/// What a pool learns from the end of a request.
struct ended_request {
  std::uint8_t size;    ///< bucket of its real peak
  std::uint8_t demand;  ///< order of slab that would have held it, as slab_demand counts
};

/// A few ended requests, until there are enough of them to be worth the pool's lock.
class request_log {
public:
  static constexpr std::size_t fewest = 16, most = 128;

  /// Returns: whether it is full now. Requires: it was not.
  ZMM_INLINE bool add(ended_request request) noexcept {
    requests_[count_] = request;
    return ++count_ == places_;
  }
  /// Effects: it is empty, and full with so many. Requires: fewest <= places <= most.
  void begin_anew(std::size_t places) noexcept {
    count_ = 0;
    places_ = static_cast<std::uint8_t>(places);
  }
  std::size_t count() const noexcept { return count_; }
  ended_request const* begin() const noexcept { return requests_; }
  ended_request const* end() const noexcept { return requests_ + count_; }

private:
  ended_request requests_[most] = {};
  std::uint8_t count_ = 0, places_ = fewest;
};

}}}  // namespace zmm::detail

// When a block is sampled, and how many blocks one that is stands for.
#pragma once

#include <zmm/watch/sample_count.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How many intervals were drawn in the process.
ZMM_SHARED inline atomic<std::size_t> sample_draws{0};

/// Samples lie among the bytes that a thread takes as the events of a Poisson process, one each `mean` bytes on average: so a block
/// of s bytes is sampled with probability 1 - exp(-s / mean), whatever came before, whichever engine it is taken from.
struct sample_clock {
  /// Returns: an exponentially distributed number of bytes, rounded down.
  static std::uint64_t draw(std::size_t mean) noexcept {
    return static_cast<std::uint64_t>(-__builtin_log(uniform()) * static_cast<double>(mean));
  }
  /// Returns: how often something that happens once in `each` times, by chance, does not happen first.
  static std::uint32_t draw_windows(std::size_t each) noexcept {
    return static_cast<std::uint32_t>(__builtin_log(uniform()) / __builtin_log1p(-1 / static_cast<double>(each)));
  }
  /// Returns: the number of blocks of `bytes` that one sampled block stands for.
  static double weight(std::size_t bytes, std::size_t mean) noexcept {
    return -1 / __builtin_expm1(-static_cast<double>(bytes) / static_cast<double>(mean));
  }

private:
  /// Above 0, at most 1.
  static double uniform() noexcept {
    std::uint64_t bits = sample_draws.fetch_add(1, memory_order_relaxed) * std::uint64_t{0x9E3779B97F4A7C15};
    bits += address_of(&sample_draws);  // differs from run to run
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBU;
    bits ^= bits >> 31;
    return static_cast<double>((bits >> 11) + 1) * 0x1p-53;
  }
};

/// How far it is to the next sample, for one thread.
struct sample_countdown {
  std::uint64_t left = 0;  ///< bytes in front of it; below 0: it has been passed
  std::size_t mean = 0;    ///< of which it was drawn; 0: there is none yet
};

/// What this thread counts of engines whose options say how often they are sampled: one count for each mean.
template <std::size_t Mean> ZMM_THREAD_LOCAL sample_countdown bytes_to_sample{};
template <class Options> struct sampled_bytes<Options, true> {
  static constexpr std::size_t mean = Options::sample_every;

  /// Effects: counts a block. Returns: false: it is not sampled; true: falls() knows, and has to be asked before the thread
  /// counts another one. Three instructions, of which two touch memory; it comes before all else of a call, which then needs
  /// no register for it.
  ZMM_INLINE static bool count(std::size_t bytes) noexcept {
    return static_cast<std::int64_t>(bytes_to_sample<mean>.left -= bytes) < 0;
  }
  /// Whether count() was true of the block of `bytes` that this thread takes now; or it is so large that there is no such block,
  /// and the count is of no use any more.
  static bool is_due(std::size_t bytes) noexcept {
    return static_cast<std::int64_t>(bytes_to_sample<mean>.left | bytes) < 0;
  }
  /// Returns: whether a sample falls on the block for which is_due() is true. If so, another interval has begun behind the
  /// block. A thread's first call draws its first interval.
  ZMM_COLD static bool falls(std::size_t bytes) noexcept {
    sample_countdown& own = bytes_to_sample<mean>;
    if (own.mean == 0) {
      own = {sample_clock::draw(mean), mean};
      if (bytes <= own.left) {
        own.left -= bytes;
        return false;
      }
    }
    own.left = sample_clock::draw(mean);
    return true;
  }
};

/// What this thread counts of engines whose sampling was switched on. Intervals have no memory: where the mean is another one,
/// the rest of the last one is drawn anew.
ZMM_THREAD_LOCAL sample_countdown switched_bytes{};
/// Effects: counts a block. Returns: whether a sample falls on it.
inline bool sample_falls(std::size_t bytes, std::size_t mean) noexcept {
  sample_countdown& own = switched_bytes;
  if (ZMM_UNLIKELY(own.mean != mean)) own = {sample_clock::draw(mean), mean};
  if (ZMM_LIKELY(bytes <= own.left)) {
    own.left -= bytes;
    return false;
  }
  own.left = sample_clock::draw(mean);
  return true;
}

}}}  // namespace zmm::detail

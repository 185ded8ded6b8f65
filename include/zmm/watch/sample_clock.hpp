// When a block is sampled, and how many blocks one that is stands for.
#pragma once

#include <zmm/watch/sample_count.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How many intervals were drawn in the process.
ZMM_SHARED inline atomic<std::size_t> sample_draws{0};

/// Samples lie among the bytes that a thread takes as the events of a Poisson process, one each `Mean` bytes on average: so a block
/// of s bytes is sampled with probability 1 - exp(-s / Mean), whatever came before, whichever engine it is taken from.
template <std::size_t Mean> struct sample_clock {
  /// Returns: whether the block for which reaches_sample() was true is sampled. If so, another interval has begun
  /// behind the block. A thread's first call draws its first interval.
  ZMM_COLD static bool is_due(std::size_t bytes) noexcept {
    sample_countdown& own = bytes_to_sample<Mean>;
    if (!own.is_drawn) {
      own = {draw(), true};
      if (bytes <= own.left) return own.left -= bytes, false;
    }
    own.left = draw();
    return true;
  }
  /// The number of blocks of `bytes` that one sampled block stands for.
  static double weight(std::size_t bytes) noexcept {
    return -1 / __builtin_expm1(-static_cast<double>(bytes) / static_cast<double>(Mean));
  }

private:
  /// An exponentially distributed number of bytes, rounded down.
  static std::uint64_t draw() noexcept {
    std::uint64_t bits = sample_draws.fetch_add(1, memory_order_relaxed) * std::uint64_t{0x9E3779B97F4A7C15};
    bits += address_of(&sample_draws);  // differs from run to run
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBU;
    bits ^= bits >> 31;
    double const uniform = static_cast<double>((bits >> 11) + 1) * 0x1p-53;  // above 0
    return static_cast<std::uint64_t>(-__builtin_log(uniform) * static_cast<double>(Mean));
  }
};

}}}  // namespace zmm::detail

// Size mixes. "Mixed small" is typical of code that serves requests: mostly nodes and short strings, some buffers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "random.hpp"

namespace bench {

// 70 % of 8 … 64 bytes, 20 % of 65 … 256, 10 % of 257 … 1024; mean about 120. Any byte count, not only multiples of 8.
inline std::uint32_t mixed_small(random_source& random) noexcept {
  auto const kind = random.between(0, 9);
  if (kind < 7) return static_cast<std::uint32_t>(random.between(8, 64));
  if (kind < 9) return static_cast<std::uint32_t>(random.between(65, 256));
  return static_cast<std::uint32_t>(random.between(257, 1024));
}

// Lognormal between 16 and 4096 bytes: median 128, sigma 1.2 (of the natural logarithm); mean about 250.
inline std::size_t lognormal(random_source& random) noexcept {
  double sum = 0;  // twelve uniform numbers: as good as normal
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.next() >> 11) * 0x1p-53;
  return static_cast<std::size_t>(std::clamp(128 * std::exp(1.2 * (sum - 6)), 16.0, 4096.0));
}

}  // namespace bench

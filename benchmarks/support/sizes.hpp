// Size mixes. "Mixed small" is what request code asks for: mostly nodes and short strings, some buffers.
#pragma once

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

}  // namespace bench

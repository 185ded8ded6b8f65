// What a debug heap writes where nobody else should.
#pragma once

#include <zmm/base/annotate.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A byte that fills a region. As a word it is odd, so no aligned address, and neither 0 nor text.
enum class pattern : unsigned char {
  zone = 0xFB,   ///< beside a block
  fresh = 0xCB,  ///< a block that nobody wrote to
  freed = 0xDF,  ///< a block in quarantine, or of an ended request
};
inline void fill(void* p, pattern with, std::size_t bytes) noexcept {
  __builtin_memset(p, static_cast<unsigned char>(with), bytes);
}
inline bool is_filled(void const* p, pattern with, std::size_t bytes) noexcept {
  auto const* const at = static_cast<unsigned char const*>(p);
  // Each byte is like the one in front of it.
  return bytes == 0 || (at[0] == static_cast<unsigned char>(with) && __builtin_memcmp(at, at + 1, bytes - 1) == 0);
}

}}}  // namespace zmm::detail

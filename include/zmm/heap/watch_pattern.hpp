// What a debug heap writes where nobody else should.
#pragma once

#include <zmm/base/annotate.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One byte, over and over. What is not a whole address anywhere, and neither 0 nor text.
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
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != static_cast<unsigned char>(with)) return false;
  }
  return true;
}

}}}  // namespace zmm::detail

// What a free slot holds.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct free_slot {
  free_slot* next;
};

/// Complexity: linear.
inline std::size_t length(free_slot const* list) noexcept {
  std::size_t n = 0;
  for (; list != nullptr; list = list->next) ++n;
  return n;
}

}}}  // namespace zmm::detail

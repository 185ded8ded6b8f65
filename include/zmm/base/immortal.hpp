// Process-wide objects that are there before main and after it.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Something constant-initialised that is never destroyed: it is used while the program begins and ends.
template <class T> union immortal {
  template <class... Args> constexpr explicit immortal(Args&&... args) noexcept : value(static_cast<Args&&>(args)...) {}
  ~immortal() {}
  T value;
};

}}}  // namespace zmm::detail

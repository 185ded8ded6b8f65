// Process-wide objects that exist before main and after it.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A constant-initialised object that is never destroyed, so it can be used while the program begins and ends.
template <class T> union immortal {
  template <class... Args> constexpr explicit immortal(Args&&... args) noexcept : value(static_cast<Args&&>(args)...) {}
  ~immortal() {}
  T value;
};

}}}  // namespace zmm::detail

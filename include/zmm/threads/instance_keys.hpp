// The secrets that all caches of one heap share: slots cross between them.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A base of the heap for any thread. Without encode_links it is empty and does nothing.
template <class Options, bool = Options::encode_links> class instance_keys;
template <class Options> class instance_keys<Options, false> {
protected:
  constexpr instance_keys() noexcept = default;
  void draw() noexcept {}
  template <class Holder> void hand_to(Holder&, void const*, std::uint64_t) noexcept {}
};

}}}  // namespace zmm::detail

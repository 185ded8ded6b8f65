// The secrets that all parts of one heap share: slots cross between them.
#pragma once

#include <zmm/heap/block_keys.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A base of the heap for any thread. Without encode_links it is empty and does nothing.
template <class Options, bool = Options::encode_links> class instance_keys {
protected:
  constexpr instance_keys() noexcept = default;
  void draw() noexcept {}
  template <class Part> void hand_to(Part&) noexcept {}
};

template <class Options> class instance_keys<Options, true> {
protected:
  constexpr instance_keys() noexcept = default;
  /// Effects: blocks of before do not hold any more. No thread is inside.
  void draw() noexcept { keys_ = block_keys::draw(); }
  template <class Part> void hand_to(Part& part) noexcept { part.rekey(keys_, this); }

private:
  block_keys keys_;
};

}}}  // namespace zmm::detail

// What can be chosen about a heap: constants of its type, so that what is off costs nothing.
#pragma once

#include <zmm/fwd.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Where an allocation was made. Empty: default heaps do not ask. (The debug heap's own site will know file and line.)
struct no_site {
  static constexpr no_site here() noexcept { return {}; }
};

/// The options of a heap and their defaults. Derive to change some:
///
///     struct compact : zmm::default_options { using geometry = zmm::geometry<256 * 1024, 4096>; };
///     zmm::basic_heap<compact> h;
struct default_options {
  /// Sizes of chunks and pages. Smaller chunks: less address space a heap; larger blocks become huge sooner.
  using geometry = default_geometry;

  /// The type that says where an allocation was made; `site::here()` is the default argument of `allocate`.
  using site = no_site;

  /// Bytes of the smallest slot: 8, or 16 where a free slot has to hold two words.
  static constexpr std::size_t min_slot = 8;

  /// Update live and peak bytes on each call. Without it `statistics::peak` is the peak of carved bytes, an upper
  /// bound.
  static constexpr bool exact_peak = false;

  // Fields of the hardened and the debug heap. A heap with one of them on does not compile until it does what it says.
  static constexpr bool encode_links = false;   ///< a free slot proves itself by an encoded link
  static constexpr bool tag_blocks = false;     ///< a packed block carries a tag in front
  static constexpr bool zero_on_free = false;   ///< freed bytes are overwritten with zero
  static constexpr std::size_t quarantine = 0;  ///< bytes of freed blocks kept from reuse
};

namespace detail {
template <class Options> constexpr bool are_options_built() noexcept {
  static_assert(!Options::encode_links, "zmm: encode_links is not built yet");
  static_assert(!Options::tag_blocks, "zmm: tag_blocks is not built yet");
  static_assert(!Options::zero_on_free, "zmm: zero_on_free is not built yet");
  static_assert(Options::quarantine == 0, "zmm: quarantine is not built yet");
  return true;
}
}  // namespace detail

}}  // namespace zmm

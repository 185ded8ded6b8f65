// Geometries whose page layer does not trust its own links.
#pragma once

#include <zmm/base/geometry.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The sizes of `Geometry`. The page layer over it counts the chunks that go back to storage, and tells whether pages
/// were in use before. With `Chunks` it checks the links of chunks and the entries of its index before it uses them;
/// with `Wipes` it zeroes huge blocks that are used again.
template <class Geometry, bool Chunks, bool Wipes = false> struct checked_geometry : Geometry {
  static constexpr bool counts_drops = true;
  static constexpr bool checks_chunks = Chunks;
};

template <class Geometry> inline constexpr bool counts_drops = false;
template <class G, bool Chunks, bool Wipes> inline constexpr bool counts_drops<checked_geometry<G, Chunks, Wipes>> = true;
template <class Geometry> inline constexpr bool checks_chunks = false;
template <class G, bool Chunks, bool Wipes>
inline constexpr bool checks_chunks<checked_geometry<G, Chunks, Wipes>> = Chunks;
template <class Geometry> inline constexpr bool wipes_huge = false;
template <class G, bool Chunks, bool Wipes> inline constexpr bool wipes_huge<checked_geometry<G, Chunks, Wipes>> = Wipes;

/// What a page layer over a checked geometry knows of the pages that it took last.
template <bool Checked> struct reuse_note {};
template <> struct reuse_note<true> { bool reused = false; };

/// What an engine with these options uses.
template <class Options>
using page_geometry =
    std::conditional_t<Options::check_frees || Options::check_chunks || Options::zero_on_free,
                       checked_geometry<typename Options::geometry, Options::check_chunks, Options::zero_on_free>,
                       typename Options::geometry>;

}}}  // namespace zmm::detail

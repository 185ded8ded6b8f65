// Links of chunks that are not in use, and seals of the index's entries.
#pragma once

#include <zmm/chunk/checked_geometry.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Plain links. sealed_links.hpp has checked ones, and the seals.
template <class Chunk, bool Checked> class chunk_links;
template <class Chunk> class chunk_links<Chunk, false> {
protected:
  static Chunk* encode(Chunk const*, Chunk* next) noexcept { return next; }
  static Chunk* decode(Chunk const*, Chunk* link) noexcept { return link; }
};

/// Seals of the index's entries: a word made of the entry and a key. In an entry that was overwritten it does not fit.
template <bool Checked> class extent_seals;
template <> class extent_seals<false> {
protected:
  template <class Extent> static void write(Extent&) noexcept {}
  template <class Extent> static void verify(Extent const&) noexcept {}
};
}}}  // namespace zmm::detail

// The two granularities of a heap: chunks, which come from storage, and the pages they are cut into.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/base/system.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A chunk of `ChunkBytes`, aligned to its size, in pages of `PageBytes`. Zend's numbers, 2 MiB and 4 KiB, are the
/// default; chunks of 256 KiB suit many small heaps or a small fixed buffer.
template <std::size_t ChunkBytes, std::size_t PageBytes> struct ZMM_SHARED geometry {
  static constexpr std::size_t chunk_bytes = ChunkBytes;
  static constexpr std::size_t page_bytes = PageBytes;
  static constexpr std::size_t pages = ChunkBytes / PageBytes;  ///< pages of a chunk, its header's included

  static_assert(detail::is_power_of_two(ChunkBytes) && detail::is_power_of_two(PageBytes));
  static_assert(PageBytes >= 4096 && PageBytes <= 65536, "runs are laid out for pages of 4 to 64 KiB");
  static_assert(pages >= 16 && pages <= 4096, "a chunk holds 16 to 4096 pages");
};

/// Chunks of 2 MiB in pages of 4 KiB.
using zend_geometry = geometry<std::size_t{2} << 20, std::size_t{4} << 10>;

/// Zend's; but chunks of 256 KiB on WebAssembly, whose memory never goes back, and of 64 KiB where there is no system.
using default_geometry = geometry<detail::host::chunk_bytes, zend_geometry::page_bytes>;

}}  // namespace zmm

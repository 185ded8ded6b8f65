// The sizes of blocks in slots that have overhead, and what requests check blocks with.
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// The sizes of blocks in slots that have `Overhead` bytes besides the block's.
template <std::size_t MinSlot, std::size_t Overhead, std::size_t LargestSlot = small_limit>
struct block_classes : size_classes<MinSlot, LargestSlot> {
  using base = size_classes<MinSlot, LargestSlot>;
  static constexpr std::size_t overhead = Overhead;
  static constexpr std::size_t largest = LargestSlot - Overhead;  ///< bytes of the largest small block

  /// As detail::rank_of(), for the slot that the block needs.
  ZMM_INLINE static constexpr std::size_t rank_of(std::size_t bytes, std::size_t alignment) noexcept {
    return Overhead == 0 || bytes - 1 < largest ? rank_of_freed(bytes, alignment) : ~std::size_t{0};
  }
  /// The same for a block that is freed. Where there is overhead, a size of 0 or one that wraps is not told from others: a word
  /// beside the block tells whether the size is its own.
  ZMM_INLINE static constexpr std::size_t rank_of_freed(std::size_t bytes, std::size_t alignment) noexcept {
    return (bytes + (Overhead - 1)) | (alignment - 1);
  }
  static constexpr bin_index bin_of_bytes(std::size_t bytes) noexcept { return base::bin_of(bytes + Overhead - 1); }
  /// Bytes of the largest block that a slot of this bin serves.
  ZMM_INLINE static constexpr std::size_t usable(bin_index bin) noexcept { return slot_bytes(bin) - Overhead; }
};

/// The largest slot in engines over runs: what the options say, but no more than a 64th of a chunk, so that a run of the
/// largest ones is a small part of it.
template <class Options> constexpr std::size_t largest_slot() noexcept {
  constexpr std::size_t said = Options::largest_slot, fit = Options::geometry::chunk_bytes / 64;
  static_assert(bins_up_to(said) != 0, "zmm: largest_slot is 3072, or the bytes of a larger bin");
  return said <= fit ? said : fit > small_limit ? fit : small_limit;
}

/// Bytes at the end of a run of pages that its block does not use.
template <class Options> inline constexpr std::size_t page_canary_bytes = Options::page_canary ? 16 : 0;

/// The sizes of blocks in engines over runs, and in engines that pack them.
template <class Options>
using run_classes = block_classes<Options::min_slot, Options::tag_blocks ? 8 : 0, largest_slot<Options>()>;
template <class Options> using packed_classes = block_classes<Options::min_slot, Options::check_frees ? 8 : 0>;

/// The keys and words that a request checks blocks with. None without encode_links; else in request_checks.hpp.
template <class Options, bool = Options::encode_links, bool = Options::check_frees> struct request_checks;
template <class Options> struct request_checks<Options, false, false> {};

}}}  // namespace zmm::detail

// The sizes of blocks, where a part of each slot is not the block's; and where what checks them is.
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// The sizes of blocks in slots of which `Overhead` bytes are not the block's.
template <std::size_t MinSlot, std::size_t Overhead> struct block_classes : size_classes<MinSlot> {
  using base = size_classes<MinSlot>;
  static constexpr std::size_t overhead = Overhead;
  static constexpr std::size_t largest = small_limit - Overhead;  ///< bytes of the largest small block

  /// As detail::rank_of(), of the slot that a block takes.
  ZMM_INLINE static constexpr std::size_t rank_of(std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (Overhead == 0) {
      return detail::rank_of(bytes, alignment);
    } else {
      return bytes - 1 < largest ? (bytes + (Overhead - 1)) | (alignment - 1) : ~std::size_t{0};
    }
  }
  static constexpr bin_index bin_of_bytes(std::size_t bytes) noexcept { return base::bin_of(bytes + Overhead - 1); }
  /// Bytes of the largest block that a slot of this bin serves.
  ZMM_INLINE static constexpr std::size_t usable(bin_index bin) noexcept { return slot_bytes(bin) - Overhead; }
};

/// Blocks of an engine over runs, and of one that packs.
template <class Options> using run_classes = block_classes<Options::min_slot, Options::tag_blocks ? 8 : 0>;
template <class Options> using packed_classes = block_classes<Options::min_slot, Options::tag_blocks ? 8 : 0>;

/// What a request knows to check blocks with. Without encode_links that is nothing; else request_checks.hpp has it.
template <class Options, bool = Options::encode_links, bool = Options::tag_blocks> struct request_checks;
template <class Options> struct request_checks<Options, false, false> {};

}}}  // namespace zmm::detail

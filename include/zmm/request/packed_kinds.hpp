// Which blocks of a request are packed, and where.
#pragma once

#include <zmm/options.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/request/packed_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A base of request heaps. Every size a block may be freed with leads to the kind it was served as.
template <class Options> struct packed_kinds {
  using classes = packed_classes<Options>;
  using links = packed_links<Options>;
  using bins = packed_bins<links>;

  /// The rank of a packed block: an alignment of 32 counts as 64.
  static constexpr std::size_t packed_rank(std::size_t bytes, std::size_t alignment) noexcept {
    return classes::rank_of(bytes, alignment > 16 ? bins::packed_alignment : alignment);
  }
  /// Whether a block is packed or paged. Requires: bytes > 0.
  static constexpr bool is_packed(std::size_t bytes, std::size_t alignment) noexcept {
    return alignment <= bins::packed_alignment && packed_rank(bytes, alignment) < small_limit;
  }
  static constexpr bin_index packed_bin(std::size_t bytes, std::size_t alignment) noexcept {
    return classes::bin_of(packed_rank(bytes, alignment));
  }
};

}}}  // namespace zmm::detail

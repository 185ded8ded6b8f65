// Where the slots of a run start.
#pragma once

#include <zmm/chunk/page_entry.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Where slots may start in a run of a bin: at multiples of its size, up to the last one. Tells without a division.
struct slot_starts {
  std::uint32_t reciprocal[most_bins];
  std::uint32_t last[2][most_bins];  ///< in a usual run, and in a short one

  template <std::size_t PageBytes> static constexpr slot_starts make() noexcept {
    slot_starts s{};
    for (std::uint8_t i = 0; i < most_bins; ++i) {
      std::uint32_t const bytes = bin_specs[i].slot_bytes;
      s.reciprocal[i] = 0xFFFFFFFFU / bytes + 1;  // 2^32 / bytes, rounded up
      for (bool const is_short : {false, true})
        s.last[is_short][i] = static_cast<std::uint32_t>(run_layout<PageBytes>::slots(bin_index{i}, is_short) - 1) * bytes;
    }
    return s;
  }
  /// Whether a slot starts `offset` bytes into the run of this map entry. Exact for offsets below 2^16, and runs are no longer:
  /// the fraction of offset / bytes, times 2^32, is below the reciprocal only if it is zero.
  ZMM_INLINE constexpr bool has(page_entry entry, std::size_t offset) const noexcept {
    return is_multiple(entry.bin(), offset) && offset <= last[entry.is_short()][entry.bin().value];
  }
  /// Whether a slot of this bin may start `offset` bytes into a run.
  ZMM_INLINE constexpr bool is_multiple(bin_index bin, std::size_t offset) const noexcept {
    return static_cast<std::uint32_t>(offset) * reciprocal[bin.value] < reciprocal[bin.value];
  }
};
template <std::size_t PageBytes> inline constexpr slot_starts slot_starts_for = slot_starts::make<PageBytes>();

}}}  // namespace zmm::detail

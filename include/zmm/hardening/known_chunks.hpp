// Chunks that were looked up lately, so that a free need not look them up again.
#pragma once

#include <zmm/chunk/chunk.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The chunks that were last found to be the heap's: a small table by chunk number. A chunk may go back to storage
/// meanwhile: each time one does, a count goes up, and the table counts as empty when `count` has changed.
template <class Chunk> class known_chunks {
public:
  ZMM_INLINE bool has(Chunk const* c, std::uint64_t count) const noexcept {
    return chunks_[place_of(c)] == address_of(c) + 1 && count_ == count;
  }
  void add(Chunk const* c, std::uint64_t count) noexcept {
    if (count_ != count) *this = known_chunks();
    count_ = count;
    chunks_[place_of(c)] = address_of(c) + 1;
  }

private:
  static constexpr std::size_t places = 32;
  static std::size_t place_of(Chunk const* c) noexcept { return address_of(c) / Chunk::geometry::chunk_bytes % places; }

  std::uintptr_t chunks_[places] = {};  ///< address + 1: zero is none, not the null page
  std::uint64_t count_ = 0;
};

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
    std::uint8_t const bin = entry.bin().value;
    return static_cast<std::uint32_t>(offset) * reciprocal[bin] < reciprocal[bin] &&
           offset <= last[entry.is_short()][bin];
  }
};
template <std::size_t PageBytes> inline constexpr slot_starts slot_starts_for = slot_starts::make<PageBytes>();

}}}  // namespace zmm::detail

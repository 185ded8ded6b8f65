// The bins: which slot size serves a request, and how runs of slots are laid out.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The number of a bin. A type of its own, so that it is never mistaken for a size or a page.
struct bin_index {
  std::uint8_t value;
};

struct bin_spec {
  std::uint16_t slot_bytes;
  std::uint16_t slots;  ///< slots of a run, in 4 KiB pages
  std::uint8_t pages;   ///< pages of a run, in 4 KiB pages
};

inline constexpr std::size_t bin_count = 30;

/// Zend's bins: eight steps of 8 up to 64 bytes, then four to each doubling.
inline constexpr bin_spec bin_specs[bin_count] = {
    {8, 512, 1},  {16, 256, 1},  {24, 170, 1}, {32, 128, 1}, {40, 102, 1},   //
    {48, 85, 1},  {56, 73, 1},   {64, 64, 1},  {80, 51, 1},  {96, 42, 1},    //
    {112, 36, 1}, {128, 32, 1},  {160, 25, 1}, {192, 21, 1}, {224, 18, 1},   //
    {256, 16, 1}, {320, 64, 5},  {384, 32, 3}, {448, 9, 1},  {512, 8, 1},    //
    {640, 32, 5}, {768, 16, 3},  {896, 9, 2},  {1024, 8, 2}, {1280, 16, 5},  //
    {1536, 8, 3}, {1792, 16, 7}, {2048, 8, 4}, {2560, 8, 5}, {3072, 4, 3},   //
};

/// The largest request served from a slot; what is above is paged.
inline constexpr std::size_t small_limit = bin_specs[bin_count - 1].slot_bytes;
static_assert(small_limit == 3072);

/// Passed as the size of a live block by callers that do not know it. Only some operations take that.
inline constexpr std::size_t unknown_size = ~std::size_t{0};

/// The rank of a request: its size, rounded up to its alignment, minus one. Rank < small_limit means small. A size or
/// alignment of 0 wraps to SIZE_MAX, which is not small: the rare cases fall into the test that is paid for anyway.
ZMM_INLINE constexpr std::size_t rank_of(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes - 1) | (alignment - 1);
}

struct bin_table {
  std::uint8_t bin[small_limit / 8];  // 384 bytes, indexed by rank / 8
};

/// The smallest bin of at least `min_slot` bytes for each rank.
constexpr bin_table make_bin_table(std::size_t min_slot) noexcept {
  bin_table table{};
  std::uint8_t bin = 0;
  for (std::size_t i = 0; i < small_limit / 8; ++i) {
    while (bin_specs[bin].slot_bytes < (i + 1) * 8 || bin_specs[bin].slot_bytes < min_slot) ++bin;
    table.bin[i] = bin;
  }
  return table;
}

template <std::size_t MinSlot> inline constexpr bin_table bin_table_for = make_bin_table(MinSlot);

/// Slot sizes alone, for code that has no use for the layout of runs: 60 bytes, one cache line.
struct slot_table {
  std::uint16_t bytes[bin_count];
};
constexpr slot_table make_slot_table() noexcept {
  slot_table table{};
  for (std::size_t i = 0; i < bin_count; ++i) table.bytes[i] = bin_specs[i].slot_bytes;
  return table;
}
inline constexpr slot_table slot_sizes = make_slot_table();

ZMM_INLINE constexpr std::size_t slot_bytes(bin_index bin) noexcept { return slot_sizes.bytes[bin.value]; }

/// Size → bin for heaps whose smallest slot is `MinSlot` bytes.
template <std::size_t MinSlot> struct size_classes {
  static_assert(MinSlot == 8 || MinSlot == 16,
                "the smallest slot is 8 bytes, or 16 where a slot has to hold two words");

  /// Requires: rank < small_limit. Every slot of the result is aligned as the rank's alignment asks, because a bin
  /// between two powers of two is a multiple of a quarter of the lower one.
  ZMM_INLINE static constexpr bin_index bin_of(std::size_t rank) noexcept {
    return bin_index{bin_table_for<MinSlot>.bin[rank >> 3]};
  }

  /// The bin of `bytes` at fundamental alignment. Requires: 0 < bytes <= small_limit.
  static constexpr bin_index bin_of_bytes(std::size_t bytes) noexcept { return bin_of(bytes - 1); }
};

/// How a run of a bin lies in pages of `PageBytes`.
template <std::size_t PageBytes> struct run_layout {
  static constexpr std::size_t pages(bin_index bin) noexcept {
    return divide_up(bin_specs[bin.value].pages * std::size_t{4096}, PageBytes);
  }
  static constexpr std::size_t slots(bin_index bin) noexcept {
    return PageBytes == 4096 ? bin_specs[bin.value].slots : pages(bin) * PageBytes / bin_specs[bin.value].slot_bytes;
  }
};

}}}  // namespace zmm::detail

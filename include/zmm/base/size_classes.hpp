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

inline constexpr std::uint8_t bin_count = 30;  ///< Zend's bins: all that requests have
inline constexpr std::uint8_t most_bins = 64;  ///< with the further ones of engines over runs

/// Zend's bins: eight steps of 8 up to 64 bytes, then four to each doubling. Behind them those of engines over runs: they
/// make it eight to each doubling from 1 KiB to 32 KiB, but for two that would save nothing, and serve a KiB and four KiB
/// with a header. Their runs are as short as waste less than 3 % of their pages, and such that a chunk is filled well. A bin
/// has the same number in all engines, so numbers do not follow sizes; bins_by_size does.
inline constexpr bin_spec bin_specs[most_bins] = {
    {8, 512, 1}, {16, 256, 1}, {24, 170, 1}, {32, 128, 1}, {40, 102, 1}, {48, 85, 1}, {56, 73, 1}, {64, 64, 1}, {80, 51, 1},  //
    {96, 42, 1}, {112, 36, 1}, {128, 32, 1}, {160, 25, 1}, {192, 21, 1}, {224, 18, 1}, {256, 16, 1}, {320, 64, 5},  //
    {384, 32, 3}, {448, 9, 1}, {512, 8, 1}, {640, 32, 5}, {768, 16, 3}, {896, 9, 2}, {1024, 8, 2}, {1280, 16, 5},  //
    {1536, 8, 3}, {1792, 16, 7}, {2048, 8, 4}, {2560, 8, 5}, {3072, 4, 3},  //
    {1088, 15, 4}, {1152, 7, 2}, {1408, 20, 7}, {1664, 12, 5}, {1920, 17, 8}, {2304, 16, 9}, {2816, 10, 7}, {3328, 6, 5},  //
    {3584, 8, 7}, {4096, 7, 7}, {4352, 15, 16}, {4608, 8, 9}, {5120, 4, 5}, {5632, 5, 7}, {6144, 2, 3}, {6656, 3, 5},  //
    {7168, 4, 7}, {8192, 3, 6}, {9216, 4, 9}, {10240, 2, 5}, {11264, 4, 11}, {12288, 1, 3}, {13312, 3, 10}, {14336, 2, 7},  //
    {15360, 4, 15}, {16384, 1, 4}, {18432, 2, 9}, {20480, 1, 5}, {22528, 2, 11}, {24576, 1, 6}, {26624, 2, 13},  //
    {28672, 1, 7}, {30720, 2, 15}, {32768, 1, 8},  //
};

/// The original's largest slot.
inline constexpr std::size_t small_limit = bin_specs[bin_count - 1].slot_bytes;
static_assert(small_limit == 3072);

/// Passed as the size of a live block by callers that do not know it. Only some operations take that.
inline constexpr std::size_t unknown_size = ~std::size_t{0};

/// The rank of a request: its size, rounded up to its alignment, minus one. Rank < a limit means small. A size or
/// alignment of 0 wraps to SIZE_MAX, which is not small: the rare cases fall into the test that is paid for anyway.
ZMM_INLINE constexpr std::size_t rank_of(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes - 1) | (alignment - 1);
}

template <std::size_t Count> struct bin_numbers {
  std::uint8_t bin[Count];
};

/// All bins, smallest slots first.
constexpr bin_numbers<most_bins> make_bins_by_size() noexcept {
  bin_numbers<most_bins> order{};
  for (std::uint8_t i = 0; i < most_bins; ++i) {
    std::uint8_t at = i;
    for (; at != 0 && bin_specs[order.bin[at - 1]].slot_bytes > bin_specs[i].slot_bytes; --at) order.bin[at] = order.bin[at - 1];
    order.bin[at] = i;
  }
  return order;
}
inline constexpr auto bins_by_size = make_bins_by_size();

/// How many bins an engine has whose largest slot is of `largest` bytes: those before it, and it; 0: it cannot be the largest.
constexpr std::uint8_t bins_up_to(std::size_t largest) noexcept {
  for (std::uint8_t i = most_bins; i >= bin_count; --i)
    if (bin_specs[i - 1].slot_bytes == largest) return largest >= small_limit ? i : std::uint8_t{0};
  return 0;
}

/// The smallest bin of at least `min_slot` bytes for each rank; indexed by rank / 8.
template <std::size_t Limit> constexpr bin_numbers<Limit / 8> make_bin_table(std::size_t min_slot) noexcept {
  constexpr std::uint8_t bins = bins_up_to(Limit);
  bin_numbers<Limit / 8> table{};
  for (std::size_t i = 0, at = 0; i < Limit / 8; ++i) {
    std::size_t const least = (i + 1) * 8 < min_slot ? min_slot : (i + 1) * 8;
    while (bins_by_size.bin[at] >= bins || bin_specs[bins_by_size.bin[at]].slot_bytes < least) ++at;
    table.bin[i] = bins_by_size.bin[at];
  }
  return table;
}

template <std::size_t MinSlot, std::size_t Limit> inline constexpr auto bin_table_for = make_bin_table<Limit>(MinSlot);

/// Slot sizes alone, for code that has no use for the layout of runs: 60 bytes for Zend's, one cache line.
struct slot_table {
  std::uint16_t bytes[most_bins];
};
constexpr slot_table make_slot_table() noexcept {
  slot_table table{};
  for (std::size_t i = 0; i < most_bins; ++i) table.bytes[i] = bin_specs[i].slot_bytes;
  return table;
}
inline constexpr slot_table slot_sizes = make_slot_table();

ZMM_INLINE constexpr std::size_t slot_bytes(bin_index bin) noexcept { return slot_sizes.bytes[bin.value]; }

/// Size → bin for heaps whose smallest slot is `MinSlot` bytes, and whose largest one is `Largest`.
template <std::size_t MinSlot, std::size_t Largest = small_limit> struct size_classes {
  static_assert(MinSlot == 8 || MinSlot == 16,
                "the smallest slot is 8 bytes, or 16 where a slot has to hold two words");
  static_assert(bins_up_to(Largest) != 0, "the largest slot is one of a bin, and no smaller than 3072 bytes");

  static constexpr std::size_t limit = Largest;  ///< ranks below it are small
  static constexpr std::size_t bins = bins_up_to(Largest);

  /// Requires: rank < limit. Every slot of the result is aligned as the rank's alignment asks, because a bin between two
  /// powers of two is a multiple of a quarter of the lower one, or an eighth; where that is more than a page, runs are
  /// aligned.
  ZMM_INLINE static constexpr bin_index bin_of(std::size_t rank) noexcept {
    return bin_index{bin_table_for<MinSlot, Largest>.bin[rank >> 3]};
  }

  /// The bin of `bytes` at fundamental alignment. Requires: 0 < bytes <= limit.
  static constexpr bin_index bin_of_bytes(std::size_t bytes) noexcept { return bin_of(bytes - 1); }
};

/// How a run of a bin lies in pages of `PageBytes`. A *short* run has as few pages as hold a slot: bins above Zend's
/// largest have such runs where the usual one would be out of proportion, or is not to be had.
template <std::size_t PageBytes> struct run_layout {
  static constexpr std::size_t pages(bin_index bin, bool is_short = false) noexcept {
    return divide_up(is_short ? slot_bytes(bin) : bin_specs[bin.value].pages * std::size_t{4096}, PageBytes);
  }
  static constexpr std::size_t slots(bin_index bin, bool is_short = false) noexcept {
    return PageBytes == 4096 && !is_short ? bin_specs[bin.value].slots
                                          : pages(bin, is_short) * PageBytes / slot_bytes(bin);
  }
  static constexpr bool has_short(bin_index bin) noexcept {
    return slot_bytes(bin) > small_limit && pages(bin, true) < pages(bin);
  }
  /// Runs of the bin begin at a multiple of so many pages.
  static constexpr std::size_t alignment(bin_index bin) noexcept {
    std::size_t const bytes = slot_bytes(bin), power = bytes & (0 - bytes);
    return power > PageBytes ? power / PageBytes : 1;
  }
};

}}}  // namespace zmm::detail

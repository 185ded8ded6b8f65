// One entry of a chunk's page map.
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class page_kind : std::uint8_t {
  none,   ///< free, or inside a paged block or slab: only its first page carries an entry
  small,  ///< a page of a run of slots; every page of the run carries an entry
  large,  ///< first page of a paged block
  slab,   ///< first page of a slab
};

/// 32 bits: 2 of kind, and what the kind needs.
///
///     small   bin (6) · whether the run is a short one (1) · page's distance from the run's first page (9, the highest)
///     large   the engine's tag (30): in a heap the block's pages, in a request its number in the request's table
///     slab    pages (30)
class page_entry {
public:
  constexpr page_entry() noexcept = default;

  static constexpr page_entry small(bin_index bin, std::size_t distance, bool is_short = false) noexcept {
    return page_entry(page_kind::small, bin.value | std::size_t{is_short} << 6 | distance << 21);
  }
  static constexpr page_entry large(std::size_t tag) noexcept { return page_entry(page_kind::large, tag); }
  static constexpr page_entry slab(std::size_t pages) noexcept { return page_entry(page_kind::slab, pages); }

  constexpr page_kind kind() const noexcept { return static_cast<page_kind>(raw_ & 3); }
  constexpr bin_index bin() const noexcept { return bin_index{static_cast<std::uint8_t>(raw_ >> 2 & 63)}; }
  constexpr std::size_t distance() const noexcept { return raw_ >> 23; }
  constexpr bool is_short() const noexcept { return (raw_ >> 8 & 1) != 0; }
  constexpr std::size_t tag() const noexcept { return raw_ >> 2; }

  friend constexpr bool operator==(page_entry a, page_entry b) noexcept { return a.raw_ == b.raw_; }
  friend constexpr bool operator!=(page_entry a, page_entry b) noexcept { return a.raw_ != b.raw_; }

  static constexpr std::size_t max_tag = (std::size_t{1} << 30) - 1;

private:
  constexpr page_entry(page_kind kind, std::size_t payload) noexcept
      : raw_(static_cast<std::uint32_t>(static_cast<std::size_t>(kind) | payload << 2)) {}

  std::uint32_t raw_ = 0;
};

static_assert(sizeof(page_entry) == 4);
static_assert(page_entry::small(bin_index{most_bins - 1}, 6, true).bin().value == most_bins - 1 &&
              page_entry::small(bin_index{29}, 511, true).distance() == 511 &&
              page_entry::small(bin_index{29}, 6, true).is_short() && !page_entry::small(bin_index{63}, 511).is_short());

}}}  // namespace zmm::detail

// Runs in which blocks were freed lately, so that a free need not ask the map of its chunk.
#pragma once

#include <zmm/hardening/slot_starts.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A small table by page number: of which bin the page is, and its distance from the start of its run. It holds only runs of
/// usual length that were handed out to their end; so what it knows of a page holds until the run's pages go back.
template <std::size_t PageBytes> class known_runs {
public:
  /// Whether a slot of `bin` starts at `block`, in a run that is known.
  ZMM_INLINE bool has_slot(void const* block, bin_index bin) const noexcept {
    std::uintptr_t const at = address_of(block), distance = pages_[place_of(at)] - key_of(at, bin);
    std::size_t const offset = distance / one_page * PageBytes + (at & (PageBytes - 1));
    return (distance & ~most_distant) == 0 && slot_starts_for<PageBytes>.is_multiple(bin, offset) &&
           offset <= slot_starts_for<PageBytes>.last[0][bin.value];
  }
  /// Effects: the page at `block` is known to be one of a run of `bin`. Requires: this is its map entry.
  void add(void const* block, bin_index bin, page_entry entry) noexcept {
    std::uintptr_t const at = address_of(block);
    pages_[place_of(at)] = key_of(at, bin) + entry.distance() * one_page;
  }
  /// Effects: the `count` pages at `run` are not known any more.
  void forget(void const* run, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) pages_[place_of(address_of(run) + i * PageBytes)] = 0;
  }

private:
  static constexpr std::size_t places = 128;
  static constexpr std::uintptr_t one_page = 128, most_distant = 31 * one_page;  // below them: the bin's number, plus 1
  static_assert(most_bins < one_page && most_distant < PageBytes);

  static constexpr std::size_t place_of(std::uintptr_t at) noexcept { return at / PageBytes % places; }
  static constexpr std::uintptr_t key_of(std::uintptr_t at, bin_index bin) noexcept {
    return (at & ~(PageBytes - 1)) + bin.value + 1;
  }

  std::uintptr_t pages_[places] = {};  ///< page + bin + distance; 0: none
};

}}}  // namespace zmm::detail

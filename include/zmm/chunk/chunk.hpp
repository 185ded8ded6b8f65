// A chunk: its header with the page bitmap and the page map, and what follows from an address.
#pragma once

#include <zmm/base/bitmap.hpp>
#include <zmm/base/geometry.hpp>
#include <zmm/chunk/page_entry.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The header, at the start of the chunk's own memory. A chunk is aligned to its size, so the chunk of any small or
/// large block is the block's address with the low bits cleared, and a block that is itself aligned to the chunk size
/// is huge.
///
/// Invariants:
///     free_pages == pages - taken.count()
///     longest == length of the longest run of clear bits in `taken`
///     the first header_pages bits of `taken` are set
///     a clear bit in `taken` has a page_kind::none entry in `map`
///     a set bit in `dirty` is a page that was handed out since it came from storage or was purged
///     a set bit in `grown` is a taken page, the last one of a block that has grown
///     free_slots is 0 where no run of slots starts; else the slots of the run that are on the chunk's spare list
template <class Geometry> struct chunk {
  using geometry = Geometry;

  void* owner;           ///< whose blocks lie in it; never changes while one of them is live
  chunk* next;           ///< in the span list, or in the cache
  chunk* prev;           ///< in the span list
  std::uint64_t number;  ///< counts up with every chunk that the process takes from storage: the age of this one
  std::uint32_t free_pages;
  std::uint32_t longest;
  bitmap<Geometry::pages> taken;
  bitmap<Geometry::pages> dirty;
  bitmap<Geometry::pages> grown;
  chunk* next_to_sweep = nullptr;  ///< while a collection runs
  std::uint32_t gone_slots = 0;    ///< likewise: to be taken off a spare list
  page_entry map[Geometry::pages];
  std::uint16_t free_slots[Geometry::pages] = {};
  std::uint32_t spare_head[most_bins] = {};  ///< by bin: where its first spare slot lies, 0: none; spare_slots.hpp
  chunk* spare_next[most_bins] = {};         ///< by bin: the next chunk that has some

  static chunk* of(void const* p) noexcept {
    return reinterpret_cast<chunk*>(address_of(p) & ~(Geometry::chunk_bytes - 1));
  }
  static std::size_t page_of(void const* p) noexcept {
    return (address_of(p) & (Geometry::chunk_bytes - 1)) / Geometry::page_bytes;
  }
  void* page(std::size_t index) noexcept { return offset(this, index * Geometry::page_bytes); }
};

/// Pages of the header, and what is left for blocks.
template <class Geometry>
inline constexpr std::size_t header_pages = divide_up(sizeof(chunk<Geometry>), Geometry::page_bytes);
template <class Geometry> inline constexpr std::size_t usable_pages = Geometry::pages - header_pages<Geometry>;
static_assert(header_pages<zend_geometry> == 1 && usable_pages<zend_geometry> == 511);

/// The largest block served from pages; what is above is huge.
template <class Geometry> inline constexpr std::size_t large_limit = usable_pages<Geometry>* Geometry::page_bytes;
static_assert(large_limit<zend_geometry> == 2093056);

/// Marks a run of slots in the map: every page knows its bin and its distance from the first.
template <class Geometry>
void mark_small(chunk<Geometry>& in, std::size_t first, std::size_t pages, bin_index bin, bool is_short) noexcept {
  for (std::size_t i = 0; i < pages; ++i) in.map[first + i] = page_entry::small(bin, i, is_short);
}

}}}  // namespace zmm::detail

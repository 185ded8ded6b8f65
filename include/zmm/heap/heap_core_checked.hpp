// The core's checks of the callers' blocks. Only engines with check_frees call them.
#pragma once

#include <zmm/chunk/shared_source.hpp>
#include <zmm/hardening/proven_links.hpp>
#include <zmm/heap/checked_blocks.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Whether threads ask that do not hold the core: they may not look at its fresh runs.
template <class Source> inline constexpr bool is_shared = false;
template <class Geometry> inline constexpr bool is_shared<shared_source<Geometry>> = true;

inline constexpr char const* frees_as_allocated = "a block is freed with the size and alignment it was allocated with";

template <class Options, class Source> void heap_core<Options, Source>::draw_keys(void const* heap) noexcept {
  rekey(block_keys::draw(), heap);
}
template <class Options, class Source>
void heap_core<Options, Source>::rekey(block_keys const& with, void const* heap) noexcept {
  bins_.links().rekey(with, heap);
  if constexpr (Options::check_frees) this->rekey_blocks(with, heap);
}

template <class Options, class Source>
void heap_core<Options, Source>::seal_run(void* block, std::size_t pages) const noexcept {
  this->tags().seal_end(offset(block, pages * geometry::page_bytes));
}
template <class Options, class Source>
void heap_core<Options, Source>::check_run(void const* block, std::size_t pages) const noexcept {
  this->tags().check_end(block, static_cast<char const*>(block) + pages * geometry::page_bytes);
}

template <class Options, class Source>
page_entry heap_core<Options, Source>::paged_entry_at(void const* block) noexcept {
  return is_huge(block) ? page_entry{} : this->entry_at(pages_.source(), block);
}
template <class Options, class Source>
page_entry heap_core<Options, Source>::seen_entry_at(void const* block) const noexcept {
  return is_huge(block) ? page_entry{} : this->entry_seen(pages_.source(), block);
}

template <class Layer, class Links, std::size_t Bins>
ZMM_INLINE bool run_bins<Layer, Links, Bins>::is_known_slot(void const* block, bin_index bin) const noexcept {
  return bins_[bin.value].fresh.template has_handed_out<geometry::page_bytes>(block, bin) ||
         known_runs::has_slot(block, bin);
}
template <class Layer, class Links, std::size_t Bins>
void run_bins<Layer, Links, Bins>::note_run_of(void const* block, bin_index bin, page_entry of_page) noexcept {
  bool const is_newest = bins_[bin.value].fresh.template has_handed_out<geometry::page_bytes>(block, bin);
  if (!is_newest && !of_page.is_short()) known_runs::add(block, bin, of_page);
}

/// A tag proves all of that, once its place is known to be readable. Without tags, a run that is known tells; and the slot is live
/// if it does not look free.
template <class Options, class Source>
ZMM_INLINE bool heap_core<Options, Source>::end_if_proved(void* block, bin_index bin, std::size_t bytes,
                                                          std::size_t alignment) noexcept {
  if constexpr (Options::tag_blocks) {
    if (ZMM_UNLIKELY(!this->is_readable(pages_.source(), block, this->tags().end_of(block, bin, bytes)) ||
                     !this->tags().is_live(block, bin, bytes, alignment)))
      return false;
    this->tags().end_life(block, bin, bytes);
    return true;
  } else if constexpr (!std::is_same_v<fresh_run, started_run>) {
    return false;
  } else {
    return ZMM_LIKELY(bins_.is_known_slot(block, bin)) && ZMM_LIKELY(!links().is_free(block));
  }
}
/// Stops unless there is such a block, and names what is wrong.
template <class Options, class Source>
void heap_core<Options, Source>::free_small(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept {
  // A pointer to the start of a chunk is to its header, whose pages have no entry.
  page_entry const entry = this->entry_at(pages_.source(), block);
  free_small_seen(block, entry, bin, bytes, alignment);
  if constexpr (!Options::tag_blocks && std::is_same_v<fresh_run, started_run>) bins_.note_run_of(block, bin, entry);
}

template <class Options, class Source>
ZMM_INLINE void heap_core<Options, Source>::free_small_seen(void* block, page_entry entry, bin_index bin,
                                                            std::size_t bytes, std::size_t alignment) const noexcept {
  if (ZMM_UNLIKELY(entry.kind() != page_kind::small)) this->stop_at(frees_as_allocated, block);
  if (ZMM_UNLIKELY(entry.bin().value != bin.value)) this->stop_in_run(frees_as_allocated, block);
  if constexpr (Options::tag_blocks) {
    this->tags().check_and_end(block, bin, bytes, alignment);
  } else {
    check_handed_out(block, bin);
  }
}

/// The same for a block found by its address. Returns: its bin.
template <class Options, class Source>
bin_index heap_core<Options, Source>::free_found(void* block, page_entry entry) const noexcept {
  if constexpr (Options::tag_blocks) {
    this->tags().end_found(block, entry.bin(), this->tags().read(block, entry.bin()));
  } else {
    check_handed_out(block, entry.bin());
  }
  return entry.bin();
}

template <class Options, class Source>
ZMM_INLINE void heap_core<Options, Source>::check_handed_out(void const* block, bin_index bin) const noexcept {
  if constexpr (!is_shared<Source>)
    if (ZMM_UNLIKELY(bins_.is_fresh(block, bin))) this->stop_in_run("a freed block was handed out", block);
  links().check_live(block, bin);
}

/// Stops unless there is a live paged block of at least `bytes`; 0: of any size.
template <class Options, class Source>
void heap_core<Options, Source>::check_paged(void const* block, page_entry entry, std::size_t bytes,
                                             std::size_t alignment) const noexcept {
  std::size_t usable = 0;
  if (is_huge(block)) {
    extent const e = pages_.source().find_huge(block);
    if (e.start == nullptr) this->stop_at("a freed huge block belongs to this heap", block);
    usable = e.bytes;
  } else {
    if (entry.kind() != page_kind::large) this->stop_in_run(frees_as_allocated, block);
    usable = run_bytes(entry.tag());
    if (links().is_free_run(block)) this->stop_at("a freed block is live", block);
  }
  if (bytes > usable || !is_aligned(block, alignment)) this->stop_at(frees_as_allocated, block);
}

/// Bytes usable in the live block at `block`, found by its address; 0 for null.
template <class Options, class Source>
std::size_t heap_core<Options, Source>::checked_size(void const* block) const noexcept {
  if (block == nullptr) return 0;
  page_entry const entry = seen_entry_at(block);
  if (is_huge(block) || entry.kind() != page_kind::small) {
    check_paged(block, entry, 0, 1);
    return is_huge(block) ? pages_.source().find_huge(block).bytes : run_bytes(entry.tag());
  }
  if constexpr (Options::tag_blocks) return this->tags().read(block, entry.bin()).bytes();
  check_handed_out(block, entry.bin());
  return slot_bytes(entry.bin());
}

/// As resize_in_place(), for a tagged block, whose tag has its alignment. Returns: true if this did all, with the bytes
/// granted; false: the block is live, and the caller goes on as for any block.
template <class Options, class Source>
bool heap_core<Options, Source>::resize_checked(void* block, page_entry entry, std::size_t old_bytes,
                                                std::size_t min_bytes, std::size_t preferred_bytes,
                                                std::size_t& granted) const noexcept {
  if (is_huge(block) || entry.kind() != page_kind::small) {
    check_paged(block, entry, old_bytes == unknown_size ? 0 : old_bytes, 1);
    return false;
  }
  bin_index const bin = entry.bin();
  if constexpr (Options::tag_blocks) {
    block_tag const tag = this->tags().read(block, bin);
    std::size_t const least = min_bytes != 0 ? min_bytes : 1;
    std::size_t const rank = classes::rank_of(least, tag.alignment());
    bool const stays = rank < classes::limit && classes::bin_of(rank).value == bin.value;
    if (!stays) return true;
    granted = preferred_bytes < classes::usable(bin) ? preferred_bytes : classes::usable(bin);
    if (granted < least) granted = least;
    this->tags().write_resized(block, bin, tag, granted);
    return true;
  }
  check_handed_out(block, bin);
  return false;
}

}}}  // namespace zmm::detail

// A chunk heap's calls for paged blocks, for blocks found by address, and for blocks that change size.
#pragma once

#include <zmm/heap/heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Frees by address, whatever size the caller passes.
template <class Options> ZMM_NOINLINE void heap_own<Options>::give_paged(void* block) noexcept {
  std::size_t const bytes = core_.free_paged(block);
  this->remove_live(bytes);
}

/// With check_frees.
template <class Options> void heap_own<Options>::give_found_checked(void* block) noexcept {
  if (block == nullptr) return;
  page_entry const entry = core_.paged_entry_at(block);
  if (!core_type::is_huge(block) && entry.kind() == page_kind::small) return push(core_.free_found(block, entry), block);
  core_.check_paged(block, entry, 0, 1);
  give_paged(block);
}

/// A paged block stays paged, and a huge one may move its pages. A slot of the right bin has every alignment that leads to this
/// bin.
template <class Options>
void* heap_own<Options>::resize_or_move(void* block, std::size_t bytes, std::size_t alignment,
                                        admission& asked) noexcept {
  if (core_type::is_small(block)) return core_.resize_slot(block, bytes, alignment);
  std::size_t const usable = Options::exact_peak ? core_.usable_size(block) : 0;
  void* place = block;
  if (core_type::is_huge(block)) place = core_type::resize_or_move_huge(source_, block, bytes, alignment, asked);
  else if (!core_.resize_large(block, bytes, alignment)) return nullptr;
  if (place != nullptr) note_resized(usable, Options::exact_peak ? core_.usable_size(place) : 0);
  return place;
}

template <class Options>
std::size_t heap_own<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                               std::size_t preferred_bytes, admission& asked) noexcept {
  if constexpr (Options::check_frees) {
    std::size_t granted = 0;
    if (core_.resize_checked(block, core_.paged_entry_at(block), old_bytes, min_bytes, preferred_bytes, granted))
      return granted;
  }
  std::size_t const usable = Options::exact_peak ? core_.usable_size(block) : 0;
  std::size_t const got = core_.resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
  if (got != 0) note_resized(usable, Options::exact_peak ? core_.usable_size(block) : 0);
  return got;
}

}}}  // namespace zmm::detail

// The heap's blocks change size. The kinds rule: a slot stays a slot of its bin, a paged block stays paged; what is
// granted is such that every size the block may be freed with leads to the same place.
#pragma once

#include <zmm/heap/heap.hpp>

#include <cstring>

namespace zmm { inline namespace ZMM_ABI {

/// Makes a run `pages` long: gives the tail back, or takes free pages behind it. Returns: whether it could.
template <class Options> bool basic_heap<Options>::resize_run(void* block, std::size_t pages) noexcept {
  std::size_t const now = entry_of(block).tag();
  if (pages < now) {
    pages_.give_pages(detail::offset(block, pages * geometry::page_bytes), now - pages);
  } else if (pages > now && !pages_.extend_pages(block, now, pages - now)) {
    return false;
  }
  entry_of(block) = detail::page_entry::large(pages);
  large_bytes_ += (pages - now) * geometry::page_bytes;
  if constexpr (Options::exact_peak) add_live((pages - now) * geometry::page_bytes);
  note_growth();
  return true;
}

/// A paged block becomes `bytes` long and stays of its kind; a huge one may move its pages. Null: it cannot.
template <class Options>
void* basic_heap<Options>::reallocate_paged(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > ~std::size_t{0} / 2 || detail::rank_of(bytes, alignment) < detail::small_limit) return nullptr;
  std::size_t const count = detail::divide_up(bytes, geometry::page_bytes);
  bool const stays_huge = count > detail::usable_pages<geometry>;
  if (chunk_type::of(block) != block) {
    return !stays_huge && detail::is_aligned(block, alignment) && resize_run(block, count) ? block : nullptr;
  }
  if (!stays_huge) return nullptr;
  detail::admission asked;
  asked.lifted = gate_.lifted();
  std::size_t const before = usable_size(block);
  void* const place = detail::obtain(
      asked,
      [&](detail::admission& again) -> void* {
        detail::extent* const e = pages_.find_huge(block);
        detail::check(e != nullptr, "a resized huge block belongs to this heap", block, this);
        if (detail::is_aligned(block, alignment) && pages_.resize_huge(e, bytes, again)) return block;
        return pages_.move_huge(e, bytes, alignment, again);
      },
      [&] { return reclaim(); }, [] { return false; });
  if (place == nullptr) return nullptr;
  if constexpr (Options::exact_peak) add_live(usable_size(place) - before);
  note_growth();
  return place;
}

template <class Options>
void* basic_heap<Options>::reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment) {
  if (block == nullptr) return allocate(bytes, alignment);
  if (!detail::is_power_of_two(alignment)) detail::throw_bad_alloc();
  if (bytes == 0) bytes = 1;
  std::size_t const rank = detail::rank_of(bytes, alignment);
  bool const is_paged = chunk_type::of(block) == block || entry_of(block).kind() == detail::page_kind::large;
  if (is_paged) {
    if (void* const place = reallocate_paged(block, bytes, alignment)) return place;
  } else if (rank < detail::small_limit && classes::bin_of(rank).value == entry_of(block).bin().value) {
    return block;  // a slot of this bin has every alignment that leads to this bin
  }

  std::size_t const peak_before = peak_;
  std::size_t const usable = usable_size(block);
  detail::admission asked;
  void* const place = allocate_rest(bytes, alignment, asked);
  if (place == nullptr) {
    // A paged block that is large enough may stay as it is: shrinking does not fail for want of memory.
    if (is_paged && rank >= detail::small_limit && bytes <= usable && detail::is_aligned(block, alignment))
      return block;
    detail::throw_refusal(bytes, asked);
  }
  std::size_t kept = copy_bytes < usable ? copy_bytes : usable;
  if (bytes < kept) kept = bytes;
  std::memcpy(place, block, kept);
  deallocate(block);
  std::size_t const after = Options::exact_peak ? live_ : carved();
  peak_ = after > peak_before ? after : peak_before;  // not the moment when both places were live
  return place;
}

template <class Options>
std::size_t basic_heap<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                 std::size_t preferred_bytes) noexcept {
  if (chunk_type::of(block) == block || entry_of(block).kind() == detail::page_kind::large) {
    // The smallest size the block may then be freed with must lead to a paged free: sizes above the small limit do, and
    // so does, by its alignment, whatever is no smaller than a size that did before.
    if (min_bytes < old_bytes && min_bytes <= detail::small_limit) return 0;
    return resize_paged(block, min_bytes, preferred_bytes);
  }
  // The slot may be larger than the bin of min_bytes, because of an alignment that is not known here. Sizes from
  // old_bytes up lead to this slot at that alignment; smaller ones surely do if they lead to it at any.
  detail::bin_index const bin = entry_of(block).bin();
  if (min_bytes > detail::slot_bytes(bin)) return 0;
  if (min_bytes < old_bytes && (min_bytes == 0 || classes::bin_of_bytes(min_bytes).value != bin.value)) return 0;
  return detail::slot_bytes(bin);
}

template <class Options>
std::size_t basic_heap<Options>::resize_paged(void* block, std::size_t min_bytes,
                                              std::size_t preferred_bytes) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  std::size_t const usable = usable_size(block);
  bool const fits = min_bytes <= usable;
  if (fits && preferred_bytes >= usable) return usable;
  if (min_bytes > ~std::size_t{0} / 2) return 0;
  if (preferred_bytes > ~std::size_t{0} / 2) preferred_bytes = min_bytes;

  if (chunk_type::of(block) == block) {
    detail::extent* const e = pages_.find_huge(block);
    detail::admission asked;
    asked.lifted = gate_.lifted();
    if (!pages_.resize_huge(e, preferred_bytes, asked) && !pages_.resize_huge(e, min_bytes, asked))
      return fits ? usable : 0;
    if constexpr (Options::exact_peak) add_live(e->bytes - usable);
    note_growth();
    return e->bytes;
  }
  std::size_t const now = usable / page;
  std::size_t wanted = detail::divide_up(preferred_bytes != 0 ? preferred_bytes : 1, page);
  if (wanted > now) {
    std::size_t const reach = now + pages_.free_behind(block, now);
    if (detail::divide_up(min_bytes, page) > reach) return 0;
    if (wanted > reach) wanted = reach;
  }
  return resize_run(block, wanted) ? wanted * page : 0;
}

}}  // namespace zmm

// The heap's blocks change size, in place or by moving.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A paged block becomes `bytes` long and stays of its kind; a huge one may move its pages. Null: it cannot.
template <class Options>
void* basic_heap<Options>::reallocate_paged(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (!core_type::is_huge(block)) return core_.resize_large(block, bytes, alignment) ? block : nullptr;
  detail::admission asked;
  asked.lifted = gate_.lifted();
  if constexpr (Options::guard_pages) asked.guard_huge();
  return detail::obtain(
      asked,
      [&](detail::admission& again) { return core_type::resize_or_move_huge(source_, block, bytes, alignment, again); },
      [&] { return core_.reclaim(); }, [] { return false; });
}

template <class Options>
void* basic_heap<Options>::reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment) {
  if (block == nullptr) return allocate(bytes, alignment, site{});
  if (!detail::is_power_of_two(alignment)) detail::throw_bad_alloc();
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::reallocate(*this, block, bytes, copy_bytes, alignment);
  if (bytes == 0) bytes = 1;
  std::size_t const rank = classes::rank_of(bytes, alignment);
  std::size_t const usable = usable_size(block);
  bool const is_paged = !core_type::is_small(block);
  if (is_paged) {
    if (void* const place = reallocate_paged(block, bytes, alignment)) {
      note_resized(usable, usable_size(place));
      return place;
    }
  } else if (core_type::slot_serves(block, rank)) {
    if constexpr (Options::tag_blocks) core_.tags().write_again(block, classes::bin_of(rank), bytes, alignment);
    return block;  // a slot of this bin has every alignment that leads to this bin
  }

  std::size_t const peak_before = peak_;
  detail::admission asked;
  if (bytes > usable) asked.growth = detail::growth::known;
  void* const place = allocate_rest(bytes, alignment, site{}, asked);
  if (place == nullptr) {
    // A paged block that is large enough may stay as it is: shrinking does not fail for want of memory.
    if (is_paged && rank >= detail::small_limit && bytes <= usable && detail::is_aligned(block, alignment))
      return block;
    detail::throw_refusal(bytes, asked);
  }
  std::size_t kept = copy_bytes < usable ? copy_bytes : usable;
  if (bytes < kept) kept = bytes;
  detail::copy_bytes(place, block, kept);
  deallocate(block);
  std::size_t const after = Options::exact_peak ? live_ : carved();
  peak_ = after > peak_before ? after : peak_before;  // not the moment when both places were live
  return place;
}

template <class Options>
std::size_t basic_heap<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                 std::size_t preferred_bytes) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::resize_in_place(*this, block, min_bytes);
  detail::admission asked;
  asked.lifted = gate_.lifted();
  if constexpr (Options::guard_pages) asked.guard_huge();
  if constexpr (Options::check_frees) {
    std::size_t granted = 0;
    if (core_.resize_checked(block, core_.paged_entry_at(block), old_bytes, min_bytes, preferred_bytes, granted))
      return granted;
  }
  std::size_t const usable = Options::exact_peak ? usable_size(block) : 0;
  std::size_t const got = core_.resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
  if (got != 0) note_resized(usable, Options::exact_peak ? usable_size(block) : 0);
  return got;
}

}}  // namespace zmm

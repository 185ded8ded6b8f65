// The synchronized heap's misses, blocks of other threads, and changes of size.
#pragma once

#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// What this thread's part has without a look at the pages; null: the slow path has to look.
template <class Options>
ZMM_INLINE void* basic_synchronized_heap<Options>::slot_after_miss(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, alignment);
  part_type* const own = held_part();
  if (ZMM_UNLIKELY(rank >= bound_.get() || (alignment & (alignment - 1)) != 0 || own == nullptr)) return nullptr;
  return tagged(own, own->slot_after_miss(classes::bin_of(rank)), bytes, alignment);
}

template <class Options>
ZMM_NOINLINE void* basic_synchronized_heap<Options>::allocate_miss(std::size_t bytes, std::size_t alignment,
                                                                   site where) {
  if (void* const slot = slot_after_miss(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  void* const block = allocate_rest(bytes, alignment, where, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
ZMM_NOINLINE void* basic_synchronized_heap<Options>::try_allocate_miss(std::size_t bytes, std::size_t alignment,
                                                                       site where) noexcept {
  if (void* const slot = slot_after_miss(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  return allocate_rest(bytes, alignment, where, asked);
}

template <class Options>
void* basic_synchronized_heap<Options>::allocate_growing(std::size_t bytes, std::size_t alignment) {
  detail::admission asked;
  asked.growth = detail::growth::known;
  void* const block = allocate_rest(bytes, alignment, site{}, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
void* basic_synchronized_heap<Options>::try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept {
  detail::admission asked;
  asked.growth = detail::growth::known;
  return allocate_rest(bytes, alignment, site{}, asked);
}

/// Pages, and every odd request. A thread's first call comes here: by then it is settled whether the heap forwards.
template <class Options>
ZMM_NOINLINE void* basic_synchronized_heap<Options>::allocate_rest(std::size_t bytes, std::size_t alignment, site where,
                                                                   detail::admission& asked) noexcept {
  if (parts_.load(std::memory_order_relaxed) == nullptr) decide();
  if (ZMM_UNLIKELY(is_watched() && !asked.by_watch))
    return detail::watched_calls::allocate(*this, bytes, alignment, where, asked);
  if (!detail::is_power_of_two(alignment)) return asked.refuse_address();
  if (bytes == 0) bytes = 1;
  asked.lifted = lifted();
  if constexpr (Options::guard_pages) asked.guard_huge();
  part_type* own = nullptr;
  void* const block = detail::obtain(
      asked,
      [&](detail::admission& again) -> void* {
        own = part_or_join(again);
        return own != nullptr ? tagged(own, own->attempt(bytes, alignment, again), bytes, alignment) : nullptr;
      },
      [&] { return collect() + source_.drop_cached() != 0; }, [&] { return own != nullptr && ask_hook(own, bytes); });
  if (own != nullptr) note_carved(own->publish());
  if (block != nullptr && part_type::is_huge(block)) note_carved(part_type::core::usable_size(source_, block));
  return block;
}

/// Calls the hook on this thread, if it is not in it already. Returns: whether to try again.
template <class Options>
ZMM_COLD bool basic_synchronized_heap<Options>::ask_hook(part_type* own, std::size_t bytes) noexcept {
  limit_hook hook = nullptr;
  void* user = nullptr;
  source_.locked([&](auto&) {
    hook = hook_.get();
    user = hook_.user();
  });
  own->gate.set_hook(hook, user);
  return own->gate.can_ask() && own->gate.ask(bytes);
}

template <class Options>
ZMM_NOINLINE void basic_synchronized_heap<Options>::deallocate_foreign(void* block, detail::bin_index bin) noexcept {
  if (ZMM_UNLIKELY(has_frozen_) && owner_of(block)->state.is_frozen()) return;
  part_type* own = held_part();
  if (ZMM_UNLIKELY(own == nullptr)) {
    detail::admission asked;
    own = part_or_join(asked);
    if (own == nullptr) return owner_of(block)->free_from_afar(bin, block);
  }
  if (ZMM_UNLIKELY(own == part_type::owner_of(block)))
    return own->push(bin, block);  // the heap has no entry of its own
  own->free_foreign(bin, block);
}

template <class Options>
ZMM_NOINLINE void basic_synchronized_heap<Options>::deallocate_miss(void* block, std::size_t bytes,
                                                                    std::size_t alignment) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::deallocate(*this, block, bytes, alignment);
  if (bytes == 0) return deallocate_nonnull(block, 1, alignment);
  if constexpr (Options::check_frees) {
    part_type* const own = checking_part(block);
    own->check_paged(block, own->seen_entry_at(block), bytes, alignment);
  }
  deallocate_paged(block);
}

/// Frees by address, whatever size it is said to have.
template <class Options> ZMM_NOINLINE void basic_synchronized_heap<Options>::deallocate_paged(void* block) noexcept {
  if (part_type::is_huge(block)) return note_carved(0 - source_.give_huge(block));
  part_type* const owner = owner_of(block);
  if (owner != held_part()) return owner->free_paged_from_afar(block);
  owner->free_paged(block);
  note_carved(owner->publish());
}

template <class Options> void basic_synchronized_heap<Options>::deallocate(void* block) noexcept {
  if (ZMM_UNLIKELY(is_watched())) {
    if (block != nullptr) detail::watched_calls::deallocate(*this, block, detail::unknown_size, 1);
    return;
  }
  if constexpr (Options::check_frees) return deallocate_found(block);
  if (ZMM_LIKELY(part_type::is_small(block))) {
    detail::bin_index const bin = part_type::entry_of(block).bin();
    if (part_type* const own = held_part(); ZMM_LIKELY(part_type::owner_of(block) == own)) return own->push(bin, block);
    return deallocate_foreign(block, bin);
  }
  if (block != nullptr) deallocate_paged(block);
}

template <class Options>
void* basic_synchronized_heap<Options>::reallocate(void* block, std::size_t bytes, std::size_t copy_bytes,
                                                   std::size_t alignment) {
  if (block == nullptr) return allocate(bytes, alignment, site{});
  if (!detail::is_power_of_two(alignment)) detail::throw_bad_alloc();
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::reallocate(*this, block, bytes, copy_bytes, alignment);
  if (bytes == 0) bytes = 1;
  std::size_t const rank = classes::rank_of(bytes, alignment);
  std::size_t const usable = usable_size(block);
  bool const is_paged = !part_type::is_small(block);
  if (is_paged) {
    if (void* const place = reallocate_paged(block, bytes, alignment)) return place;
  } else if (part_type::slot_serves(block, rank)) {
    // A slot of this bin has every alignment that leads to this bin.
    if constexpr (Options::tag_blocks)
      checking_part(block)->tags().write_again(block, classes::bin_of(rank), bytes, alignment);
    return block;
  }

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
  return place;
}

/// A run of this thread's, or a huge block, becomes `bytes` long; a huge one may move its pages. Null: it cannot.
template <class Options>
void* basic_synchronized_heap<Options>::reallocate_paged(void* block, std::size_t bytes,
                                                         std::size_t alignment) noexcept {
  if (part_type::is_huge(block)) {
    detail::admission asked;
    asked.lifted = lifted();
    if constexpr (Options::guard_pages) asked.guard_huge();
    std::size_t const before = usable_size(block);
    void* const place = detail::obtain(
        asked,
        [&](detail::admission& again) {
          return part_type::resize_or_move_huge(source_, block, bytes, alignment, again);
        },
        [&] { return collect() + source_.drop_cached() != 0; }, [] { return false; });
    if (place != nullptr) note_carved(usable_size(place) - before);
    return place;
  }
  part_type* const own = held_part();
  if (part_type::owner_of(block) != own || !own->resize_large(block, bytes, alignment)) return nullptr;
  note_carved(own->publish());
  return block;
}

template <class Options>
std::size_t basic_synchronized_heap<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                              std::size_t preferred_bytes) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::resize_in_place(*this, block, min_bytes);
  detail::admission asked;
  asked.lifted = lifted();
  if constexpr (Options::guard_pages) asked.guard_huge();
  if constexpr (Options::check_frees) {
    std::size_t granted = 0;
    part_type const* const part = checking_part(block);
    if (part->resize_checked(block, part->seen_entry_at(block), old_bytes, min_bytes, preferred_bytes, granted))
      return granted;
  }
  if (part_type::is_huge(block)) {
    if (min_bytes < old_bytes && min_bytes <= detail::small_limit) return 0;
    std::size_t const before = usable_size(block);
    std::size_t const got = part_type::resize_huge(source_, block, min_bytes, preferred_bytes, asked);
    if (got != 0) note_carved(got - before);
    return got;
  }
  part_type* const own = held_part();
  if (part_type::owner_of(block) != own) return part_type::fit_in_place(source_, block, old_bytes, min_bytes);
  std::size_t const got = own->resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
  note_carved(own->publish());
  return got;
}

}}  // namespace zmm

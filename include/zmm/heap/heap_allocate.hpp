// The heap's misses: fresh slots, paged blocks, frees by address.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> ZMM_INLINE void* basic_heap<Options>::bump(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, alignment);
  if (ZMM_UNLIKELY(rank >= bound_.get() || (alignment & (alignment - 1)) != 0)) return nullptr;
  void* const slot = core_.bump(classes::bin_of(rank));
  if (slot != nullptr) tag(slot, classes::bin_of(rank), bytes, alignment);
  if constexpr (Options::exact_peak) {
    if (slot != nullptr) add_live(detail::slot_bytes(classes::bin_of(rank)));
  }
  return slot;
}

template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::allocate_miss(std::size_t bytes, std::size_t alignment, site where) {
  if (void* const slot = bump(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  void* const block = allocate_rest(bytes, alignment, where, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::try_allocate_miss(std::size_t bytes, std::size_t alignment,
                                                          site where) noexcept {
  if (void* const slot = bump(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  return allocate_rest(bytes, alignment, where, asked);
}

/// Slots from a fresh run, paged blocks, and every odd request.
template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::allocate_rest(std::size_t bytes, std::size_t alignment, site where,
                                                      detail::admission& asked) noexcept {
  if (ZMM_UNLIKELY(is_watched() && !asked.by_watch))
    return detail::watched_calls::allocate(*this, bytes, alignment, where, asked);
  if (!detail::is_power_of_two(alignment)) return asked.refuse_address();
  if (bytes == 0) bytes = 1;
  asked.lifted = gate_.lifted();
  if constexpr (Options::guard_pages) asked.guard_huge();
  void* const block = detail::obtain(
      asked, [&](detail::admission& again) { return core_.attempt(bytes, alignment, again); },
      [&] { return core_.reclaim(); }, [&] { return gate_.can_ask() && gate_.ask(bytes); });
  if (block == nullptr) return nullptr;
  if (std::size_t const rank = classes::rank_of(bytes, alignment); Options::tag_blocks && rank < detail::small_limit)
    tag(block, classes::bin_of(rank), bytes, alignment);
  note_growth();
  if constexpr (Options::exact_peak)
    add_live(core_.usable_size(block) + (core_type::is_small(block) ? classes::overhead : 0));
  return block;
}

template <class Options>
ZMM_NOINLINE void basic_heap<Options>::deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::deallocate(*this, block, bytes, alignment);
  if (bytes == 0) return deallocate_nonnull(block, 1, alignment);
  if constexpr (Options::check_frees) core_.check_paged(block, core_.paged_entry_at(block), bytes, alignment);
  deallocate_paged(block);
}

/// Frees by address, whatever size it is said to have.
template <class Options> ZMM_NOINLINE void basic_heap<Options>::deallocate_paged(void* block) noexcept {
  std::size_t const bytes = core_.free_paged(block);
  if constexpr (Options::exact_peak) live_ -= bytes;
}

template <class Options> void* basic_heap<Options>::allocate_growing(std::size_t bytes, std::size_t alignment) {
  detail::admission asked;
  asked.growth = detail::growth::known;
  void* const block = allocate_rest(bytes, alignment, site{}, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
void* basic_heap<Options>::try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept {
  detail::admission asked;
  asked.growth = detail::growth::known;
  return allocate_rest(bytes, alignment, site{}, asked);
}

template <class Options>
void basic_heap<Options>::pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count,
                                     detail::block_list& list) noexcept {
  if constexpr (!Options::encode_links) {
    std::size_t const rank = classes::rank_of(bytes, alignment), before = list.size();
    if (rank >= bound_.get() || !detail::is_power_of_two(alignment)) return;
    core_.pop_some(classes::bin_of(rank), count, list);
    if constexpr (Options::exact_peak) add_live((list.size() - before) * detail::slot_bytes(classes::bin_of(rank)));
  }
}

template <class Options>
void basic_heap<Options>::push_blocks(std::size_t bytes, std::size_t alignment, detail::block_list& list) noexcept {
  if constexpr (!Options::encode_links) {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= bound_.get()) return;
    if constexpr (Options::exact_peak) live_ -= list.size() * detail::slot_bytes(classes::bin_of(rank));
    core_.push_all(classes::bin_of(rank), list);
  }
}

template <class Options> void basic_heap<Options>::deallocate(void* block) noexcept {
  if (ZMM_UNLIKELY(is_watched())) {
    if (block != nullptr) detail::watched_calls::deallocate(*this, block, detail::unknown_size, 1);
    return;
  }
  if constexpr (Options::check_frees) return deallocate_found(block);
  if (ZMM_LIKELY(core_type::is_small(block))) return push(core_type::entry_of(block).bin(), block);
  if (block != nullptr) deallocate_paged(block);
}

template <class Options> bool basic_heap<Options>::owns(void const* p) const noexcept {
  if (ZMM_UNLIKELY(forwards())) return watch()->owns(p);
  detail::extent const e = source_.find(p);
  if (!e.is_chunk()) return e.start != nullptr;
  using chunk_type = typename core_type::chunk_type;
  return chunk_type::of(p)->taken.test(chunk_type::page_of(p)) &&
         chunk_type::page_of(p) >= detail::header_pages<geometry>;
}

}}  // namespace zmm

// The heap's misses: fresh slots, paged blocks, frees by address.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> ZMM_INLINE void* basic_heap<Options>::bump(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = detail::rank_of(bytes, alignment);
  if (ZMM_UNLIKELY(rank >= detail::small_limit || (alignment & (alignment - 1)) != 0)) return nullptr;
  void* const slot = bins_.bump(classes::bin_of(rank));
  if constexpr (Options::exact_peak) {
    if (slot != nullptr) add_live(detail::slot_bytes(classes::bin_of(rank)));
  }
  return slot;
}

template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::allocate_miss(std::size_t bytes, std::size_t alignment) {
  if (void* const slot = bump(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  void* const block = allocate_rest(bytes, alignment, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::try_allocate_miss(std::size_t bytes, std::size_t alignment) noexcept {
  if (void* const slot = bump(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
  detail::admission asked;
  return allocate_rest(bytes, alignment, asked);
}

/// Slots from a fresh run, paged blocks, and every odd request. Each attempt starts over, because what ran before it
/// may have freed or allocated.
template <class Options>
ZMM_NOINLINE void* basic_heap<Options>::allocate_rest(std::size_t bytes, std::size_t alignment,
                                                      detail::admission& asked) noexcept {
  if (!detail::is_power_of_two(alignment)) return asked.refuse_address();
  if (bytes == 0) bytes = 1;
  asked.lifted = gate_.lifted();
  std::size_t const rank = detail::rank_of(bytes, alignment);
  void* const block = detail::obtain(
      asked,
      [&](detail::admission& again) -> void* {
        if (rank >= detail::small_limit) return take_paged(bytes, alignment, again);
        detail::bin_index const bin = classes::bin_of(rank);
        if (void* const slot = bins_.pop(bin)) return slot;
        if (void* const slot = bins_.bump(bin)) return slot;
        return bins_.refill(bin, pages_, again);
      },
      [&] { return reclaim(); }, [&] { return gate_.can_ask() && gate_.ask(bytes); });
  if (block == nullptr) return nullptr;
  note_growth();
  if constexpr (Options::exact_peak) add_live(usable_size(block));
  return block;
}

/// A run of pages, or a huge block; counted. Requires: bytes > 0.
template <class Options>
void* basic_heap<Options>::take_paged(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  if (bytes > ~std::size_t{0} / 2) return asked.refuse_address();
  std::size_t const count = detail::divide_up(bytes, page);
  std::size_t const aligned = alignment <= page ? 1 : alignment / page;
  if (!layer::fits_chunk(count, aligned)) return pages_.take_huge(bytes, alignment, 0, asked);
  void* const block = pages_.take_pages(count, aligned, asked);
  if (block == nullptr) return nullptr;
  entry_of(block) = detail::page_entry::large(count);
  large_bytes_ += count * page;
  ++large_blocks_;
  return block;
}

/// Effects: looks for memory inside the heap that a failed attempt could use. Returns: whether there may be some.
template <class Options> ZMM_COLD bool basic_heap<Options>::reclaim() noexcept {
  std::size_t won = 0;
  if (bins_.worth_collecting()) won = collect();
  won += pages_.drop_cached();
  return won != 0;
}

template <class Options>
ZMM_NOINLINE void basic_heap<Options>::deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes != 0) return deallocate_paged(block);
  deallocate_nonnull(block, 1, alignment);
}

/// Frees by address, whatever size it is said to have.
template <class Options> ZMM_NOINLINE void basic_heap<Options>::deallocate_paged(void* block) noexcept {
  if (chunk_type::of(block) == block) {
    if constexpr (Options::exact_peak) live_ -= usable_size(block);
    return pages_.give_huge(block);
  }
  detail::page_entry const entry = entry_of(block);
  detail::check(entry.kind() == detail::page_kind::large, "a freed paged block is live", block, this);
  std::size_t const bytes = entry.tag() * geometry::page_bytes;
  large_bytes_ -= bytes;
  --large_blocks_;
  if constexpr (Options::exact_peak) live_ -= bytes;
  pages_.give_pages(block, entry.tag());
}

template <class Options> void basic_heap<Options>::deallocate(void* block) noexcept {
  if (ZMM_LIKELY(chunk_type::of(block) != block)) {
    detail::page_entry const entry = entry_of(block);
    if (ZMM_LIKELY(entry.kind() == detail::page_kind::small)) return push(entry.bin(), block);
  } else if (block == nullptr) {
    return;
  }
  deallocate_paged(block);
}

template <class Options> std::size_t basic_heap<Options>::usable_size(void const* block) const noexcept {
  if (chunk_type::of(block) == block) {
    detail::extent const* const e = block != nullptr ? pages_.find_huge(block) : nullptr;
    return e != nullptr ? e->bytes : 0;
  }
  detail::page_entry const entry = entry_of(block);
  return entry.kind() == detail::page_kind::small ? detail::slot_bytes(entry.bin())
                                                  : entry.tag() * geometry::page_bytes;
}

}}  // namespace zmm

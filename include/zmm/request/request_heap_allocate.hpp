// The request heap's misses: slabs, odd alignments, limits along the ancestors.
#pragma once

#include <zmm/request/request_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options>
ZMM_INLINE void basic_request_heap<Options>::wipe_freed([[maybe_unused]] void* block,
                                                        [[maybe_unused]] detail::bin_index bin,
                                                        [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (Options::tag_blocks) this->tags.wipe(block, bin, bytes);
}

/// The misses of packed blocks: from the open slab or a fresh one. Requires: pop_wide() had none.
template <class Options>
ZMM_INLINE void* basic_request_heap<Options>::carve(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const below = detail::opaque(alignment - 1);
  std::size_t const rank = packed_rank(bytes, alignment);
  if (ZMM_UNLIKELY(bytes == 0 || alignment > bins::packed_alignment || rank >= bound_.get() ||
                   (alignment & below) != 0))
    return nullptr;
  detail::bin_index const bin = packed_bin(bytes, alignment);
  void* block = alignment <= 16 ? bins_.carve(bin) : bins_.carve_wide(bin);
  if (ZMM_UNLIKELY(block == nullptr) && alignment <= 16) block = open_and_carve(bin);
  tag(block, bin, bytes, alignment);
  if constexpr (Options::exact_peak) {
    if (block != nullptr) add_live(detail::slot_bytes(bin));
  }
  return block;
}

/// A freed block of alignment 32 or 64; null: everything else. First of all misses, and without a stack frame.
template <class Options>
ZMM_INLINE void* basic_request_heap<Options>::pop_wide(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, bins::packed_alignment);
  if (!bins::is_wide(alignment) || ZMM_UNLIKELY(rank >= bound_.get())) return nullptr;
  void* const block = bins_.pop_wide(classes::bin_of(rank));
  tag(block, classes::bin_of(rank), bytes, alignment);
  if constexpr (Options::exact_peak) {
    if (block != nullptr) add_live(detail::slot_bytes(classes::bin_of(rank)));
  }
  return block;
}

template <class Options>
ZMM_NOINLINE void* basic_request_heap<Options>::try_allocate_miss(std::size_t bytes, std::size_t alignment,
                                                                  site where) noexcept {
  if (void* const block = pop_wide(bytes, alignment)) return block;
  if (void* const block = carve(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
  detail::admission asked;
  return allocate_rest(bytes, alignment, where, asked);
}

template <class Options>
ZMM_NOINLINE void* basic_request_heap<Options>::allocate_miss(std::size_t bytes, std::size_t alignment, site where) {
  if (void* const block = pop_wide(bytes, alignment)) return block;
  return carve_or_rest(bytes, alignment, where);
}

template <class Options>
ZMM_NOINLINE void* basic_request_heap<Options>::carve_or_rest(std::size_t bytes, std::size_t alignment, site where) {
  if (void* const block = carve(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
  detail::admission asked;
  void* const block = allocate_rest(bytes, alignment, where, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

/// Everything the hit path does not serve.
template <class Options>
ZMM_NOINLINE void* basic_request_heap<Options>::allocate_rest(std::size_t bytes, std::size_t alignment, site where,
                                                              detail::admission& asked) noexcept {
  if (ZMM_UNLIKELY(is_watched() && !asked.by_watch))
    return detail::watched_calls::allocate(*this, bytes, alignment, where, asked);
  if (!detail::is_power_of_two(alignment)) return asked.refuse_address();
  if constexpr (Options::guard_pages) asked.guard_huge();
  if (bytes == 0) bytes = 1;
  bool const packed = is_packed(bytes, alignment);
  void* const block = detail::obtain(
      asked,
      [&](detail::admission& again) {
        return packed ? take_packed(bytes, alignment, again) : take_paged(bytes, alignment, again);
      },
      [&] { return collect() != 0; }, [&] { return ask_hook(bytes); });
  if (packed && block != nullptr) tag(block, packed_bin(bytes, alignment), bytes, alignment);
  if constexpr (Options::exact_peak) {
    if (block != nullptr) add_live(packed ? detail::slot_bytes(packed_bin(bytes, alignment)) : bytes_of(table_.back()));
  }
  return block;
}

/// A small block, from a fresh slab if need be: the smallest slab has room for any small block.
template <class Options>
void* basic_request_heap<Options>::take_packed(std::size_t bytes, std::size_t alignment,
                                               detail::admission& asked) noexcept {
  detail::bin_index const bin = packed_bin(bytes, alignment);
  do {
    if (void* const block = alignment > 16 ? bins_.pop_wide(bin) : bins_.pop(bin)) return block;
    if (void* const block = alignment > 16 ? bins_.carve_wide(bin) : bins_.carve(bin)) return block;
  } while (open_slab(asked));
  return nullptr;
}

/// The usual miss: the slab is used up, and nothing stands in the way of another. Null leaves the rest to the slow
/// path.
template <class Options>
ZMM_NOINLINE void* basic_request_heap<Options>::open_and_carve(detail::bin_index bin) noexcept {
  detail::admission asked;
  return open_slab(asked) ? bins_.carve(bin) : nullptr;
}

/// Opens another slab: as large as all before together, or as much of that as limits and storage allow.
template <class Options> ZMM_INLINE bool basic_request_heap<Options>::open_slab(detail::admission& asked) noexcept {
  std::size_t order = slab_bytes_ == 0 ? pool_->first_order() : orders::next(slab_bytes_);
  detail::slab* fresh = nullptr;
  while (!admits(orders::bytes(order), asked) || (fresh = pool_->take_slab(order, joined_, asked)) == nullptr) {
    if (order-- == 0) return false;
  }
  charge(fresh->bytes);
  fresh->next = slabs_;
  slabs_ = fresh;
  slab_bytes_ += fresh->bytes;
  bins_.open(fresh->begin(), fresh->end());
  return true;
}

template <class Options>
ZMM_INLINE bool basic_request_heap<Options>::admits(std::size_t bytes, detail::admission& asked) const noexcept {
  asked.lifted = false;
  for (basic_request_heap const* h = this; h != nullptr; h = h->parent_) {
    asked.lifted = asked.lifted || h->gate_.lifted();
    if (!h->book_.admits(bytes, asked)) return false;
  }
  return true;
}

/// The request's own hook, else the nearest ancestor's. Returns: whether to try again.
template <class Options> ZMM_COLD bool basic_request_heap<Options>::ask_hook(std::size_t bytes) noexcept {
  for (basic_request_heap* h = this; h != nullptr; h = h->parent_) {
    if (h->gate_.has_hook()) return h->gate_.can_ask() && h->gate_.ask(bytes);
  }
  return false;
}

template <class Options> void* basic_request_heap<Options>::allocate_growing(std::size_t bytes, std::size_t alignment) {
  detail::admission asked;
  asked.growth = detail::growth::known;
  void* const block = allocate_rest(bytes, alignment, site{}, asked);
  if (ZMM_UNLIKELY(block == nullptr)) detail::throw_refusal(bytes, asked);
  return block;
}

template <class Options>
void* basic_request_heap<Options>::try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept {
  detail::admission asked;
  asked.growth = detail::growth::known;
  return allocate_rest(bytes, alignment, site{}, asked);
}

template <class Options>
void basic_request_heap<Options>::pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count,
                                             detail::block_list& list) noexcept {
  if constexpr (!Options::encode_links) {
    std::size_t const rank = classes::rank_of(bytes, alignment), before = list.size();
    if (rank >= bound_.get() || alignment > 16 || !detail::is_power_of_two(alignment)) return;
    bins_.pop_some(classes::bin_of(rank), count, list);
    if constexpr (Options::exact_peak) add_live((list.size() - before) * detail::slot_bytes(classes::bin_of(rank)));
  }
}

template <class Options>
void basic_request_heap<Options>::push_blocks(std::size_t bytes, std::size_t alignment,
                                              detail::block_list& list) noexcept {
  if constexpr (!Options::encode_links) {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= bound_.get() || alignment > 16) return;
    if constexpr (Options::exact_peak) live_ -= list.size() * detail::slot_bytes(classes::bin_of(rank));
    bins_.push_all(classes::bin_of(rank), list);
  }
}

template <class Options>
ZMM_NOINLINE void basic_request_heap<Options>::deallocate_rest(void* block, std::size_t bytes,
                                                               std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, bins::packed_alignment);
  if (!bins::is_wide(alignment) || rank >= bound_.get()) return deallocate_odd(block, bytes, alignment);
  if constexpr (Options::tag_blocks) free_packed(block, classes::bin_of(rank), bytes, alignment);
  bins_.push_wide(classes::bin_of(rank), block);
  wipe_freed(block, classes::bin_of(rank), bytes);
  if constexpr (Options::exact_peak) live_ -= detail::slot_bytes(classes::bin_of(rank));
}

/// Paged blocks, and those of size 0.
template <class Options>
ZMM_NOINLINE void basic_request_heap<Options>::deallocate_odd(void* block, std::size_t bytes,
                                                              std::size_t alignment) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::deallocate(*this, block, bytes, alignment);
  deallocate_plain(block, bytes, alignment);
}

template <class Options>
ZMM_INLINE void basic_request_heap<Options>::deallocate_plain(void* block, std::size_t bytes,
                                                              std::size_t alignment) noexcept {
  if (bytes == 0) bytes = 1;
  if (!is_packed(bytes, alignment)) {
    if constexpr (Options::check_frees) check_paged(block, bytes, alignment);
    std::size_t const freed = give_paged(block);
    if constexpr (Options::exact_peak) live_ -= freed;
    return;
  }
  detail::bin_index const bin = packed_bin(bytes, alignment);
  if constexpr (Options::tag_blocks) free_packed(block, bin, bytes, alignment);
  alignment > 16 ? bins_.push_wide(bin, block) : bins_.push(bin, block);
  wipe_freed(block, bin, bytes);
  if constexpr (Options::exact_peak) live_ -= detail::slot_bytes(bin);
}

}}  // namespace zmm

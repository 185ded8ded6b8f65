// The request heap's allocations: hits; and misses: slabs, larger alignments, limits along the ancestors.
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> ZMM_INLINE void request_heap_own<Options>::charge(std::size_t bytes) noexcept {
  for (request_heap_own* h = this; h != nullptr; h = h->parent_) h->book_.add(bytes);
  if constexpr (Options::list_requests) note_charged();
}
template <class Options> ZMM_INLINE void request_heap_own<Options>::discharge(std::size_t bytes) noexcept {
  for (request_heap_own* h = this; h != nullptr; h = h->parent_) h->book_.subtract(bytes);
  if constexpr (Options::list_requests) note_charged();
}
/// The hit path: a freed block, or the next one of the open slab. Null: everything else.
template <class Options>
ZMM_INLINE void* request_heap_own<Options>::take(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const below = opaque(alignment - 1);
  if (ZMM_UNLIKELY(alignment > 16 || (alignment & below) != 0)) return nullptr;
  std::size_t const rank = classes::rank_of(bytes, below + 1);
  if (ZMM_UNLIKELY(rank >= small_limit)) return nullptr;
  void* block = bins_.pop(classes::bin_of(rank));
  if (block == nullptr) block = bins_.carve_one(classes::bin_of(rank));
  tag(block, classes::bin_of(rank), bytes, alignment);
  if (Options::exact_peak && block != nullptr) this->add_live(slot_bytes(classes::bin_of(rank)));
  return block;
}

template <class Options>
ZMM_INLINE void request_heap_own<Options>::wipe_freed([[maybe_unused]] void* block, [[maybe_unused]] bin_index bin,
                                                      [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (Options::check_frees) this->tags.wipe(block, bin, bytes);
}

/// The usual misses: a packed block from the open slab or a fresh one. Requires: take_aside() had none.
template <class Options>
ZMM_INLINE void* request_heap_own<Options>::take_fresh(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const below = opaque(alignment - 1);
  std::size_t const rank = packed_rank(bytes, alignment);
  if (ZMM_UNLIKELY(bytes == 0 || alignment > bins::packed_alignment || rank >= bound_.get() ||
                   (alignment & below) != 0))
    return nullptr;
  bin_index const bin = packed_bin(bytes, alignment);
  void* block = alignment <= 16 ? bins_.carve(bin) : bins_.carve_wide(bin);
  if (ZMM_UNLIKELY(block == nullptr) && alignment <= 16) block = open_and_carve(bin);
  tag(block, bin, bytes, alignment);
  if (Options::exact_peak && block != nullptr) this->add_live(slot_bytes(bin));
  return block;
}

/// A freed block of alignment 32 or 64; null: everything else. Misses try this first, without a stack frame.
template <class Options>
ZMM_INLINE void* request_heap_own<Options>::take_aside(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, bins::packed_alignment);
  if (!bins::is_wide(alignment) || ZMM_UNLIKELY(rank >= bound_.get())) return nullptr;
  void* const block = bins_.pop_wide(classes::bin_of(rank));
  tag(block, classes::bin_of(rank), bytes, alignment);
  if (Options::exact_peak && block != nullptr) this->add_live(slot_bytes(classes::bin_of(rank)));
  return block;
}

template <class Options>
ZMM_INLINE void request_heap_own<Options>::handed_out(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  bool const packed = is_packed(bytes, alignment);
  if (packed) tag(block, packed_bin(bytes, alignment), bytes, alignment);
  if constexpr (Options::exact_peak)
    this->add_live(packed ? slot_bytes(packed_bin(bytes, alignment)) : bytes_of(table_.back()));
}

/// A packed block, from a fresh slab if need be: the smallest slab has room for any of them.
template <class Options>
void* request_heap_own<Options>::take_packed(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  bin_index const bin = packed_bin(bytes, alignment);
  do {
    if (void* const block = alignment > 16 ? bins_.pop_wide(bin) : bins_.pop(bin)) return block;
    if (void* const block = alignment > 16 ? bins_.carve_wide(bin) : bins_.carve(bin)) return block;
  } while (open_slab(asked));
  return nullptr;
}

/// The usual miss: the slab is used up, and nothing stands in the way of another. Null leaves the rest to the slow
/// path.
template <class Options> ZMM_NOINLINE void* request_heap_own<Options>::open_and_carve(bin_index bin) noexcept {
  if (is_pool_sampled()) return nullptr;
  admission asked;
  return open_slab(asked) ? bins_.carve(bin) : nullptr;
}

/// Opens another slab: as large as all slabs so far together, or as large as limits and storage allow.
template <class Options> ZMM_INLINE bool request_heap_own<Options>::open_slab(admission& asked) noexcept {
  std::size_t order = 0;
  if (slab_bytes_ == 0) {
    order = pool_->first_order();
  } else {
    if (ZMM_UNLIKELY(slab_bytes_ >= counted_from)) note_full_slab();
    order = orders::next(slab_bytes_);
  }
  slab* fresh = nullptr;
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
ZMM_INLINE bool request_heap_own<Options>::admits(std::size_t bytes, admission& asked) const noexcept {
  asked.lifted = false;
  for (request_heap_own const* h = this; h != nullptr; h = h->parent_) {
    asked.lifted = asked.lifted || h->gate_.lifted();
    if (!h->book_.admits(bytes, asked) && !h->is_lifted_by_end(asked)) {
      asked.whose = h == this ? limit_holder::engine : limit_holder::ancestor;
      return false;
    }
  }
  return true;
}

/// While a request ends, no limit of its family binds, not even that of a child in which an entry allocates.
template <class Options> ZMM_COLD bool request_heap_own<Options>::is_lifted_by_end(admission& asked) const noexcept {
  for (request_heap_own const* h = this; h != nullptr; h = h->parent_) asked.lifted = asked.lifted || h->ending_;
  return asked.lifted;
}

/// The request's own hook, else the nearest ancestor's. Returns: whether to try again.
template <class Options> ZMM_COLD bool request_heap_own<Options>::ask_hook(std::size_t bytes) noexcept {
  request_heap_own* h = this;
  while (h != nullptr && !h->gate_.has_hook()) h = h->parent_;
  if (h == nullptr || !h->gate_.can_ask()) return false;
  for (request_heap_own* w = this; w != h->parent_; w = w->parent_) w->waits_ = true;
  bool const again = h->gate_.ask(bytes);
  for (request_heap_own* w = this; w != h->parent_; w = w->parent_) w->waits_ = false;
  return again;
}

template <class Options>
ZMM_INLINE bool request_heap_own<Options>::give_aside(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, bins::packed_alignment);
  if (!bins::is_wide(alignment) || rank >= bound_.get()) return false;
  if constexpr (Options::check_frees) free_packed(block, classes::bin_of(rank), bytes, alignment);
  bins_.push_wide(classes::bin_of(rank), block);
  wipe_freed(block, classes::bin_of(rank), bytes);
  add_dead(classes::bin_of(rank));
  return true;
}

/// Any block. Requires: bytes > 0.
template <class Options>
ZMM_INLINE bool request_heap_own<Options>::give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (!is_packed(bytes, alignment)) {
    if constexpr (Options::check_frees) check_paged(block, bytes, alignment);
    std::size_t const freed = give_paged(block);
    this->remove_live(freed);
    return false;
  }
  bin_index const bin = packed_bin(bytes, alignment);
  if constexpr (Options::check_frees) free_packed(block, bin, bytes, alignment);
  alignment > 16 ? bins_.push_wide(bin, block) : bins_.push(bin, block);
  wipe_freed(block, bin, bytes);
  add_dead(bin);
  return true;
}

}}}  // namespace zmm::detail

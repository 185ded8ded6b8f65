// The request heap as a whole: its watch, limits, figures, verification.
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The watch of a child stands in its parent's: what a child takes is charged to its parent, so threads that use two
/// children of one request are both inside that request. Settled when the watch is made: a parent keeps its watch to
/// its end.
template <class Options>
ZMM_COLD auto request_heap_own<Options>::make_watch(void const* heap) noexcept -> typename watched::watch_type* {
  if (auto* const there = watch()) return there;
  if constexpr (Options::list_requests) {
    if (auto* const kept = this->template take_watch<typename watched::watch_type>(*pool_))
      watched::reopen_watch(kept, heap);
  }
  auto* const own = watched::make_watch(heap);
  if (own != nullptr && parent_ != nullptr) own->stand_in(parent_->make_watch(parent_));
  return own;
}
template <class Options>
ZMM_COLD bool request_heap_own<Options>::keeps_watch([[maybe_unused]] typename watched::watch_type* own) noexcept {
  if constexpr (Options::list_requests) return this->keep_watch(*pool_, own);
  return false;
}

/// With list_requests: publishes the figures of the request and its ancestors, which have changed.
template <class Options> void request_heap_own<Options>::note_charged() noexcept {
  if constexpr (Options::list_requests) {
    for (request_heap_own* h = this; h != nullptr; h = h->parent_) h->publish(*pool_, h, h->book_, h->joined_);
  }
}

template <class Options> std::size_t request_heap_own<Options>::remaining() const noexcept {
  std::size_t least = book_.remaining();
  for (request_heap_own const* h = parent_; h != nullptr; h = h->parent_) {
    if (h->book_.remaining() < least) least = h->book_.remaining();
  }
  if (pool_->limit() == ledger::no_limit) return least;
  std::size_t const of_pool = pool_->remaining();
  return of_pool < least ? of_pool : least;
}

/// What callers hold: the table's own memory is not theirs.
template <class Options>
void request_heap_own<Options>::count_live(std::size_t& size, std::size_t& blocks) const noexcept {
  bins_.count_live(size, blocks);
  size += paged_bytes_;
  blocks += table_.size();
  if (table_.memory() == nullptr) return;
  --blocks;
  std::size_t const bytes = table_.memory_bytes();
  if (bytes <= small_limit) {
    size -= slot_bytes(packed_bin(bytes, 1));
    return;
  }
  for (std::size_t i = 0; i < table_.size(); ++i) {  // the table's own memory is in it
    if (table_[i].start() == table_.memory()) size -= bytes_of(table_[i]);
  }
}

template <class Options> void request_heap_own<Options>::count(statistics& s) const noexcept {
  count_live(s.size, s.live_blocks);
  this->count_peak(s);
  if (!Options::exact_peak && s.peak < carved()) s.peak = carved();
  for (slab const* slab = slabs_; slab != nullptr; slab = slab->next) ++s.chunks;
  for (std::size_t i = 0; i < table_.size(); ++i) s.huge_blocks += table_[i].is_huge();
}

/// Invariants:
///     slab_bytes == sum of the slabs; real_size == slab_bytes + paged_bytes + real_size of the children
///     every free packed block lies in a slab or the caller's buffer
///     every paged block's tag is its place in the table; paged_bytes == their sum
template <class Options> void request_heap_own<Options>::verify(void const* heap) const noexcept {
  std::size_t slab_bytes = 0, paged = 0, children = 0;
  for (slab* s = slabs_; s != nullptr; s = s->next) {
    slab_bytes += s->bytes;
    check(slab_bytes <= slab_bytes_, "the list of slabs ends", s, heap);
    check(entry_of(s) == page_entry::slab(s->bytes / geometry::page_bytes), "a slab is marked in the page map", s,
          heap);
    for (std::size_t i = 1; i < s->bytes / geometry::page_bytes; ++i) {
      check(*(&entry_of(s) + i) == page_entry{}, "no entry lies inside a slab", s, heap);
      check(counts_of(s)[i] == 0, "nothing is counted but in a collection", s, heap);
    }
    check(*counts_of(s) == 0 || (slab_bytes_ >= counted_from && *counts_of(s) * 8U < s->bytes),
          "a slab's blocks are counted once it is full", s, heap);
  }
  check(slab_bytes == slab_bytes_, "slab bytes are counted", nullptr, heap);
  bins_.verify(
      [&](void* block, std::size_t bytes) {
        bool inside = block >= buffer_ && offset(block, bytes) <= buffer_ + buffer_bytes_;
        for (slab* s = slabs_; s != nullptr && !inside; s = s->next) {
          inside = block >= s->begin() && offset(block, bytes) <= s->end();
        }
        check(inside, "a free block lies in a slab of the request", block, heap);
      },
      heap);
  for (std::size_t i = 0; i < table_.size(); ++i) {
    paged += bytes_of(table_[i]);
    if constexpr (Options::page_canary) check_run(table_[i]);
    check(tag_of(table_[i].start()) == i, "a paged block knows its place in the table", table_[i].start(), heap);
  }
  check(paged == paged_bytes_, "paged bytes are counted", nullptr, heap);
  for (request_heap_own const* child = first_child_; child != nullptr; child = child->next_sibling_) {
    check(child->parent_ == this, "a child knows its parent", child, heap);
    children += child->book_.real_size();
  }
  check(book_.real_size() == slab_bytes + paged + children, "real_size is what was taken from the pool", nullptr, heap);
}

}}}  // namespace zmm::detail

// What a request gives back before it ends: slabs without a live block.
//
//     open_slab ─ note_full_slab ─ collect_slabs
//     collect, reclaim ─ collect_all ─ collect_slabs
//        └─ drop_everything
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> std::size_t request_heap_own<Options>::collect() noexcept {
  if (slabs_ == nullptr) return 0;
  if (slab_bytes_ >= counted_from && !forwards()) return collect_all();
  return end_.empty() && !is_any_live() ? drop_everything() : 0;
}

/// Gives back slabs without a live block, or, if no block is live, everything: in one look. Requires: slabs are
/// counted.
template <class Options> ZMM_COLD std::size_t request_heap_own<Options>::collect_all() noexcept {
  shrink_table();
  std::size_t const won = collect_slabs();
  return end_.empty() && !bins_.saw_live() && !is_any_paged_live() ? won + drop_everything() : won;
}

/// Effects: gives back everything. Requires: no block is live. Returns: bytes made free.
template <class Options> std::size_t request_heap_own<Options>::drop_everything() noexcept {
  std::size_t const before = slab_bytes_ + paged_bytes_;
  drop_blocks();
  for (slab* s = slabs_; s != nullptr; s = s->next) allow(s, s->bytes);
  pool_->give_slabs(slabs_);
  forget_blocks();
  return before;
}

template <class Options> std::size_t request_heap_own<Options>::trim() noexcept {
  collect();
  return pool_->trim();
}

/// Called when a limit or storage refuses. Takes a look if the last one found few free blocks and something has changed
/// since, or if enough was freed since to pay for a look; else this refusal pays for a small part of the next look. So
/// refusals one after the other cost little, however many blocks are free. Returns: whether memory was made free.
template <class Options> ZMM_COLD bool request_heap_own<Options>::reclaim() noexcept {
  if (slab_bytes_ < counted_from || forwards()) return collect() != 0;
  shrink_table();
  bool const unchanged = next_look_ != 0 && heads_at_look_ == bins_.sum_of_heads();
  bool const found_few = next_look_ <= slab_pages() + 2048 / looked_at_a_page;
  bool const dead_counts = end_.empty() && !is_any_paged_live();
  if ((unchanged || !found_few) && !bins_.is_look_due(unchanged, dead_counts)) return false;
  return collect_all() != 0;
}

/// Whether the table has blocks other than its own memory.
template <class Options> bool request_heap_own<Options>::is_any_paged_live() const noexcept {
  return table_.size() > (table_.memory_bytes() > small_limit ? 1 : 0);
}
/// Gives back the memory of a table without blocks, which would look like a live block.
template <class Options> void request_heap_own<Options>::shrink_table() noexcept {
  std::size_t const bytes = table_.memory_bytes();
  if (table_.size() != 0 || bytes == 0) return;
  void* const room = table_.memory();
  table_.reset();
  give_table_room(room, bytes);
}

/// Whether a caller holds a block. Most often a bin with blocks, none of them free, answers at once.
template <class Options> bool request_heap_own<Options>::is_any_live() const noexcept {
  if (is_any_paged_live()) return true;
  std::size_t const own = table_.memory_bytes();  // the table's memory: nothing, a packed block, or a paged one in itself
  if ((own == 0 || own > small_limit) && bins_.is_surely_live()) return true;
  std::size_t size = 0, blocks = 0;
  count_live(size, blocks);
  return blocks != 0;
}

/// The counts of a slab, in the header of its chunk, one for each of its pages. The first is set once another slab is
/// open: how many bytes of blocks were carved out of the slab, in units of 8; or 0: not counted, because the request
/// had fewer than counted_from bytes of slabs when the slab was opened. The others are 0 except in a collection.
template <class Options> std::uint16_t* request_heap_own<Options>::counts_of(slab const* s) noexcept {
  return chunk_type::of(s)->free_slots + chunk_type::page_of(s);
}

/// Brings the count of the open slab up to date, because another slab is about to follow it. If none follows, more may
/// be carved there.
template <class Options> ZMM_COLD void request_heap_own<Options>::note_full_slab() noexcept {
  constexpr bool fits = orders::bytes(orders::max) / 8 < is_going;
  std::uint16_t& count = *counts_of(slabs_);
  bool const is_counted = fits && is_open_slab_counted();
  count = is_counted ? static_cast<std::uint16_t>(count + (bins_.block_bytes() - counted_bytes_) / 8) : std::uint16_t{0};
  counted_bytes_ = bins_.block_bytes();
  if (slab_bytes_ >= look_from) look_for_free_slabs(0);
}

/// Looks at all free blocks, if enough pages were taken since the last look to pay for another; `pages` more are about
/// to be taken. Returns: bytes made free.
template <class Options>
ZMM_COLD std::size_t request_heap_own<Options>::look_for_free_slabs(std::size_t pages) noexcept {
  next_look_ -= pages < next_look_ ? pages : next_look_;
  return slab_pages() >= next_look_ ? collect_slabs() : 0;
}

template <class Options> ZMM_COLD void request_heap_own<Options>::forget_counts() noexcept {
  next_look_ = 0;
  for (slab* s = slabs_; s != nullptr; s = s->next) *counts_of(s) = 0;
}

/// Free blocks are counted by the page in which they begin; those that begin in a slab's first page are counted in its
/// second, because the first page's cell says how many there are. Null: the block lies in no counted slab.
template <class Options> std::uint16_t* request_heap_own<Options>::count_at(void const* block) const noexcept {
  if (is_in_buffer(block)) return nullptr;
  chunk_type* const c = chunk_type::of(block);
  std::size_t const page = chunk_type::page_of(block);
  page_entry const first = c->map[page];
  if (first == page_entry::slab(1)) return nullptr;
  return c->free_slots + page + (first.kind() == page_kind::slab);
}

/// Effects: slabs whose blocks are all free go back to the pool, except the open one and those that are not counted.
/// Returns: bytes made free. Complexity: linear in the free blocks.
template <class Options> ZMM_COLD std::size_t request_heap_own<Options>::collect_slabs() noexcept {
  if (slab_bytes_ < counted_from || forwards()) return 0;
  if constexpr (Options::check_chunks) check_slabs();
  std::size_t blocks = 0;
  bins_.look([&](void const* block, std::size_t bytes) {
    ++blocks;
    if (std::uint16_t* const count = count_at(block)) *count = static_cast<std::uint16_t>(*count + bytes / 8);
  });
  std::size_t const before = slab_bytes_;
  if (slab* const gone = unlink_free_slabs()) drop_slabs(gone, blocks);
  bins_.end_look(blocks);
  std::size_t const pages = blocks / looked_at_a_page, least = orders::bytes(orders::max) / geometry::page_bytes;
  heads_at_look_ = bins_.sum_of_heads();
  if (slab_bytes_ >= counted_from) next_look_ = slab_pages() + (pages > least ? pages : least);
  return before - slab_bytes_;
}

/// Effects: takes slabs without a live block off the request's list and marks their cells; clears what other slabs'
/// cells counted as free. Returns: the list of the slabs taken off.
template <class Options> slab* request_heap_own<Options>::unlink_free_slabs() noexcept {
  slab* gone = nullptr;
  for (slab** link = &slabs_; slab* const s = *link;) {
    std::uint16_t* const counts = counts_of(s);
    std::size_t const pages = s->bytes / geometry::page_bytes, all = *counts;
    std::size_t free = 0;
    for (std::size_t i = 1; i < pages; ++i) {
      free += counts[i];
      counts[i] = 0;
    }
    if (all == 0 || free != all || s == slabs_ || bins_.has_wide_bins_in(s, s->bytes)) {
      link = &s->next;
      continue;
    }
    *link = s->next;
    s->next = gone;
    gone = s;
    for (std::size_t i = 0; i < pages; ++i) counts[i] = is_going;
  }
  return gone;
}

/// Forgets the free blocks of these slabs, subtracting them from `blocks`, and gives the slabs back to the pool.
template <class Options> void request_heap_own<Options>::drop_slabs(slab* gone, std::size_t& blocks) noexcept {
  note_carved();
  if constexpr (Options::check_frees) this->known = {};  // the pool may unmap their chunks
  std::size_t const forgotten = bins_.forget_free_blocks(
      [&](void const* block) {
        std::uint16_t const* const count = count_at(block);
        return count != nullptr && *count == is_going;
      },
      blocks);
  counted_bytes_ -= forgotten;
  std::size_t bytes = 0;
  for (slab* s = gone; s != nullptr; s = s->next) {
    bytes += s->bytes;
    for (std::size_t i = 0; i < s->bytes / geometry::page_bytes; ++i) counts_of(s)[i] = 0;
    allow(s, s->bytes);
    if constexpr (Options::zero_on_free) zero_bytes(s->begin(), distance(s->begin(), s->end()));
  }
  discharge(bytes);
  slab_bytes_ -= bytes;
  if (slab_bytes_ < counted_from) forget_counts();
  bins_.forget_carved(forgotten, slab_bytes_ + buffer_bytes_);
  pool_->give_slabs(gone);
}

}}}  // namespace zmm::detail

// The request heap's paged blocks: runs and huge blocks of the pool, each noted in the request's table.
#pragma once

#include <zmm/chunk/resize_plan.hpp>
#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> ZMM_INLINE std::size_t request_heap_own<Options>::bytes_of(paged_block block) const noexcept {
  return block.is_huge() ? pool_->find_huge(block.start()).bytes : block.pages() * geometry::page_bytes;
}

/// What its owner may use of it.
template <class Options> std::size_t request_heap_own<Options>::usable_of(paged_block block) const noexcept {
  return bytes_of(block) - (block.is_huge() ? 0 : page_canary_bytes<Options>);
}
template <class Options>
void* request_heap_own<Options>::take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  if (table_.size() >= page_entry::max_tag) return asked.refuse_address();
  paged_block const block = take_pages(bytes, alignment, asked);
  if (block.start() == nullptr) return nullptr;
  if (table_.full() && !grow_table(asked)) {
    give_pages(block);
    return nullptr;
  }
  set_tag(block, table_.size());
  table_.push(block);
  note_carved();
  return block.start();
}

/// Pages or a huge block from the pool, charged, not yet in the table.
template <class Options>
paged_block request_heap_own<Options>::take_pages(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  if (bytes > ~std::size_t{0} / 2) {
    asked.refuse_address();
    return {};
  }
  std::size_t const count = divide_up(bytes + page_canary_bytes<Options>, page);
  std::size_t const aligned = alignment <= page ? 1 : alignment / page;
  bool const is_huge = !page_layer<geometry>::fits_chunk(count, aligned);
  if (asked.growth == growth::none) asked.growth = growth::maybe;
  if (is_huge || chunk_source<geometry>::packs_badly(count)) asked.exact = is_limited();
  if (!admits(is_huge ? align_up(bytes, os_page_size()) : count * page, asked)) return {};
  if (ZMM_UNLIKELY(slab_bytes_ >= look_from)) look_for_free_slabs(count);
  extent taken;
  if (is_huge) taken = pool_->take_huge(bytes, alignment, joined_, asked);
  else taken.start = pool_->take_run(count, aligned, joined_, asked);
  if (taken.start == nullptr) return {};
  bool const is_run = chunk_type::of(taken.start) != taken.start;
  if (is_run) taken.bytes = count * page;
  else if (!is_huge) taken = pool_->find_huge(taken.start);  // a run that packs badly
  charge(taken.bytes);
  paged_bytes_ += taken.bytes;
  paged_block const block{taken.start, is_run ? count : 0};
  if constexpr (Options::page_canary) seal_run(block);
  return block;
}

/// Whether a limit of the request or an ancestor counts what it gets beyond what it asked for.
template <class Options> bool request_heap_own<Options>::is_limited() const noexcept {
  for (request_heap_own const* h = this; h != nullptr; h = h->parent_) {
    if (h->book_.limit() != ledger::no_limit) return true;
  }
  return false;
}

/// Moves the table to larger memory of the request's own: a packed block while that is small, else a paged block, which
/// is then listed in the table itself.
template <class Options> bool request_heap_own<Options>::grow_table(admission& asked) noexcept {
  void* const old = table_.memory();
  std::size_t const old_bytes = table_.memory_bytes(), bytes = table_.grown_bytes();
  if (bytes <= small_limit) {
    void* const room = take_packed(bytes, 1, asked);
    if (room == nullptr) return false;
    allow(room, bytes);  // as a freed block it may be forbidden
    tag(room, packed_bin(bytes, 1), bytes, 1);
    table_.move_to(room, bytes);
  } else {
    paged_block const room = take_pages(bytes, 1, asked);
    if (room.start() == nullptr) return false;
    table_.move_to(room.start(), bytes);
    set_tag(room, table_.size());
    table_.push(room);
  }
  if (old == nullptr) return true;
  if (is_packed(old_bytes, 1)) give_table_room(old, old_bytes);
  else give_paged(old);
  return true;
}
/// The packed block that was the table's memory is free.
template <class Options> void request_heap_own<Options>::give_table_room(void* room, std::size_t bytes) noexcept {
  if constexpr (Options::check_frees) free_packed(room, packed_bin(bytes, 1), bytes, 1);
  bins_.push(packed_bin(bytes, 1), room);
  wipe_freed(room, packed_bin(bytes, 1), bytes);
}

template <class Options> std::size_t request_heap_own<Options>::tag_of(void const* block) const noexcept {
  if (chunk_type::of(block) == block) {
    extent const e = pool_->find_huge(block);
    check(e.start == block, "a freed huge block belongs to this request", block, this);
    return e.number();
  }
  page_entry const entry = entry_of(block);
  check(entry.kind() == page_kind::large, "a freed paged block is live", block, this);
  return entry.tag();
}

template <class Options> void request_heap_own<Options>::set_tag(paged_block block, std::size_t tag) noexcept {
  if (block.is_huge()) return pool_->retag_huge(block.start(), tag);
  entry_of(block.start()) = page_entry::large(tag);
}

/// Frees a paged block by its address, whatever size the caller said it has. Returns: its bytes.
template <class Options> std::size_t request_heap_own<Options>::give_paged(void* block) noexcept {
  std::size_t const tag = tag_of(block);
  check(tag < table_.size() && table_[tag].start() == block, "a freed paged block belongs to this request", block,
        this);
  paged_block const freed = table_[tag];
  if (table_.remove(tag)) set_tag(table_[tag], tag);
  return give_pages(freed);
}

/// A paged block goes back to the pool. Returns: its bytes.
template <class Options> std::size_t request_heap_own<Options>::give_pages(paged_block block) noexcept {
  std::size_t const bytes = bytes_of(block);
  if constexpr (Options::page_canary) check_run(block);
  if (can_switch && ZMM_UNLIKELY(has_samples_)) switched_sampler<engine>.load(memory_order_acquire)->forget(block.start());
  allow(block.start(), bytes);
  if constexpr (Options::zero_on_free) zero_bytes(block.start(), bytes);
  note_carved();
  paged_bytes_ -= bytes;
  discharge(bytes);
  block.is_huge() ? pool_->give_huge(block.start()) : pool_->give_run(block.start(), block.pages());
  return bytes;
}

template <class Options>
std::size_t request_heap_own<Options>::usable_size(void const* block, std::size_t bytes,
                                                   std::size_t alignment) const noexcept {
  if (bytes == 0) bytes = 1;
  if constexpr (Options::check_frees)
    if (!is_packed(bytes, alignment)) check_paged(block, bytes, alignment);
  if (Options::tag_blocks && is_packed(bytes, alignment)) return bytes;
  return is_packed(bytes, alignment) ? classes::usable(packed_bin(bytes, alignment)) : usable_of(table_[tag_of(block)]);
}

/// Whether a live block has pages of its own, without its size. The caller's buffer has no page map to read. Elsewhere
/// a packed block lies in a slab: never at the start of a chunk, which is its header; and where it starts a page, that
/// page is one inside the slab, without an entry in the map.
template <class Options> bool request_heap_own<Options>::is_paged(void const* block) const noexcept {
  if (is_in_buffer(block)) return false;
  if (chunk_type::of(block) == block) return true;
  return is_aligned(block, geometry::page_bytes) && entry_of(block).kind() == page_kind::large;
}

template <class Options>
std::size_t request_heap_own<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                       std::size_t preferred_bytes, admission&) noexcept {
  if constexpr (Options::check_frees) {
    check_memory(block);
    if (!is_paged(block)) return resize_packed(block, min_bytes, preferred_bytes);
    check_paged(block, old_bytes != unknown_size ? old_bytes : 0, 1);
  }
  if (old_bytes == unknown_size && !is_paged(block)) return 0;
  if (old_bytes > classes::largest) {
    // The smallest size that the block may be freed with afterwards must lead to a paged free, as old_bytes does.
    if (min_bytes < old_bytes && min_bytes <= classes::largest) return 0;
    return chunk_type::of(block) == block ? resize_huge(block, min_bytes, preferred_bytes)
                                          : resize_paged(block, min_bytes, preferred_bytes);
  }
  // A packed block, or a paged one by its alignment: sizes of one bin lead to one place at every alignment, because no
  // multiple of an alignment lies inside a bin's span without ending it.
  if (min_bytes == 0 || min_bytes > classes::largest) return 0;
  bin_index const bin = classes::bin_of_bytes(old_bytes != 0 ? old_bytes : 1);
  return classes::bin_of_bytes(min_bytes).value == bin.value ? classes::usable(bin) : 0;
}

template <class Options>
std::size_t request_heap_own<Options>::resize_paged(void* block, std::size_t min_bytes,
                                                    std::size_t preferred_bytes) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  std::size_t const tag = tag_of(block), now = table_[tag].pages();
  constexpr std::size_t behind = page_canary_bytes<Options>;
  if constexpr (Options::page_canary) check_run(table_[tag]);
  std::size_t wanted =
      plan_run<geometry, behind>(now, min_bytes, preferred_bytes, [&] { return pool_->free_behind(block, now); });
  if (wanted == 0 || wanted == now) return wanted == 0 ? 0 : usable_of(table_[tag]);
  note_carved();
  if (wanted < now) {
    allow(offset(block, wanted * page), (now - wanted) * page);
    if constexpr (Options::zero_on_free) zero_bytes(offset(block, wanted * page), (now - wanted) * page);
    pool_->give_run(offset(block, wanted * page), now - wanted);
    discharge((now - wanted) * page);
  } else {
    admission asked;
    if (!admits((wanted - now) * page, asked)) wanted = divide_up(min_bytes + behind, page);
    if (!admits((wanted - now) * page, asked)) return 0;
    if (!pool_->extend_run(block, now, wanted - now)) return 0;
    charge((wanted - now) * page);
    zero_bytes(offset(block, now * page - behind), behind);
  }
  table_[tag] = {block, wanted};
  if constexpr (Options::page_canary) seal_run(table_[tag]);
  paged_bytes_ += (wanted - now) * page;
  this->add_live((wanted - now) * page);
  note_carved();
  return usable_of(table_[tag]);
}

template <class Options>
std::size_t request_heap_own<Options>::resize_huge(void* block, std::size_t min_bytes,
                                                   std::size_t preferred_bytes) noexcept {
  extent const e = pool_->find_huge(block);
  return resize_huge_within(e, min_bytes, preferred_bytes, [&](std::size_t bytes) -> std::size_t {
    std::size_t const wanted = align_up(bytes, os_page_size());
    admission asked;
    if constexpr (Options::guard_pages) asked.guard_huge();
    if ((wanted > e.bytes && !admits(wanted - e.bytes, asked)) || !pool_->resize_huge(block, wanted, asked)) return 0;
    note_carved();
    wanted > e.bytes ? charge(wanted - e.bytes) : discharge(e.bytes - wanted);
    paged_bytes_ += wanted - e.bytes;
    this->add_live(wanted - e.bytes);
    note_carved();
    return wanted;
  });
}

}}}  // namespace zmm::detail

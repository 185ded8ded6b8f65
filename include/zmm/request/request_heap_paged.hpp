// The request heap's paged blocks: runs and huge blocks of the pool, each noted in the request's table.
#pragma once

#include <zmm/request/request_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options>
void* basic_request_heap<Options>::take_paged(std::size_t bytes, std::size_t alignment,
                                              detail::admission& asked) noexcept {
  if (table_.size() >= detail::page_entry::max_tag) return asked.refuse_address();
  detail::paged_block const block = take_pages(bytes, alignment, asked);
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
detail::paged_block basic_request_heap<Options>::take_pages(std::size_t bytes, std::size_t alignment,
                                                            detail::admission& asked) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  if (bytes > ~std::size_t{0} / 2) {
    asked.refuse_address();
    return {};
  }
  std::size_t const count = detail::divide_up(bytes, page);
  std::size_t const aligned = alignment <= page ? 1 : alignment / page;
  bool const is_huge = !detail::page_layer<geometry>::fits_chunk(count, aligned);
  if (asked.growth == detail::growth::none) asked.growth = detail::growth::maybe;
  std::size_t const charged = is_huge ? detail::align_up(bytes, os_page_size()) : count * page;
  if (!admits(charged, asked)) return {};
  void* const start =
      is_huge ? pool_->take_huge(bytes, alignment, 0, joined_, asked) : pool_->take_run(count, aligned, joined_, asked);
  if (start == nullptr) return {};
  charge(charged);
  paged_bytes_ += charged;
  return {start, is_huge ? 0 : count};
}

/// Moves the table to larger memory of the request's own: a packed block while that is small, else a paged block, which
/// then stands in the table itself.
template <class Options> bool basic_request_heap<Options>::grow_table(detail::admission& asked) noexcept {
  void* const old = table_.memory();
  std::size_t const old_bytes = table_.memory_bytes(), bytes = table_.grown_bytes();
  if (bytes <= detail::small_limit) {
    void* const room = take_packed(bytes, 1, asked);
    if (room == nullptr) return false;
    detail::allow(room, bytes);  // as a freed block it may be forbidden
    tag(room, packed_bin(bytes, 1), bytes, 1);
    table_.move_to(room, bytes);
  } else {
    detail::paged_block const room = take_pages(bytes, 1, asked);
    if (room.start() == nullptr) return false;
    table_.move_to(room.start(), bytes);
    set_tag(room, table_.size());
    table_.push(room);
  }
  if (old == nullptr) return true;
  if (!is_packed(old_bytes, 1)) {
    give_paged(old);
    return true;
  }
  if constexpr (Options::tag_blocks) free_packed(old, packed_bin(old_bytes, 1), old_bytes, 1);
  bins_.push(packed_bin(old_bytes, 1), old);
  wipe_freed(old, packed_bin(old_bytes, 1), old_bytes);
  return true;
}

template <class Options> std::size_t basic_request_heap<Options>::tag_of(void const* block) const noexcept {
  if (chunk_type::of(block) == block) {
    detail::extent const e = pool_->find_huge(block);
    detail::check(e.start == block, "a freed huge block belongs to this request", block, this);
    return e.tag;
  }
  detail::page_entry const entry = entry_of(block);
  detail::check(entry.kind() == detail::page_kind::large, "a freed paged block is live", block, this);
  return entry.tag();
}

template <class Options>
void basic_request_heap<Options>::set_tag(detail::paged_block block, std::size_t tag) noexcept {
  if (block.is_huge()) return pool_->retag_huge(block.start(), tag);
  entry_of(block.start()) = detail::page_entry::large(tag);
}

/// Frees by address, whatever size the block is said to have. Returns: its bytes.
template <class Options> std::size_t basic_request_heap<Options>::give_paged(void* block) noexcept {
  std::size_t const tag = tag_of(block);
  detail::check(tag < table_.size() && table_[tag].start() == block, "a freed paged block belongs to this request",
                block, this);
  detail::paged_block const freed = table_[tag];
  if (table_.remove(tag)) set_tag(table_[tag], tag);
  return give_pages(freed);
}

/// A paged block goes back to the pool. Returns: its bytes.
template <class Options> std::size_t basic_request_heap<Options>::give_pages(detail::paged_block block) noexcept {
  std::size_t const bytes = bytes_of(block);
  detail::allow(block.start(), bytes);
  if constexpr (Options::zero_on_free) {
    if (!block.is_huge()) detail::zero_bytes(block.start(), bytes);
  }
  note_carved();
  paged_bytes_ -= bytes;
  discharge(bytes);
  block.is_huge() ? pool_->give_huge(block.start()) : pool_->give_run(block.start(), block.pages());
  return bytes;
}

template <class Options>
std::size_t basic_request_heap<Options>::usable_size(void const* block, std::size_t bytes,
                                                     std::size_t alignment) const noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::usable_size(*this, block);
  if (bytes == 0) bytes = 1;
  if constexpr (Options::tag_blocks) {
    if (is_packed(bytes, alignment)) return bytes;
  }
  return is_packed(bytes, alignment) ? detail::slot_bytes(packed_bin(bytes, alignment))
                                     : bytes_of(table_[tag_of(block)]);
}

/// Whether a live block has pages of its own, told without its size. The caller's buffer has no page map: nothing may be
/// read there. Elsewhere a packed block lies in a slab: never at the start of a chunk, which is its header; and where it
/// starts a page, that page is one inside the slab, without an entry in the map.
template <class Options> bool basic_request_heap<Options>::is_paged(void const* block) const noexcept {
  if (detail::address_of(block) - detail::address_of(buffer_) < buffer_bytes_) return false;
  if (chunk_type::of(block) == block) return true;
  return detail::is_aligned(block, geometry::page_bytes) && entry_of(block).kind() == detail::page_kind::large;
}

template <class Options>
std::size_t basic_request_heap<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                         std::size_t preferred_bytes) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::resize_in_place(*this, block, min_bytes);
  if constexpr (Options::tag_blocks) {
    check_memory(block);
    if (!is_paged(block)) return resize_packed(block, min_bytes, preferred_bytes);
  }
  if (old_bytes == detail::unknown_size && !is_paged(block)) return 0;
  if (old_bytes > classes::largest) {
    // The smallest size the block may then be freed with must lead to a paged free, as old_bytes does.
    if (min_bytes < old_bytes && min_bytes <= classes::largest) return 0;
    return chunk_type::of(block) == block ? resize_huge(block, min_bytes, preferred_bytes)
                                          : resize_paged(block, min_bytes, preferred_bytes);
  }
  // A packed block, or a paged one by its alignment: sizes of one bin lead to one place at every alignment, because no
  // multiple of an alignment lies inside a bin's span without ending it.
  if (min_bytes == 0 || min_bytes > classes::largest) return 0;
  detail::bin_index const bin = classes::bin_of_bytes(old_bytes != 0 ? old_bytes : 1);
  return classes::bin_of_bytes(min_bytes).value == bin.value ? classes::usable(bin) : 0;
}

template <class Options>
std::size_t basic_request_heap<Options>::resize_paged(void* block, std::size_t min_bytes,
                                                      std::size_t preferred_bytes) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  std::size_t const tag = tag_of(block), now = table_[tag].pages(), usable = now * page;
  if (min_bytes <= usable && preferred_bytes >= usable) return usable;
  if (min_bytes > detail::large_limit<geometry>) return 0;
  if (preferred_bytes > detail::large_limit<geometry>) preferred_bytes = detail::large_limit<geometry>;
  std::size_t wanted = detail::divide_up(preferred_bytes != 0 ? preferred_bytes : 1, page);
  note_carved();
  if (wanted < now) {
    pool_->give_run(detail::offset(block, wanted * page), now - wanted);
    discharge((now - wanted) * page);
  } else {
    std::size_t const reach = now + pool_->free_behind(block, now);
    std::size_t const least = detail::divide_up(min_bytes, page);
    if (wanted > reach) wanted = reach;
    detail::admission asked;
    if (wanted < least ||
        (!admits((wanted - now) * page, asked) && (wanted = least, !admits((wanted - now) * page, asked))))
      return 0;
    if (!pool_->extend_run(block, now, wanted - now)) return 0;
    charge((wanted - now) * page);
  }
  table_[tag] = {block, wanted};
  paged_bytes_ += (wanted - now) * page;
  if constexpr (Options::exact_peak) add_live((wanted - now) * page);
  note_carved();
  return wanted * page;
}

template <class Options>
std::size_t basic_request_heap<Options>::resize_huge(void* block, std::size_t min_bytes,
                                                     std::size_t preferred_bytes) noexcept {
  detail::extent const e = pool_->find_huge(block);
  std::size_t const usable = e.bytes;
  if (min_bytes <= usable && preferred_bytes >= usable) return usable;
  if (preferred_bytes > ~std::size_t{0} / 2) preferred_bytes = min_bytes;
  for (std::size_t bytes : {e.next_step(min_bytes, preferred_bytes), min_bytes}) {
    std::size_t const wanted = detail::align_up(bytes, os_page_size());
    detail::admission asked;
    if constexpr (Options::guard_pages) asked.guard_huge();
    if (wanted < bytes || (wanted > usable && !admits(wanted - usable, asked))) continue;
    if (!pool_->resize_huge(block, wanted, asked)) continue;
    note_carved();
    wanted > usable ? charge(wanted - usable) : discharge(usable - wanted);
    paged_bytes_ += wanted - usable;
    if constexpr (Options::exact_peak) add_live(wanted - usable);
    note_carved();
    return wanted;
  }
  return min_bytes <= usable ? usable : 0;
}

}}  // namespace zmm

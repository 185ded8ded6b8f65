// A watched block from its allocation to its reuse.
#pragma once

#include <zmm/watch/block_watch.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Sites>
template <class Bare, class Site>
void* block_watch<Sites>::allocate(Bare bare, std::size_t bytes, std::size_t alignment, Site where) noexcept {
  entered const guard(*this);
  if (bytes > ~std::size_t{0} / 2 || alignment > ~std::size_t{0} / 4 || !make_room()) return nullptr;
  watched_block block{};
  block.room = block.bytes = block.least = bytes;
  block.log_alignment = block.log_named = static_cast<std::uint8_t>(lowest_bit(alignment));
  std::size_t const outer = outer_bytes(block);
  void* const base = take(bare, outer, alignment);
  if (base == nullptr) return nullptr;
  if (!make_room()) {  // a limit's hook, or another thread, may have allocated
    bare.give(base, outer, alignment);
    return nullptr;
  }
  void* const start = offset(base, front_zone(block));
  block.key = ~address_of(start);
  block.number = ++allocations_;
  block.site = sites_.note_allocated(where, bytes);
  live_bytes_ += bytes;
  if (live_bytes_ - replaced_bytes(where) > peak_bytes_) peak_bytes_ = live_bytes_ - replaced_bytes(where);
  dress(table_.insert(block));
  return start;
}

template <class Sites>
template <class Bare>
void block_watch<Sites>::deallocate(Bare bare, void* p, std::size_t bytes, std::size_t alignment) noexcept {
  entered const guard(*this);
  watched_block* const block = live_at(p, "a freed block is live");
  if (block == nullptr) return;
  bool const is_named = bytes == unknown_size ||
                        (bytes >= block->least && bytes <= block->bytes && alignment == block->named_alignment());
  if (!is_named) stop_at("a block is freed with the size and alignment it was allocated with", *block);
  check_zones(*block);
  retire(bare, *block);
}

template <class Sites> template <class Bare> void block_watch<Sites>::end_all(Bare bare) noexcept {
  entered const guard(*this);
  verify_blocks();
  table_.for_each([&](watched_block& b) {
    if (policy_.forwards) bare.give(b.start(), b.room, b.alignment());
    else hide(b, pattern::freed);
  });
  table_.clear();
  quarantined_.clear();
  sites_.note_end();
  live_bytes_ = peak_bytes_ = quarantined_bytes_ = 0;
}

template <class Sites> template <class Bare> void block_watch<Sites>::retire(Bare bare, watched_block& b) noexcept {
  sites_.note_freed(b.site, b.bytes);
  live_bytes_ -= b.bytes;
  if (policy_.forwards) {
    watched_block const gone = b;
    table_.erase(&b);
    bare.give(gone.start(), gone.room, gone.alignment());
    return;
  }
  b.is_freed = true;
  hide(b, pattern::freed);
  quarantined_.push(b.start());
  quarantined_bytes_ += b.room;
  while (quarantined_bytes_ > policy_.quarantine && !quarantined_.empty()) evict(bare);
}

template <class Sites> template <class Bare> void block_watch<Sites>::evict(Bare bare) noexcept {
  watched_block* const found = table_.find(quarantined_.pop());
  check_freed(*found);
  watched_block const gone = *found;
  table_.erase(found);
  quarantined_bytes_ -= gone.room;
  allow(base_of(gone), outer_bytes(gone));
  if (!bare.give(base_of(gone), outer_bytes(gone), gone.alignment())) return;
  std::size_t const link = front_zone(gone) != 0 ? 0 : zone_bytes;  // the engine's, at the base
  if (gone.room > link) forbid(offset(gone.start(), link), gone.room - link);
}

}}}  // namespace zmm::detail

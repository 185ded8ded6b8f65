// Blocks of one size in bulk, over any engine.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/base/utility.hpp>
#include <zmm/blocks/block_list.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Whether the engine has bulk operations of its own: pop_blocks(), push_blocks().
template <class Heap, class = void> inline constexpr bool has_bulk = false;
template <class Heap>
inline constexpr bool has_bulk<Heap, decltype(declval<Heap&>().push_blocks(0, 0, declval<block_list&>()))> = true;

/// Effects: frees the blocks of `list`, each of `bytes` at `alignment`; it is empty then.
template <class Heap>
void deallocate_list(Heap& heap, std::size_t bytes, std::size_t alignment, block_list& list) noexcept {
  if constexpr (has_bulk<Heap>) heap.push_blocks(bytes, alignment, list);
  while (!list.empty()) heap.deallocate_nonnull(list.pop_front(), bytes, alignment);
}

/// Frees what is on its list unless that was taken over.
template <class Heap> struct list_guard {
  ~list_guard() { deallocate_list(heap, bytes, alignment, list); }

  Heap& heap;
  std::size_t bytes, alignment;
  block_list list{};
};

/// Returns: a block of `bytes` at `alignment` that has room for a link. A smaller one is allocated with that room and
/// then resized, after which either size frees it. Throws: as Heap::allocate().
template <class Heap> void* allocate_linkable(Heap& heap, std::size_t bytes, std::size_t alignment) {
  std::size_t const room = bytes < sizeof(free_slot) ? sizeof(free_slot) : bytes;
  void* const block = heap.allocate(room, alignment, typename Heap::site{});
  if (room != bytes) static_cast<void>(heap.resize_in_place(block, room, bytes, room));
  return block;
}

/// Returns: `count` blocks of `bytes` at `alignment`. Throws: as Heap::allocate(); then no block stays allocated.
template <class Heap>
block_list allocate_list(Heap& heap, std::size_t bytes, std::size_t alignment, std::size_t count) {
  list_guard<Heap> fresh{heap, bytes, alignment};
  for (;;) {
    if constexpr (has_bulk<Heap>) heap.pop_blocks(bytes, alignment, count - fresh.list.size(), fresh.list);
    if (fresh.list.size() == count) return static_cast<block_list&&>(fresh.list);
    fresh.list.push_back(allocate_linkable(heap, bytes, alignment));
  }
}

}}}  // namespace zmm::detail

// Blocks of one size in bulk, over any engine.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/blocks/block_list.hpp>

#include <utility>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Whether the engine has bulk operations of its own: pop_blocks(), push_blocks().
template <class Heap, class = void> inline constexpr bool has_bulk = false;
template <class Heap>
inline constexpr bool has_bulk<Heap, decltype(std::declval<Heap&>().push_blocks(0, 0, std::declval<block_list&>()))> =
    true;

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

/// Returns: `count` blocks of `bytes` at `alignment`. Throws: as Heap::allocate(); then none is left behind. Requires: a
/// block has room for a pointer.
template <class Heap>
block_list allocate_list(Heap& heap, std::size_t bytes, std::size_t alignment, std::size_t count) {
  list_guard<Heap> fresh{heap, bytes, alignment};
  for (;;) {
    if constexpr (has_bulk<Heap>) heap.pop_blocks(bytes, alignment, count - fresh.list.size(), fresh.list);
    if (fresh.list.size() == count) return std::move(fresh.list);
    fresh.list.push_back(heap.allocate(bytes, alignment, typename Heap::site{}));
  }
}

}}}  // namespace zmm::detail

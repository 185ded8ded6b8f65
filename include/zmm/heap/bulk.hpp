// Blocks of one size in bulk, for engines that have no way of their own.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/heap/block_chain.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Effects: frees the blocks of `list`, each of `bytes` at `alignment`; it is empty then.
template <class Heap>
void deallocate_list(Heap& heap, std::size_t bytes, std::size_t alignment, block_list& list) noexcept {
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
  while (fresh.list.size() != count) fresh.list.push_back(heap.allocate(bytes, alignment));
  return std::move(fresh.list);
}

}}}  // namespace zmm::detail

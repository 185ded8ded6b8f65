// The heap's blocks, when callers' pointers are checked.
#pragma once

#include <zmm/heap/heap.hpp>
#include <zmm/heap/heap_core_checked.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> void basic_heap<Options>::draw_keys() noexcept {
  core_.rekey(detail::block_keys::draw(), this);
}

template <class Options> void basic_heap<Options>::deallocate_found(void* block) noexcept {
  if (block == nullptr) return;
  detail::page_entry const entry = core_.paged_entry_at(block);
  if (!core_type::is_huge(block) && entry.kind() == detail::page_kind::small)
    return push(core_.free_found(block, entry), block);
  core_.check_paged(block, entry, 0, 1);
  deallocate_paged(block);
}

template <class Options> std::size_t basic_heap<Options>::checked_size(void const* block) const noexcept {
  if (block == nullptr) return 0;
  bool const is_huge = core_type::is_huge(block);
  return core_.checked_size(block, is_huge ? detail::page_entry{} : core_.entry_seen(source_, block));
}

}}  // namespace zmm

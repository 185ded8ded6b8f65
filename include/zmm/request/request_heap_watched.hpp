// The request under a watch, which takes memory from it and gives it back; and forwarding to malloc.
#pragma once

#include <zmm/request/request_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> ZMM_COLD void basic_request_heap<Options>::forward() noexcept {
  bound_.forward();
  bins_.forward();
}

/// A block of malloc's, charged as it is. The pool has no part in it.
template <class Options>
ZMM_COLD void* basic_request_heap<Options>::take_forwarded(std::size_t bytes, std::size_t alignment,
                                                           detail::admission& asked) noexcept {
  if (!admits(bytes, asked)) return nullptr;
  void* const block = detail::forwarded_block(bytes, alignment);
  if (block == nullptr) return asked.refuse_storage(bytes, alignment);
  charge(bytes);
  return block;
}

/// As allocate_rest(), from malloc.
template <class Options>
ZMM_COLD void* basic_request_heap<Options>::allocate_forwarded(std::size_t bytes, std::size_t alignment,
                                                               detail::admission& asked) noexcept {
  return detail::obtain(
      asked, [&](detail::admission& again) { return take_forwarded(bytes, alignment, again); }, [] { return false; },
      [&] { return ask_hook(bytes); });
}

/// Returns: whether the bytes stay as they are, but for the first and last words.
template <class Options>
ZMM_COLD bool basic_request_heap<Options>::give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (forwards()) {
    detail::zmm_free(block);
    discharge(bytes);
    return false;
  }
  deallocate_plain(block, bytes, alignment);
  return is_packed(bytes, alignment);
}

}}  // namespace zmm

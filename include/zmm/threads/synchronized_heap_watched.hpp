// The synchronized heap under a watch, which takes memory from it and gives it back; and forwarding to malloc.
#pragma once

#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A block of malloc's, charged as it is.
template <class Options>
ZMM_COLD void* basic_synchronized_heap<Options>::take_forwarded(std::size_t bytes, std::size_t alignment,
                                                                detail::admission& asked) noexcept {
  bool const is_charged = source_.locked([&](auto& s) {
    if (!s.book().admits(bytes, asked)) return false;
    s.book().add(bytes);
    return true;
  });
  if (!is_charged) return nullptr;
  void* const block = detail::forwarded_block(bytes, alignment);
  if (block != nullptr) return block;
  source_.locked([&](auto& s) { s.book().subtract(bytes); });
  return asked.refuse_storage(bytes, alignment);
}

/// As allocate_rest(), from malloc.
template <class Options>
ZMM_COLD void* basic_synchronized_heap<Options>::allocate_forwarded(std::size_t bytes, std::size_t alignment,
                                                                    detail::admission& asked) noexcept {
  part_type* const own = part_or_join(asked);
  if (own == nullptr) return nullptr;
  asked.lifted = own->gate.lifted();
  return detail::obtain(
      asked, [&](detail::admission& again) { return take_forwarded(bytes, alignment, again); }, [] { return false; },
      [&] { return ask_hook(own, bytes); });
}

/// Returns: whether the bytes stay as they are, but for the first and last words.
template <class Options>
ZMM_COLD bool basic_synchronized_heap<Options>::give_bare(void* block, std::size_t bytes,
                                                          std::size_t alignment) noexcept {
  if (forwards()) {
    detail::zmm_free(block);
    source_.locked([&](auto& s) { s.book().subtract(bytes); });
    return false;
  }
  if (classes::rank_of(bytes, alignment) < detail::small_limit) {
    free_small(part(), block, bytes, alignment);
    return true;
  }
  if constexpr (Options::check_frees) {
    part_type* const own = checking_part(block);
    own->check_paged(block, own->seen_entry_at(block), bytes, alignment);
  }
  deallocate_paged(block);
  return false;
}

}}  // namespace zmm

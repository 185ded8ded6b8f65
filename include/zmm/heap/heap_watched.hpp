// The heap under a watch, which takes memory from it and gives it back; and forwarding to malloc.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> ZMM_COLD void basic_heap<Options>::forward() noexcept {
  bound_.forward();
  core_.forward();
}

/// A block of malloc's, charged as it is.
template <class Options>
ZMM_COLD void* basic_heap<Options>::take_forwarded(std::size_t bytes, std::size_t alignment,
                                                   detail::admission& asked) noexcept {
  if (!source_.book().admits(bytes, asked)) return nullptr;
  void* const block = detail::forwarded_block(bytes, alignment);
  if (block == nullptr) return asked.refuse_storage(bytes, alignment);
  source_.book().add(bytes);
  return block;
}

/// As allocate_rest(), from malloc.
template <class Options>
ZMM_COLD void* basic_heap<Options>::allocate_forwarded(std::size_t bytes, std::size_t alignment,
                                                       detail::admission& asked) noexcept {
  asked.lifted = gate_.lifted();
  return detail::obtain(
      asked, [&](detail::admission& again) { return take_forwarded(bytes, alignment, again); }, [] { return false; },
      [&] { return gate_.can_ask() && gate_.ask(bytes); });
}

/// Returns: whether the bytes stay as they are, but for the first and last words.
template <class Options>
ZMM_COLD bool basic_heap<Options>::give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (forwards()) {
    detail::zmm_free(block);
    source_.book().subtract(bytes);
    return false;
  }
  std::size_t const rank = classes::rank_of(bytes, alignment);
  if (rank >= detail::small_limit) {
    if constexpr (Options::check_frees) core_.check_paged(block, core_.paged_entry_at(block), bytes, alignment);
    deallocate_paged(block);
    return false;
  }
  if constexpr (Options::check_frees) core_.free_small(block, classes::bin_of(rank), bytes, alignment);
  push(classes::bin_of(rank), block);
  core_.wipe_freed(block, classes::bin_of(rank), bytes);
  return true;
}

}}  // namespace zmm

// The synchronized heap off its hit paths: misses of slots, paged blocks, blocks that change size.
#pragma once

#include <zmm/threads/synchronized_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What this thread's cache has at hand; null: the slow path has to look. A heap without an entry of its own comes here for
/// every slot, so the list is looked at first.
template <class Options>
ZMM_INLINE void* synchronized_heap_own<Options>::take_fresh(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, alignment);
  cache_type* const own = held_cache();
  if (ZMM_UNLIKELY(rank >= this->bound_.get() || (alignment & (alignment - 1)) != 0 || own == nullptr)) return nullptr;
  bin_index const bin = classes::bin_of(rank);
  void* slot = lease_.is_own() ? nullptr : own->pop(bin);
  if (slot == nullptr) slot = own->bump(bin);
  return tagged(own, slot, bytes, alignment);
}

/// Where this thread's run has stopped. What was not at hand before comes here, so the list is empty.
template <class Options>
void* synchronized_heap_own<Options>::take_ahead(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rank = classes::rank_of(bytes, alignment);
  if (rank >= this->bound_.get() || (alignment & (alignment - 1)) != 0) return nullptr;
  cache_type* const own = held_cache();
  if (own == nullptr) return nullptr;
  return tagged(own, own->go_on(classes::bin_of(rank)), bytes, alignment);
}

template <class Options>
void* synchronized_heap_own<Options>::attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  cache_type* const own = cache_or_join(asked);  // null in a thread without a cache
  std::size_t const rank = classes::rank_of(bytes, alignment);
  if (rank >= classes::limit || own == nullptr) {
    void* const block = central_.attempt(bytes, alignment, asked);
    if constexpr (Options::tag_blocks) {
      if (block != nullptr && rank < classes::limit)
        central_.blocks().tags().write(block, classes::bin_of(rank), bytes, alignment);
    }
    return block;
  }
  bin_index const bin = classes::bin_of(rank);
  void* slot = own->pop(bin);
  if (slot == nullptr) slot = own->bump(bin);
  if (slot == nullptr) slot = own->go_on(bin);
  if (slot == nullptr) slot = central_.refill(*own, bin, asked);
  return tagged(own, slot, bytes, alignment);
}

/// Calls the hook, unless this thread is in it already; all threads without a cache count as one. Returns: whether to
/// try again.
template <class Options>
ZMM_COLD bool synchronized_heap_own<Options>::ask_hook(std::size_t bytes) noexcept {
  cache_type* const own = held_cache();
  limit_hook_type hook = nullptr;
  void* user = nullptr;
  central_.source().locked([&](auto&) {
    hook = hook_.get();
    user = hook_.user();
  });
  if (own != nullptr) {
    own->gate.set_hook(hook, user);
    return own->gate.can_ask() && own->gate.ask(bytes);
  }
  if (hook == nullptr || asks_without_cache_.exchange(true, detail::memory_order_acquire)) return false;
  bool const again = hook(user, bytes);
  asks_without_cache_.store(false, detail::memory_order_release);
  return again;
}

/// Frees a slot for which the cache in the heap's entry had no room, or for which there was none.
template <class Options>
ZMM_NOINLINE void synchronized_heap_own<Options>::give_back(void* block, bin_index bin) noexcept {
  cache_type* own = held_cache();
  if (ZMM_UNLIKELY(own == nullptr)) {
    admission asked;
    own = cache_or_join(asked);
    if (own == nullptr) return central_.give_slot(bin, block);
  }
  if (own->push(bin, block)) return;
  if (free_slot* const magazine = own->look(bin)) central_.give(bin, magazine);
  own->push(bin, block);
}

/// Frees a paged block by its address, whatever size the caller said it has.
template <class Options> ZMM_NOINLINE void synchronized_heap_own<Options>::give_paged(void* block) noexcept {
  central_.free_paged(block);
}

template <class Options> void synchronized_heap_own<Options>::give_found(void* block) noexcept {
  if constexpr (Options::check_frees) return give_found_checked(block);
  if (ZMM_LIKELY(core_type::is_small(block))) {
    bin_index const bin = core_type::entry_of(block).bin();
    if (ZMM_UNLIKELY(!cache()->push(bin, block))) give_back(block, bin);
    return;
  }
  if (block != nullptr) give_paged(block);
}

/// As heap_own::resize_or_move().
template <class Options>
void* synchronized_heap_own<Options>::resize_or_move(void* block, std::size_t bytes, std::size_t alignment,
                                                     admission& asked) noexcept {
  if (core_type::is_small(block)) return central_.blocks().resize_slot(block, bytes, alignment);
  return central_.reallocate_paged(block, bytes, alignment, asked);
}

template <class Options>
std::size_t synchronized_heap_own<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                            std::size_t preferred_bytes, admission& asked) noexcept {
  if constexpr (Options::check_frees) {
    std::size_t granted = 0;
    core_type const& blocks = central_.blocks();
    if (blocks.resize_checked(block, seen_entry_at(block), old_bytes, min_bytes, preferred_bytes, granted))
      return granted;
  }
  return central_.resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
}

/// Charges a block that malloc serves with its exact size. The thread gets a cache first, so that the hook's state is
/// its own.
template <class Options>
ZMM_COLD bool synchronized_heap_own<Options>::charge(std::size_t bytes, admission& asked) noexcept {
  static_cast<void>(cache_or_join(asked));
  return central_.source().locked([&](auto& s) { return s.book().charge(bytes, asked); });
}

}}}  // namespace zmm::detail

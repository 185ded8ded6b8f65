// Which entry of every thread's record a heap for threads uses.
#pragma once

#include <zmm/storage/own_record.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A heap's entry: one of its own while the heap lives; or, if there was none left, the last one, which stays no_cache
/// in every record: then the heap's caches are found by its generation.
struct entry_lease {
  std::size_t entry;
  std::uint64_t generation;  ///< of the heap: no other in the process has it; not 0

  bool is_own() const noexcept { return entry < thread_record::own_entries; }

  /// The cache that this thread's record has for the heap; null if none. A heap without an entry of its own may have a
  /// cache that the record does not tell of.
  void* cache() const noexcept {
    thread_record const& record = *own_thread.record;
    if (!is_own()) return record.find(generation);
    void const* const cache = record.caches[entry];
    if (ZMM_UNLIKELY(cache == &no_cache)) return entry == 0 ? const_cast<void*>(record.hidden) : nullptr;
    return const_cast<void*>(cache);
  }
  /// Effects: enters `cache` in this thread's record. Requires: the thread has a record.
  void note(void* cache) const noexcept {
    if (is_own() && own_thread.record->hidden != cache) own_thread.record->caches[entry] = cache;
    else if (!is_own()) own_thread.record->note(generation, cache);
  }
  /// Effects: takes the heap, which ends, out of the record of any thread. Needs no atomic: what that thread did in the
  /// heap came before, and give() and take() put the next heap that gets the entry after this.
  void clear(thread_record& of) const noexcept {
    if (is_own()) of.caches[entry] = &no_cache;
  }
};

/// Entry 0 and generation 1 are the process's heap's.
inline constexpr entry_lease process_lease{0, 1};

class entry_allotment {
public:
  entry_lease take() noexcept {
    std::uint64_t const generation = last_generation_.fetch_add(1, detail::memory_order_relaxed) + 1;
    for (std::size_t word = 0; word < words; ++word) {
      std::uint64_t used = used_[word].load(detail::memory_order_relaxed);
      while (used != full(word)) {
        std::size_t const bit = lowest_bit(~used);
        // Acquire: pairs with give(). A thread that learns of this heap sees what the last one cleared.
        if (used_[word].compare_exchange_weak(used, used | std::uint64_t{1} << bit, detail::memory_order_acquire,
                                              detail::memory_order_relaxed))
          return {word * 64 + bit, generation};
      }
    }
    return {thread_record::own_entries, generation};
  }
  /// Requires: cleared in all records.
  void give(entry_lease lease) noexcept {
    if (lease.is_own())
      used_[lease.entry / 64].fetch_and(~(std::uint64_t{1} << lease.entry % 64), detail::memory_order_release);
  }

private:
  static constexpr std::size_t words = divide_up(thread_record::own_entries, std::size_t{64});
  static constexpr std::uint64_t full(std::size_t word) noexcept {
    std::size_t const left = thread_record::own_entries - word * 64;
    return left < 64 ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0};
  }

  detail::atomic<std::uint64_t> used_[words] = {{std::uint64_t{1} << process_lease.entry}};
  detail::atomic<std::uint64_t> last_generation_{process_lease.generation};
};
ZMM_SHARED ZMM_CONSTINIT inline entry_allotment entries_in_use;

}}}  // namespace zmm::detail

// Which entry of every thread's record a heap for threads uses.
#pragma once

#include <zmm/storage/own_record.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A heap's entry: its own while the heap lives, or the one that stays no_part; then the heap's parts are among the shared
/// entries.
struct entry_lease {
  std::size_t entry;
  std::uint64_t generation;  ///< of the heap: no other in the process has it; not 0

  bool is_own() const noexcept { return entry < thread_record::own_entries; }

  /// The part that this thread's record holds for the heap, as far as the record alone tells; null if none.
  void* part() const noexcept {
    if (is_own()) return own_record.parts[entry] != &no_part ? const_cast<void*>(own_record.parts[entry]) : nullptr;
    thread_record::shared_entry const& shared = own_record.shared[generation % thread_record::shared_entries];
    return shared.generation == generation ? shared.part : nullptr;
  }
  /// Effects: this thread's record holds `part` for the heap.
  void note(void* part) const noexcept {
    if (is_own()) {
      own_record.parts[entry] = part;
    } else {
      own_record.shared[generation % thread_record::shared_entries] = {generation, part};
    }
  }
  /// Effects: the record, any thread's, holds nothing for the heap, which ends. No atomic: what the record's thread did
  /// in the heap came before, and the next heap that has the entry comes after, by give() and take().
  void clear(thread_record& of) const noexcept {
    if (is_own()) of.parts[entry] = &no_part;
  }
};

/// Entry 0 and generation 1 are the process's heap's.
inline constexpr entry_lease process_lease{0, 1};

class entry_allotment {
public:
  entry_lease take() noexcept {
    std::uint64_t const generation = last_generation_.fetch_add(1, std::memory_order_relaxed) + 1;
    std::uint32_t used = used_.load(std::memory_order_relaxed);
    while (used != all) {
      std::size_t const entry = lowest_bit(~used);
      // Acquire: pairs with give(). What the last heap cleared is clear for whoever learns of this one.
      if (used_.compare_exchange_weak(used, used | 1U << entry, std::memory_order_acquire, std::memory_order_relaxed))
        return {entry, generation};
    }
    return {thread_record::own_entries, generation};
  }
  /// Requires: cleared in all records.
  void give(entry_lease lease) noexcept {
    if (lease.is_own()) used_.fetch_and(~(1U << lease.entry), std::memory_order_release);
  }

private:
  static constexpr std::uint32_t all = (1U << thread_record::own_entries) - 1;

  std::atomic<std::uint32_t> used_{1U << process_lease.entry};
  std::atomic<std::uint64_t> last_generation_{process_lease.generation};
};
ZMM_SHARED inline entry_allotment entries_in_use;

}}}  // namespace zmm::detail

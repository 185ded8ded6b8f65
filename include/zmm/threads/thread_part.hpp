// One thread's part of a heap for any thread.
//
//     slot_after_miss ─ what this thread freed for others, what others sent home, fresh slots
//     free_foreign ─ (list full) send_home ─ remote_list::push
#pragma once

#include <zmm/chunk/shared_source.hpp>
#include <zmm/heap/heap_core.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/storage/own_record.hpp>
#include <zmm/threads/part_state.hpp>
#include <zmm/threads/remote_list.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Slots of a foreign list that goes home: at most 64, and at most 64 KiB of them. A table: a division on each free costs
/// as much as all the rest of it.
struct foreign_limit_table {
  std::uint8_t slots[bin_count];
};
constexpr foreign_limit_table make_foreign_limits() noexcept {
  foreign_limit_table table{};
  for (std::size_t i = 0; i < bin_count; ++i) {
    std::size_t const fit = std::size_t{64 * 1024} / bin_specs[i].slot_bytes;
    table.slots[i] = static_cast<std::uint8_t>(fit < 64 ? fit : 64);
  }
  return table;
}
inline constexpr foreign_limit_table foreign_limits = make_foreign_limits();

/// Blocks in chunks, of which this part is the owner; what its thread freed of other parts' blocks; and what other
/// threads freed of its own.
///
/// A slot of another part joins the bin's *foreign list*. An allocation that finds its own list empty takes that list
/// over whole (the slots stay their owner's, and are foreign again when they are next freed); a full one goes *home*,
/// in one piece to each owner. So an owner's slot may be free in any part's lists, and counts as live in its own until
/// it is home: a run whose slots are not all home is not given back.
///
/// Everything here is the holder's, but for `remote_`, `remote_paged_`, `state` and the published figures.
template <class Options>
class thread_part : public heap_core<Options, shared_source<page_geometry<Options>>>, public thread_member {
public:
  using geometry = page_geometry<Options>;
  using source_type = shared_source<geometry>;
  using core = heap_core<Options, source_type>;
  using chunk_type = typename core::chunk_type;

  explicit thread_part(source_type* from) noexcept : core(from, this) {}

  /// The part whose chunk the block lies in. Requires: the block is not huge.
  ZMM_INLINE static thread_part* owner_of(void const* block) noexcept {
    return static_cast<thread_part*>(chunk_type::of(block)->owner);
  }

  /// The same, to be followed. With check_chunks it is looked up among `parts`, all of the heap's, and what is not there
  /// stops. Complexity: linear in parts.
  static thread_part* owner_among(thread_part* parts, void const* block) noexcept {
    thread_part* const owner = owner_of(block);
    if constexpr (Options::check_chunks) {
      void const* const heap = parts->part_of;
      while (parts != nullptr && parts != owner) parts = parts->next_part;
      check(parts != nullptr, "a chunk belongs to a thread's part of this heap", chunk_type::of(block), heap);
    }
    return owner;
  }

  /// A slot for a bin whose list is empty, without a look at the pages; null: then attempt().
  ZMM_NOINLINE void* slot_after_miss(bin_index bin) noexcept {
    if (foreign_list& own = foreign_[bin.value]; own.head != nullptr) {
      free_slot* const chain = own.head;
      own = {};
      adopted_ |= std::uint32_t{1} << bin.value;
      return core::bins_.adopt(bin, chain);
    }
    if (free_slot* const chain = remote_[bin.value].take_all()) return core::bins_.adopt(bin, chain);
    return core::bump(bin);
  }

  /// As heap_core::attempt(), with what other threads have freed of this part's.
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    bring_paged_home();
    std::size_t const rank = core::classes::rank_of(bytes, alignment);
    if (rank < small_limit) {
      bin_index const bin = core::classes::bin_of(rank);
      if (void* const slot = core::pop(bin)) return slot;
      if (void* const slot = slot_after_miss(bin)) return slot;
    }
    return core::attempt(bytes, alignment, asked);
  }

  /// Effects: a slot of another part is free. Complexity: O(1); one exchange for each list that goes home to an owner.
  ZMM_INLINE void free_foreign(bin_index bin, void* block) noexcept {
    foreign_list& list = foreign_[bin.value];
    core::links().push(list.head, bin, block);
    if (ZMM_UNLIKELY(++list.count == foreign_limit(bin))) send_home(bin);
  }
  /// Effects: a block in a chunk of this part is free. For threads that do not hold the part.
  void free_from_afar(bin_index bin, void* block) noexcept {
    if (state.is_frozen()) return;
    push_from_afar(remote_[bin.value], bin, block);
  }
  void free_paged_from_afar(void* block) noexcept {
    if (state.is_frozen()) return;
    if constexpr (!core::links_type::are_plain) core::links().check_live(block, paged_bin);
    push_from_afar(remote_paged_, paged_bin, block);
  }

  /// Effects: the foreign lists go home. Complexity: linear in their slots, which are few.
  void send_foreign_home() noexcept;
  /// Effects: no slot of another part is left here. Complexity: linear in the free slots of bins that took some over.
  void send_all_home() noexcept;
  /// Effects: the slots and pages that other threads have freed of this part are free here.
  void bring_home() noexcept;
  void bring_paged_home() noexcept {
    for (free_slot* slot = remote_paged_.take_all(); slot != nullptr;) {
      free_slot* const next = core::links().next(slot, paged_bin);
      core::free_paged(slot);
      slot = next;
    }
  }

  /// Effects: forgets every block; the chunks are somebody else's.
  void forget() noexcept;

  /// Adds what is live: own blocks less all free slots that lie here, other parts' included, modulo 2^64.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept;
  void verify(std::size_t adopted, void const* heap) const noexcept;

  /// Effects: other threads may see what is carved here. Returns: by how much that grew, modulo 2^64.
  std::size_t publish() noexcept {
    std::size_t const before = published_bytes_.load(std::memory_order_relaxed);
    published_bytes_.store(core::carved(), std::memory_order_relaxed);
    published_blocks_.store(core::carved_blocks(), std::memory_order_relaxed);
    return core::carved() - before;
  }
  std::size_t published_bytes() const noexcept { return published_bytes_.load(std::memory_order_relaxed); }
  std::size_t published_blocks() const noexcept { return published_blocks_.load(std::memory_order_relaxed); }

  limit_gate<Options::encode_calls> gate;                ///< lifts of this thread
  thread_part* next_part = nullptr;                      ///< in the heap's list of all parts; never changes
  std::atomic<thread_part*> const* all_parts = nullptr;  ///< that list
  part_state<> state;

private:
  /// Runs on their way home are linked like slots of 16 bytes.
  static constexpr bin_index paged_bin{1};

  struct foreign_list {
    free_slot* head = nullptr;
    std::size_t count = 0;
  };
  static std::size_t foreign_limit(bin_index bin) noexcept { return foreign_limits.slots[bin.value]; }

  ZMM_NOINLINE void send_home(bin_index bin) noexcept {
    free_slot* const chain = foreign_[bin.value].head;
    foreign_[bin.value] = {};
    send_home(bin, chain);
  }
  void send_home(bin_index bin, free_slot* chain) noexcept;
  void push_from_afar(remote_list<free_slot>& list, bin_index bin, void* block) noexcept {
    free_slot* slot = nullptr;
    core::links().push(slot, bin, block);
    push_chain(list, bin, slot, slot);
  }
  void push_chain(remote_list<free_slot>& list, bin_index bin, free_slot* first, free_slot* last) noexcept {
    list.push(first, [&](free_slot* head) { core::links().link(last, bin, head); });
  }
  void sort_out(bin_index bin) noexcept;

  foreign_list foreign_[bin_count];
  std::uint32_t adopted_ = 0;  ///< bit i: the list of bin i may hold slots of other parts

  // Written by other threads: on cache lines of their own.
  alignas(64) remote_list<free_slot> remote_[bin_count];
  remote_list<free_slot> remote_paged_;
  std::atomic<std::size_t> published_bytes_{0};
  std::atomic<std::size_t> published_blocks_{0};
};

/// Sends each owner's slots of the chain home, in one piece. Slots of a frozen part are dropped.
template <class Options> void thread_part<Options>::send_home(bin_index bin, free_slot* chain) noexcept {
  while (chain != nullptr) {
    thread_part* const owner = owner_among(all_parts->load(std::memory_order_acquire), chain);
    free_slot *first = nullptr, *last = chain, *rest = nullptr;
    while (chain != nullptr) {
      free_slot* const next = core::links().next(chain, bin);
      free_slot*& pile = owner_of(chain) == owner ? first : rest;
      core::links().link(chain, bin, pile);
      pile = chain;
      chain = next;
    }
    if (!owner->state.is_frozen()) push_chain(owner->remote_[bin.value], bin, first, last);
    chain = rest;
  }
}

/// Takes other parts' slots off a bin's list and sends them home.
template <class Options> void thread_part<Options>::sort_out(bin_index bin) noexcept {
  free_slot* foreign = nullptr;
  for (free_slot* slot = core::bins_.take_list(bin); slot != nullptr;) {
    free_slot* const next = core::links().next(slot, bin);
    if (owner_of(slot) == this) {
      core::put_back(bin, slot);
    } else {
      core::links().link(slot, bin, foreign);
      foreign = slot;
    }
    slot = next;
  }
  send_home(bin, foreign);
}

template <class Options> void thread_part<Options>::send_foreign_home() noexcept {
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    if (foreign_[i].head != nullptr) send_home(bin_index{i});
  }
}

template <class Options> void thread_part<Options>::send_all_home() noexcept {
  send_foreign_home();
  for (; adopted_ != 0; adopted_ &= adopted_ - 1) sort_out(bin_index{static_cast<std::uint8_t>(lowest_bit(adopted_))});
}

template <class Options> void thread_part<Options>::bring_home() noexcept {
  bring_paged_home();
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    for (free_slot* slot = remote_[i].take_all(); slot != nullptr;) {
      free_slot* const next = core::links().next(slot, bin_index{i});
      core::put_back(bin_index{i}, slot);
      slot = next;
    }
  }
}

template <class Options> void thread_part<Options>::forget() noexcept {
  core::forget();
  for (foreign_list& list : foreign_) list = {};
  for (auto& list : remote_) list.reset();
  remote_paged_.reset();
  adopted_ = 0;
  publish();
}

template <class Options> void thread_part<Options>::count_live(std::size_t& size, std::size_t& blocks) const noexcept {
  core::count_live(size, blocks);
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    std::size_t const free = foreign_[i].count + core::count_linked(remote_[i].peek(), bin_index{i});
    size -= free * slot_bytes(bin_index{i});
    blocks -= free;
  }
  for_each_free(core::links(), remote_paged_.peek(), paged_bin, core::most_slots(paged_bin), [&](free_slot* run) {
    size -= core::entry_of(run).tag() * geometry::page_bytes;
    --blocks;
  });
}

template <class Options> void thread_part<Options>::verify(std::size_t adopted, void const* heap) const noexcept {
  core::verify(adopted_ != 0 ? adopted : 0, heap);
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    bin_index const bin{i};
    auto const each = [&](free_slot* list, auto visit) {
      for_each_free(core::links(), list, bin, core::most_slots(bin), visit);
    };
    check(core::count_linked(foreign_[i].head, bin) == foreign_[i].count, "a foreign list counts its slots", this,
          heap);
    each(foreign_[i].head, [&](free_slot* slot) {
      check(owner_of(slot) != this, "a foreign slot is of another part", slot, heap);
      check(core::is_small(slot) && core::entry_of(slot).bin().value == i, "a foreign slot is of its bin", slot, heap);
    });
    each(remote_[i].peek(), [&](free_slot* slot) {
      check(owner_of(slot) == this, "a slot that came home is of this part", slot, heap);
      check(core::is_small(slot) && core::entry_of(slot).bin().value == i, "a slot that came home is of its bin", slot,
            heap);
    });
  }
  check(published_bytes() == core::carved(), "what is carved is published", this, heap);
}

}}}  // namespace zmm::detail

// What the threads of a heap share: one core under a lock, and depots of full magazines in front of it.
//
//     refill ─ depot::take | heap_core::take_chain | heap_core::open_run
//     give ─ depot::put | heap_core::give_chain
#pragma once

#include <zmm/chunk/shared_source.hpp>
#include <zmm/heap/heap_core.hpp>
#include <zmm/threads/depot.hpp>
#include <zmm/threads/look_policy.hpp>
#include <zmm/threads/thread_cache.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Slots come and go in magazines, pages in runs, so the lock is taken rarely. It is held while the core works, and the
/// source's inside it while storage works. Huge blocks take the source's lock alone.
///
/// Invariants:
///     each slot of each run is live, in one thread's cache, in a depot or on one of the core's lists
///     carved == the core's carved bytes; peak >= carved + bytes of huge blocks
/// Threads: any, unless said otherwise.
template <class Options> class central {
public:
  using geometry = page_geometry<Options>;
  using source_type = shared_source<geometry>;
  using core = heap_core<Options, source_type>;
  using cache_type = thread_cache<Options>;

  constexpr explicit central(storage& from) noexcept : source_(from), core_(&source_) {}

  constexpr source_type& source() noexcept { return source_; }
  source_type const& source() const noexcept { return source_; }

  /// Returns: a slot for a cache that has nothing at hand, and more of them into the cache; null: `asked` says why.
  void* refill(cache_type& to, bin_index bin, admission& asked) noexcept {
    if (free_slot* const magazine = take_magazine(bin)) {
      cache_type::fetch(bin, magazine);
      return to.adopt(bin, magazine);
    }
    mutex_guard const guard(lock_);
    cache_type::fetch(bin, core_.first_free(bin));
    std::size_t count = 0;
    if (free_slot* const chain = core_.take_chain(bin, magazine_slots(bin), count)) {
      looks_.went(count * slot_bytes(bin));
      return to.adopt(bin, chain);
    }
    auto const run = core_.open_run(bin, asked);
    if (run.empty()) return nullptr;
    note_carved();
    return to.open(bin, run);
  }
  /// Effects: makes a full magazine available to all threads.
  void give(bin_index bin, free_slot* magazine) noexcept {
    check_own(magazine);
    if (ZMM_LIKELY(put_magazine(bin, magazine))) return;
    mutex_guard const guard(lock_);
    give_chain(bin, magazine, magazine_slots(bin));
  }
  /// Effects: empties the cache's bins from `first` on: their slots are available to all threads.
  void give_all(cache_type& of, std::uint8_t first = 0) noexcept {
    mutex_guard const guard(lock_);
    of.give_all([&](bin_index bin, free_slot* chain) { core_.give_chain(bin, chain); }, first);
  }
  /// For threads without a cache.
  void give_slot(bin_index bin, void* slot) noexcept {
    check_own(slot);
    mutex_guard const guard(lock_);
    core_.push(bin, slot);
  }

  /// As heap_core::attempt().
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    void* block = nullptr;
    if (bytes > large_limit<geometry> && bytes <= ~std::size_t{0} / 2) {
      block = source_.take_huge(bytes, alignment, 0, asked);
    } else {
      mutex_guard const guard(lock_);
      block = core_.attempt(bytes, alignment, asked);
      note_carved();
    }
    if (block != nullptr && core::is_huge(block)) note_huge(source_.find_huge(block).bytes);
    return block;
  }
  /// As heap_core::free_paged().
  void free_paged(void* block) noexcept {
    if (core::is_huge(block)) return note_huge(0 - source_.give_huge(block));
    check_own(block);
    locked([&](core& c) {
      c.free_paged(block);
      note_carved();
    });
  }
  /// As heap_core::resize_in_place(), for any block.
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept {
    if (core::is_small(block)) return core::fit_in_place(source_, block, old_bytes, min_bytes);
    if (core::is_huge(block)) {
      if (min_bytes < old_bytes && min_bytes <= core::classes::limit) return 0;
      std::size_t const before = source_.find_huge(block).bytes;
      std::size_t const got = core::resize_huge(source_, block, min_bytes, preferred_bytes, asked);
      if (got != 0) note_huge(got - before);
      return got;
    }
    return locked([&](core& c) {
      std::size_t const got = c.resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
      note_carved();
      return got;
    });
  }
  /// A paged block becomes `bytes` long; a huge one may move its pages. Null: it cannot.
  void* reallocate_paged(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    if (!core::is_huge(block)) {
      return locked([&](core& c) -> void* {
        if (!c.resize_large(block, bytes, alignment)) return nullptr;
        note_carved();
        return block;
      });
    }
    std::size_t const before = source_.find_huge(block).bytes;
    void* const place = core::resize_or_move_huge(source_, block, bytes, alignment, asked);
    if (place != nullptr) note_huge(source_.find_huge(place).bytes - before);
    return place;
  }

  /// Effects: what is in the depots joins the core's lists; then as heap_core::collect(). Returns: bytes of pages made free.
  std::size_t collect() noexcept {
    mutex_guard const guard(lock_);
    return collect_locked();
  }
  std::size_t purge() noexcept {
    mutex_guard const guard(lock_);
    empty_depots(bin_count);
    std::size_t const slots = core_.bins().carved_bytes(), bytes = core_.purge();
    looks_.went(slots - core_.bins().carved_bytes());  // these slots became pages
    return note_carved(), bytes;
  }
  /// Effects: every block and chunk is forgotten; the chunks are cached or given back, and slots in threads' caches are
  /// not valid any more. Requires: no other thread is inside.
  void release() noexcept {
    source_.locked([](auto& s) {
      s.release();
      s.end_request();
    });
    core_.forget();
    looks_.forget();
    for (auto& depot : depots_) depot.reset();
    huge_.store(0, detail::memory_order_relaxed);
    note_carved();
    reset_peak();
  }

  void reset_peak() noexcept { peak_.store(in_use(), detail::memory_order_relaxed); }
  std::size_t peak() const noexcept { return peak_.load(detail::memory_order_relaxed); }

  /// Adds the bytes and number of blocks that are not known to be free: `own`, the caller's cache or null, is looked into,
  /// other threads' are not. Each free slot is subtracted once, so nothing wraps. Complexity: linear in free slots.
  void count_live(cache_type const* own, std::size_t& size, std::size_t& blocks) noexcept {
    mutex_guard const guard(lock_);
    core_.count_live(size, blocks);
    for (std::uint8_t i = 0; i < cache_type::bins; ++i) {
      bin_index const bin{i};
      std::size_t free = own != nullptr ? own->free_slots(bin) : 0;
      for_each_magazine(bin, [&](free_slot*) { free += magazine_slots(bin); });
      check(free <= blocks, others_blocks, this, &core_);
      size -= free * slot_bytes(bin);
      blocks -= free;
    }
  }

  /// Effects: calls work(core) under the lock. Returns: what that returns.
  template <class Work> decltype(auto) locked(Work work) noexcept {
    mutex_guard const guard(lock_);
    return work(core_);
  }
  /// The core, for what needs no lock: blocks that the caller holds, and keys.
  core const& blocks() const noexcept { return core_; }
  core& blocks_when_alone() noexcept { return core_; }

  /// Visits the magazines of a bin, which are taken out meanwhile, so that no other thread changes them and none is seen
  /// twice. Requires: inside locked(), or no other thread is inside.
  template <class Visit> void for_each_magazine(bin_index bin, Visit visit) noexcept {
    free_slot* held[depot_places];
    std::size_t count = 0;
    while (count != depot_places && (held[count] = take_magazine(bin)) != nullptr) ++count;
    for (std::size_t i = 0; i != count; ++i) {
      visit(held[i]);
      if (!put_magazine(bin, held[i])) core_.give_chain(bin, held[i]);
    }
  }
  /// Calls visit(slot) for each slot in a depot. Requires: inside locked(). Complexity: linear in them.
  template <class Visit> void for_each_depot_slot(Visit visit) noexcept;

  void verify(void const* heap) noexcept {
    mutex_guard const guard(lock_);
    core_.verify(heap);
    source_.locked([&](auto const& s) {
      s.verify(heap);
      check(core_.chunks() == s.chunks(), "every chunk in use is in a span list", nullptr, heap);
      check(huge_.load(detail::memory_order_relaxed) == s.huge_bytes(), "huge bytes are counted twice alike", nullptr,
            heap);
    });
    check(carved_.load(detail::memory_order_relaxed) == core_.carved(), "carved bytes are published", nullptr, heap);
    check(peak() >= in_use(), "the peak is no less than what is carved", nullptr, heap);
  }

  /// For fork(), which holds it: no thread is inside meanwhile.
  constexpr mutex& lock() noexcept { return lock_; }

private:
  /// Shared objects may have process heaps of their own: thread_heap's comment says when, and what helps.
  static constexpr char const* others_blocks =
      "a block is freed to the heap it is from, and not to another shared object's";
  /// Looks at one chunk's header for each magazine, so that blocks of another heap are noticed before they do much
  /// harm.
  void check_own(void const* block) const noexcept { check(core_.has_chunk_of(block), others_blocks, block, this); }

  /// A bin's magazines lie in one depot, those of the smallest slots in four: 256 KiB at most.
  static constexpr std::size_t small_bins = 12, depots_of_small = 4, places_in_depot = 8;
  static constexpr std::size_t depot_places = depots_of_small * places_in_depot;
  static_assert(magazine_slots(bin_index{small_bins - 1}) * slot_bytes(bin_index{small_bins - 1}) <= 8 * 1024);
  static constexpr std::size_t first_depot(std::size_t bin) noexcept {
    return bin + (depots_of_small - 1) * (bin < small_bins ? bin : small_bins);
  }
  free_slot* take_magazine(bin_index bin) noexcept {
    for (std::size_t i = first_depot(bin.value); i != first_depot(bin.value + std::size_t{1}); ++i)
      if (free_slot* const magazine = depots_[i].take()) return magazine;
    return nullptr;
  }
  bool put_magazine(bin_index bin, free_slot* magazine) noexcept {
    for (std::size_t i = first_depot(bin.value); i != first_depot(bin.value + std::size_t{1}); ++i)
      if (depots_[i].put(magazine)) return true;
    return false;
  }

  /// From here on the lock is held.
  void give_chain(bin_index bin, free_slot* chain, std::size_t count) noexcept {
    core_.give_chain(bin, chain);
    looks_.came_back(count * slot_bytes(bin));
    if (ZMM_UNLIKELY(looks_.is_due(core_.carved(), core_.chunks() > looks_.least / geometry::chunk_bytes))) look();
  }
  ZMM_COLD void look() noexcept {
    if (!looks_.begin(core_.carved())) return;
    collect_locked();
    if (looks_.gives_pages()) core_.purge();
    looks_.end(core_.carved());
  }
  void empty_depots(std::size_t first) noexcept {
    for (std::size_t i = first; i < cache_type::bins; ++i) {
      bin_index const bin{static_cast<std::uint8_t>(i)};
      if (!core_.bins().has_runs(bin)) continue;
      while (free_slot* const magazine = take_magazine(bin)) {
        core_.give_chain(bin, magazine);
        looks_.found(magazine_slots(bin) * slot_bytes(bin));
      }
    }
  }
  ZMM_COLD std::size_t collect_locked() noexcept {
    empty_depots(0);
    std::size_t const bytes = core_.collect();
    looks_.collected(bytes, core_.carved());
    note_carved();
    return bytes;
  }
  std::size_t in_use() const noexcept {
    return carved_.load(detail::memory_order_relaxed) + huge_.load(detail::memory_order_relaxed);
  }
  // Relaxed: figures, which order nothing.
  void note_carved() noexcept {
    carved_.store(core_.carved(), detail::memory_order_relaxed);
    note_peak();
  }
  /// Adds `more`, modulo 2^64, to the bytes in huge blocks. Without the lock.
  void note_huge(std::size_t more) noexcept {
    huge_.fetch_add(more, detail::memory_order_relaxed);
    note_peak();
  }
  void note_peak() noexcept {
    std::size_t const now = in_use();
    std::size_t peak = peak_.load(detail::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, detail::memory_order_relaxed)) {}
  }

  source_type source_;
  mutex lock_{lock_rank::central};
  look_policy looks_;
  core core_;
  detail::atomic<std::size_t> carved_{0};
  detail::atomic<std::size_t> huge_{0};
  detail::atomic<std::size_t> peak_{0};
  struct alignas(64) line_of_depot : depot<free_slot, places_in_depot> {};
  line_of_depot depots_[first_depot(cache_type::bins)];
};

}}}  // namespace zmm::detail

// The heap for any thread: one part for each thread that works in it, and blocks that cross between them.
//
//     allocate ─ thread_part::pop
//        └─ allocate_miss ─ thread_part::slot_after_miss
//              └─ allocate_rest ─ obtain ─ part_or_join ─ thread_part::attempt
//     deallocate ─ (own block) thread_part::push
//        └─ deallocate_foreign ─ thread_part::free_foreign
//        └─ deallocate_paged ─ (own) free_paged | (another's) free_paged_from_afar | (huge) shared_source::give_huge
//     join ─ part_state::claim, or a new part
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/base/immortal.hpp>
#include <zmm/threads/entry_lease.hpp>
#include <zmm/threads/instance_keys.hpp>
#include <zmm/threads/thread_part.hpp>
#include <zmm/watch/watched_engine.hpp>
#include <zmm/storage/fork_guard.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// General heap for any number of threads at once: any of them allocates, any of them frees, whoever allocated. A
/// thread works in a *part* of its own, without a lock and without an atomic read-modify-write while it frees what it
/// allocated.
///
/// When a thread ends, its part waits for another thread, or for anybody's collect(). What a live thread's part holds is
/// that thread's alone: its empty runs and the slots that others freed of it stay until the thread allocates or
/// collects. So an idle thread may keep what it last had in use, and besides, for each bin, at most 64 slots (64 KiB)
/// that it freed for others. Huge blocks belong to nobody and go back to storage at once.
///
/// Threads: any, at once, except construction, destruction, release() and verify(), during which no other thread is
/// inside. A thread may end before or after the heap. Storage is called by one thread at a time. In the child of a
/// fork() the heap goes on; blocks of threads that were not taken along can be read and freed, and stay unused.
template <class Options>
class basic_synchronized_heap : detail::watched_engine<Options, true>, detail::instance_keys<Options> {
  static_assert(detail::are_options_built<Options>());
  static_assert(!Options::exact_peak, "zmm: an exact peak would be one word that all threads write on each call");
  using classes = detail::run_classes<Options>;
  using part_type = detail::thread_part<Options>;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  using site = typename Options::site;
  using limit_hook = detail::limit_hook_type;

  explicit basic_synchronized_heap(storage& from = os_storage()) noexcept
      : basic_synchronized_heap(from, detail::entries_in_use.take()) {
    this->draw();
    decide();
  }
  basic_synchronized_heap(basic_synchronized_heap const&) = delete;
  basic_synchronized_heap& operator=(basic_synchronized_heap const&) = delete;
  ~basic_synchronized_heap();  ///< every block, chunk and huge block goes back to storage

  /// Effects, returns, throws, complexity: as basic_heap::allocate().
  [[nodiscard]] ZMM_INLINE void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                          site where = site::here()) {
    if (void* const slot = pop(part(), bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return allocate_miss(bytes, alignment, where);
  }

  /// As allocate(), but returns null where that throws.
  [[nodiscard]] ZMM_INLINE void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                              site where = site::here()) noexcept {
    if (void* const slot = pop(part(), bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return try_allocate_miss(bytes, alignment, where);
  }

  /// Effects, requires: as basic_heap::deallocate(); any thread may have allocated the block.
  /// Complexity: O(1) for small blocks; a block of another thread's costs one exchange for up to 64 of them.
  ZMM_INLINE void deallocate(void* block, std::size_t bytes,
                             std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (ZMM_LIKELY(block != nullptr)) deallocate_nonnull(block, bytes, alignment);
  }

  /// As deallocate(), for callers that never pass null (containers do not). Requires: block is not null.
  ZMM_INLINE void deallocate_nonnull(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    deallocate_from(part(), block, bytes, alignment);
  }

  /// As allocate() and try_allocate(), for a block that replaces one that has outgrown its place: it gets room to grow in,
  /// pages left free behind it or, if it is huge, address space.
  [[nodiscard]] void* allocate_growing(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept;

  /// Effects: frees a block found by its address alone. Null: no effect. Requires: `block` is live.
  void deallocate(void* block) noexcept;

  /// Returns: bytes usable in the live block at `block`; 0 for null.
  [[nodiscard]] std::size_t usable_size(void const* block) const noexcept {
    if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::usable_size(*this, block);
    if constexpr (Options::check_frees) return checked_size(block);
    return part_type::core::usable_size(source_, block);
  }

  /// The same for a live block asked for as `bytes` at `alignment`: a small one is not looked up.
  [[nodiscard]] std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if constexpr (Options::tag_blocks) return usable_size(block);
    return rank < bound_.get() ? detail::slot_bytes(classes::bin_of(rank)) : usable_size(block);
  }

  /// Returns: whether `p` points into a chunk of this heap, behind its header, or into a huge block. Reads nothing
  /// behind `p`. Complexity: as basic_heap::owns(), and a lock.
  [[nodiscard]] bool owns(void const* p) const noexcept;

  /// Effects, returns, throws: as basic_heap::reallocate(). A run of another thread's moves if it does not fit.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    return reallocate(block, bytes, usable_size(block), alignment);
  }
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment);

  /// Effects, requires, returns: as basic_heap::resize_in_place(). A run of another thread's keeps its size.
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept;

  /// Effects: frees every block at once; as basic_heap::release(), but every chunk is cached or given back. No other
  /// thread is inside, and none touches a block of before.
  void release() noexcept;

  /// Nothing is registered for the end of a general heap.
  void run_end() noexcept {}

  /// Effects: gives cached chunks, and the memory behind free pages of this thread and of ended ones, back to storage.
  /// Returns: bytes given back. To find free pages in half-used runs, collect() first.
  std::size_t trim() noexcept;

  /// Effects: sends home what this thread, and those that have ended, freed of other threads' blocks; then as
  /// basic_heap::collect(), for this thread and for those that have ended. Returns: bytes of pages made free.
  std::size_t collect() noexcept;

  /// Effects: from now on at most `bytes` bytes are taken from storage, by all threads together. Caches are dropped if
  /// that is needed. Returns: false if more is in use; the old limit then stays.
  bool set_limit(std::size_t bytes) noexcept;
  std::size_t limit() const noexcept {  ///< bytes; SIZE_MAX: no limit
    return source_.locked([](auto const& s) { return s.book().limit(); });
  }
  std::size_t remaining() const noexcept {  ///< limit() - real_size()
    return source_.locked([](auto const& s) { return s.book().remaining(); });
  }

  /// As basic_heap::on_limit(); the hook is called on the thread that reached the limit, by several at once if they do.
  void on_limit(limit_hook hook, void* user) noexcept;
  void lift_limit() noexcept;    ///< for limit_lift: for this thread
  void unlift_limit() noexcept;  ///< for limit_lift: on the same thread

  /// Exact but for what other live threads hold: their free slots count as live, so `size` and `live_blocks` are upper
  /// bounds while there are any. `peak` is that of carved bytes. Complexity: linear in parts, bins and free slots.
  statistics stats() const;
  std::size_t real_size() const noexcept {  ///< bytes taken from storage, exact at every moment
    return source_.locked([](auto const& s) { return s.book().real_size(); });
  }
  std::size_t real_peak() const noexcept {
    return source_.locked([](auto const& s) { return s.book().real_peak(); });
  }
  void reset_peak() noexcept;

  /// Effects: walks everything; a broken invariant goes to the stop handler by name. No other thread is inside.
  void verify() const;

private:
  friend class thread_heap;
  friend struct detail::watched_calls;
  friend struct detail::watch_access;
  using watched = detail::watched_engine<Options, true>;
  using watched::bound_, watched::forwards, watched::is_watched, watched::make_watch, watched::watch;
  friend union detail::immortal<basic_synchronized_heap>;
  using source_type = typename part_type::source_type;

  constexpr basic_synchronized_heap(storage& from, detail::entry_lease lease) noexcept : lease_(lease), source_(from) {}

  /// This thread's part, to pop from and to compare with; no_part if it has none, or the heap has no entry of its own:
  /// then held_part() tells.
  ZMM_INLINE part_type* part() const noexcept { return as_part(detail::own_record.parts[lease_.entry]); }
  ZMM_INLINE static part_type* as_part(void const* p) noexcept {
    static_assert(sizeof(part_type) <= sizeof(detail::no_part_type), "no_part can be read as a part");
    return static_cast<part_type*>(const_cast<void*>(p));
  }

  ZMM_INLINE static void* pop(part_type* own, std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (watched::is_always_watched) return nullptr;
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= detail::small_limit || (alignment & (alignment - 1)) != 0)) return nullptr;
    return tagged(own, own->pop(classes::bin_of(rank)), bytes, alignment);
  }
  ZMM_INLINE void deallocate_from(part_type* own, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= bound_.get())) return deallocate_miss(block, bytes, alignment);
    free_small(own, block, bytes, alignment);
  }
  /// Requires: the block is small.
  ZMM_INLINE void free_small(part_type* own, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= detail::small_limit) __builtin_unreachable();  // no bound is above it, which is not seen from here
    detail::bin_index const bin = classes::bin_of(rank);
    if constexpr (Options::check_frees) {
      if (ZMM_UNLIKELY(own == as_part(&detail::no_part))) return deallocate_without_part(block, bytes, alignment);
      own->free_small(block, bin, bytes, alignment);
    }
    if constexpr (Options::zero_on_free) own->wipe_freed(block, bin, bytes);  // linked, it may be another thread's
    if (ZMM_UNLIKELY(part_type::owner_of(block) != own)) return deallocate_foreign(block, bin);
    own->push(bin, block);
  }

  /// Marks a small block as live, if the options say so. Returns: the block, which may be null.
  ZMM_INLINE static void* tagged([[maybe_unused]] part_type const* own, void* block, [[maybe_unused]] std::size_t bytes,
                                 [[maybe_unused]] std::size_t alignment) noexcept {
    if constexpr (Options::tag_blocks) {
      std::size_t const rank = classes::rank_of(bytes, alignment);
      if (block != nullptr && rank < detail::small_limit)
        own->tags().write(block, classes::bin_of(rank), bytes, alignment);
    }
    return block;
  }

  // With check_frees only.
  void deallocate_without_part(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_found(void* block) noexcept;
  std::size_t checked_size(void const* block) const noexcept;
  part_type* checking_part(void const* block) const noexcept;

  void* slot_after_miss(std::size_t bytes, std::size_t alignment) noexcept;
  void* allocate_miss(std::size_t bytes, std::size_t alignment, site where);
  void* try_allocate_miss(std::size_t bytes, std::size_t alignment, site where) noexcept;
  void* allocate_rest(std::size_t bytes, std::size_t alignment, site where, detail::admission& asked) noexcept;

  // For the watch. What it takes and gives may be forwarded.
  void* allocate_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  bool give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void* take_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  void decide() noexcept {
    if (!watched::is_always_watched && ZMM_UNLIKELY(detail::forwards_now())) bound_.forward();
  }
  static detail::free_slot* take_deferred(detail::bin_index) noexcept { return nullptr; }  // no free is unseen

  void deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_foreign(void* block, detail::bin_index bin) noexcept;
  void deallocate_paged(void* block) noexcept;
  void* reallocate_paged(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  bool ask_hook(part_type* own, std::size_t bytes) noexcept;
  part_type* owner_of(void const* block) const noexcept {
    return part_type::owner_among(parts_.load(std::memory_order_acquire), block);
  }

  part_type* part_or_join(detail::admission& asked) noexcept;
  /// This thread's part; null if it has none.
  part_type* held_part() const noexcept {
    auto* const own = static_cast<part_type*>(lease_.part());
    return own != nullptr || lease_.is_own() ? own : find_held();
  }
  part_type* find_held() const noexcept;
  part_type* find_held_locked() const noexcept;
  part_type* claim_or_make(detail::admission& asked) noexcept;
  static void leave(detail::thread_member* m) noexcept;
  template <class Visit> void for_each_part(Visit visit) const;
  template <class Visit> void for_each_idle_part(Visit visit) const noexcept;
  void note_carved(std::size_t more) noexcept;
  bool lifted() const noexcept;

  void freeze_absent() noexcept;
  static void before_fork(void* self) noexcept { static_cast<basic_synchronized_heap*>(self)->source_.lock(); }
  static void after_fork(void* self) noexcept { static_cast<basic_synchronized_heap*>(self)->source_.unlock(); }
  static void in_child(void* self) noexcept {
    static_cast<basic_synchronized_heap*>(self)->freeze_absent();
    after_fork(self);
  }
  // A watch is there before its heap takes part in forks, and goes after.
  static void hold_watch(void* self) noexcept {
    if (auto* const watch = static_cast<basic_synchronized_heap*>(self)->watch()) watch->hold();
  }
  static void let_go_of_watch(void* self) noexcept {
    if (auto* const watch = static_cast<basic_synchronized_heap*>(self)->watch()) watch->let_go();
  }

  // Read on every call, and hardly ever written.
  detail::entry_lease const lease_;         ///< where a thread's record tells its part
  bool has_frozen_ = false;                 ///< there are parts whose threads a fork() left behind
  std::atomic<part_type*> parts_{nullptr};  ///< all parts, the newest first; none leaves before the heap ends

  // Written by all threads, on misses: on a cache line of its own.
  alignas(64) std::atomic<std::size_t> carved_{0};  ///< sum of what the parts publish, and huge bytes
  std::atomic<std::size_t> peak_{0};                ///< of carved_
  source_type source_;
  detail::limit_hook_slot<Options::encode_calls> hook_;  ///< guarded by the source's lock
  detail::fork_node fork_{this, &before_fork, &after_fork, &in_child, &hold_watch, &let_go_of_watch};
  /// Taken from here, and not from the code of whichever shared object makes a part: that may be unloaded first.
  void (*const leave_)(detail::thread_member*) noexcept = &basic_synchronized_heap::leave;
};

}}  // namespace zmm

#include <zmm/threads/synchronized_heap_allocate.hpp>
#include <zmm/threads/synchronized_heap_parts.hpp>
#include <zmm/threads/synchronized_heap_watched.hpp>
#include <zmm/threads/synchronized_heap_whole.hpp>

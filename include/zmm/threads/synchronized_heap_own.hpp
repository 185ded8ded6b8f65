// The core of the heap for any thread: a cache for each thread that works in it, in front of one heap that all share.
//
//     take ─ thread_cache::pop
//     take_fresh ─ thread_cache::bump
//     take_ahead ─ thread_cache::go_on
//     attempt ─ cache_or_join ─ central::refill | central::attempt
//     give_hit ─ thread_cache::push
//        └─ give_back ─ cache_or_join ─ thread_cache::look ─ central::give
//     give_missed ─ central::free_paged
//     join ─ claim::take, or a new cache
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/watch/address_engine_over.hpp>
#include <zmm/storage/thread_end.hpp>
#include <zmm/threads/central.hpp>
#include <zmm/threads/entry_lease.hpp>
#include <zmm/threads/instance_keys.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The core that engine_over makes basic_synchronized_heap of. Threads: any, unless said otherwise.
template <class Options>
class synchronized_heap_own : public watched_engine<Options, true, run_classes<Options>::limit>,
                              public instance_keys<Options>,
                              public usual_core {
  static_assert(!Options::exact_peak, "zmm: an exact peak would be one word that all threads write on each call");
  using classes = run_classes<Options>;
  using central_type = central<Options>;
  using core_type = typename central_type::core;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  using cache_type = thread_cache<Options>;
  static constexpr bool can_switch = is_switchable<Options>;

  constexpr synchronized_heap_own(storage& from, entry_lease lease) noexcept : lease_(lease), central_(from) {}
  ~synchronized_heap_own();

  /// This thread's cache, to pop from and push to; no_cache if it has none, or the heap has no entry of its own: then
  /// held_cache() tells.
  ZMM_INLINE cache_type* cache() const noexcept { return as_cache(own_thread.record->caches[lease_.entry]); }
  ZMM_INLINE static cache_type* as_cache(void const* p) noexcept {
    static_assert(sizeof(cache_type) <= sizeof(no_cache_type), "no_cache can be read as a cache");
    return static_cast<cache_type*>(const_cast<void*>(p));
  }
  ZMM_INLINE static void* pop(cache_type* own, std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (synchronized_heap_own::is_always_watched) return nullptr;
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= classes::limit || (alignment & (alignment - 1)) != 0)) return nullptr;
    return tagged(own, own->pop(classes::bin_of(rank)), bytes, alignment);
  }
  ZMM_INLINE bool give_from(cache_type* own, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(classes::rank_of(bytes, alignment) >= this->bound_.get())) return false;
    free_small(own, block, bytes, alignment);
    return true;
  }

  ZMM_INLINE void* take(std::size_t bytes, std::size_t alignment) noexcept { return pop(cache(), bytes, alignment); }
  void* take_fresh(std::size_t bytes, std::size_t alignment) noexcept;
  void* take_ahead(std::size_t bytes, std::size_t alignment) noexcept;
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  static void handed_out(void*, std::size_t, std::size_t) noexcept {}
  bool reclaim() noexcept { return collect() != 0; }

  ZMM_INLINE bool give_hit(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    return !ZMM_UNLIKELY(may_be_sampled<Options>(block)) && give_from(cache(), block, bytes, alignment);
  }
  void give_missed(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (Options::check_frees)
      central_.blocks().check_paged(block, central_.blocks().seen_entry_at(block), bytes, alignment);
    give_paged(block);
  }
  bool give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (classes::rank_of(bytes, alignment) >= classes::limit) return give_missed(block, bytes, alignment), false;
    free_small(cache(), block, bytes, alignment);
    return true;
  }
  void give_found(void* block) noexcept;

  std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const told = core_type::told_size(bytes, alignment);
    return told != 0 ? told : usable_size(block);
  }
  std::size_t usable_size(void const* block) const noexcept {
    if constexpr (Options::check_frees) return static_cast<void>(seen_entry_at(block)), central_.blocks().checked_size(block);
    return core_type::usable_size(central_.source(), block);
  }
  bool owns(void const* p) const noexcept {
    extent const e = central_.source().find(p);
    using chunk_type = typename core_type::chunk_type;
    return e.is_chunk() ? chunk_type::page_of(p) >= header_pages<geometry> : e.start != nullptr;
  }
  void* resize_or_move(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  bool stay(void* block, std::size_t bytes, std::size_t alignment) const noexcept {
    return core_type::stays_paged(central_.source(), block, bytes, alignment);
  }
  static std::size_t peak() noexcept { return 0; }  // of carved bytes: a block that moves hardly changes it
  static void restore_peak(std::size_t) noexcept {}
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept;

  std::size_t trim() noexcept;
  std::size_t collect() noexcept;
  void drop(void const* heap) noexcept;
  void rekey(void const* heap) noexcept;
  /// The engine's end begins. Effects: forks leave the heap alone from now on.
  void before_end() noexcept {
    forks.detach(fork_);
    forks.detach(source_fork_);
  }

  auto const& book() const noexcept { return central_.source(); }
  std::size_t remaining() const noexcept { return central_.source().remaining(); }
  bool set_limit(std::size_t bytes) noexcept {
    return central_.source().locked([&](auto& s) { return s.set_limit(bytes); });
  }
  bool charge(std::size_t bytes, admission& asked) noexcept;
  void discharge(std::size_t bytes) noexcept {
    central_.source().locked([&](auto& s) { s.book().subtract(bytes); });
  }
  /// Whether the heap has had no cache yet. When the first one is made, it is settled whether the heap forwards.
  bool is_untouched() const noexcept { return caches_.load(detail::memory_order_relaxed) == nullptr; }
  void begin(admission& asked) const noexcept { asked.lifted = lifted(); }
  bool ask_hook(std::size_t bytes) noexcept;
  void check_may_release(void const* heap) const noexcept {
    cache_type const* const own = held_cache();
    check(own == nullptr || !own->gate.asking(), "a limit hook does not release the heap", nullptr, heap);
  }
  void set_hook(limit_hook_type hook, void* user) noexcept {
    central_.source().locked([&](auto&) { hook_.set(hook, user); });
  }
  void lift() noexcept;
  void unlift() noexcept;

  void reset_peak() noexcept;
  void count(statistics& s) const noexcept;
  void verify(void const* heap) const noexcept;
  /// synchronized_heap_visit.hpp has it.
  template <class Tell> bool tell_all(Tell& tell, bool tells_blocks) const;

private:
  /// Requires: the block is small.
  ZMM_INLINE void free_small(cache_type* own, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= classes::limit) __builtin_unreachable();  // no bound is above it, which g++ cannot see here
    bin_index const bin = classes::bin_of(rank);
    if constexpr (Options::check_frees)
      if (ZMM_UNLIKELY(!end_if_proved(*own, block, bin, bytes, alignment)))
        return free_small_slowly(own, block, bin, bytes, alignment);
    if constexpr (Options::zero_on_free) central_.blocks().wipe_freed(block, bin, bytes);
    if (ZMM_UNLIKELY(!own->push(bin, block))) give_back(block, bin);
  }

  /// Marks a small block as live, if the options say so. Returns: the block, which may be null.
  ZMM_INLINE static void* tagged([[maybe_unused]] cache_type const* own, void* block,
                                 [[maybe_unused]] std::size_t bytes, [[maybe_unused]] std::size_t alignment) noexcept {
    if constexpr (Options::tag_blocks) {
      std::size_t const rank = classes::rank_of(bytes, alignment);
      if (block != nullptr && rank < classes::limit)
        own->tags().write(block, classes::bin_of(rank), bytes, alignment);
    }
    return block;
  }

  // With check_frees only.
  bool end_if_proved(cache_type& own, void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  void free_small_slowly(cache_type* own, void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  void give_found_checked(void* block) noexcept;
  page_entry seen_entry_at(void const* block) const noexcept;

  void give_back(void* block, bin_index bin) noexcept;
  void give_paged(void* block) noexcept;
  cache_type* cache_or_join(admission& asked) noexcept;
  /// This thread's cache; null if it has none.
  cache_type* held_cache() const noexcept {
    auto* const own = static_cast<cache_type*>(lease_.cache());
    return own != nullptr || lease_.is_own() ? own : find_held();
  }
  cache_type* find_held() const noexcept;
  static constexpr std::size_t record_bytes = sizeof(no_cache_type);  ///< of a cache, with room to place it at some offset
  cache_type* claim_or_make(admission& asked) noexcept;
  void find_ended() noexcept;
  static void leave(thread_member* m) noexcept;
  template <class Visit> void for_each_cache(Visit visit) const;
  bool lifted() const noexcept;

  void forget_absent() noexcept;
  static void in_child(void* self) noexcept { static_cast<synchronized_heap_own*>(self)->forget_absent(); }

  // Read on every call, and hardly ever written.
  entry_lease const lease_;              ///< where a thread's record has the thread's cache
  detail::atomic<cache_type*> caches_{nullptr};  ///< all caches, the newest first; none leaves before the heap ends

  detail::atomic<cache_type*> next_looked_after_{nullptr};  ///< find_ended() takes them in turn

  // Written by all threads, on misses: on cache lines of its own.
  alignas(64) central_type central_;
  limit_hook_slot<Options::encode_calls> hook_;  ///< guarded by the source's lock
  detail::atomic<std::size_t> lifts_without_cache_{0};   ///< by threads without a cache, for all of these
  detail::atomic<bool> asks_without_cache_{false};       ///< a thread without a cache is in the hook
  fork_node fork_{central_.lock(), this, &in_child};
  fork_node source_fork_{central_.source().lock()};
  /// Taken when the heap is made: the shared object whose code makes a cache may be unloaded before the heap ends.
  void (*const leave_)(thread_member*) noexcept = &synchronized_heap_own::leave;
};

}}}  // namespace zmm::detail

#include <zmm/threads/synchronized_heap_caches.hpp>
#include <zmm/threads/synchronized_heap_slots.hpp>
#include <zmm/threads/synchronized_heap_whole.hpp>

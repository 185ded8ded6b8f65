// How an engine is watched: its members for that, and how its calls go through the watch.
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/blocks/free_slot.hpp>
#include <zmm/chunk/admission.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/watch/block_watch.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Where blocks were allocated, for a debug heap. Defined in <zmm/debug.hpp>: include that to use one.
class site_ledger;

/// For watches that nobody asks where blocks were allocated.
class no_sites {
public:
  static bool make_room() noexcept { return true; }
  template <class Site> static std::uint32_t note_allocated(Site, std::size_t) noexcept { return 0; }
  static void note_freed(std::uint32_t, std::size_t) noexcept {}
  static void note_resized(std::uint32_t, std::size_t, std::size_t) noexcept {}
  static void note_end() noexcept {}
  static void describe(std::uint32_t, stop_info&) noexcept {}
};

/// How a type of engine is watched. An engine is watched from its first block to its end, or never: always if its
/// options say so or a sanitizer has to be told, else only if it forwards to malloc.
template <class Options> struct watch_of {
  using type = block_watch<std::conditional_t<Options::watch_blocks, site_ledger, no_sites>>;
  static constexpr bool is_constant = under_sanitizer || Options::watch_blocks;
  static constexpr std::size_t quarantine = Options::watch_blocks ? Options::quarantine : std::size_t{256} << 10;
  static watch_policy policy(bool is_shared) noexcept {
    return {!is_constant || forwards_now(), Options::watch_blocks && !under_sanitizer, is_shared, quarantine};
  }
};

/// Ranks from this bound on are not served from lists; in a watched engine that is all of them. If links are plain and
/// the engine's type is neither shared nor always watched, a rank that is a constant, such as a node's when it is
/// freed, is not compared with the bound, which would cost time: in an engine that forwards, such a block is listed at
/// first, and freed before the next call does anything. `Limit`: the bound where nobody watches.
template <class Options, bool Shared, std::size_t Limit> class hit_bound {
public:
  constexpr hit_bound() noexcept = default;
  ZMM_INLINE std::size_t get() const noexcept {
    if constexpr (Shared) return __atomic_load_n(&bound_, __ATOMIC_RELAXED);  // threads that write it write the same
    return bound_;
  }
  ZMM_INLINE std::size_t get(std::size_t rank) const noexcept {
    bool const is_free = !watch_of<Options>::is_constant && !Options::encode_links && !Shared;
    return is_free && __builtin_constant_p(rank) ? Limit : get();
  }
  void forward() noexcept { __atomic_store_n(&bound_, std::size_t{0}, __ATOMIC_RELAXED); }
  /// Effects: all calls miss, but those of one byte aligned to 1; or hit again. Requires: the engine is not watched.
  void lower(bool wanted) noexcept { __atomic_store_n(&bound_, wanted ? 1 : Limit, __ATOMIC_RELAXED); }
  bool is_lowered() const noexcept { return get() == 1; }
  bool is_plain() const noexcept { return !watch_of<Options>::is_constant && get() == Limit; }
  bool is_watched() const noexcept { return watch_of<Options>::is_constant || get() == 0; }

private:
  std::size_t bound_ = watch_of<Options>::is_constant ? 0 : Limit;
};

/// A base of every engine's core: its part in being watched. An engine decides before its first block whether it
/// forwards. When it ends, watched_calls::end_all() ends its blocks, and dispose() its watch.
template <class Options, bool Shared = false, std::size_t Limit = small_limit> class watched_engine {
public:
  using watch_type = typename watch_of<Options>::type;
  static constexpr bool is_always_watched = watch_of<Options>::is_constant;
  static constexpr std::size_t slot_limit = Limit;  ///< bytes of the largest slot

  bool is_watched() const noexcept { return bound_.is_watched(); }
  /// Whether the engine is nobody's: the one that an allocator bound to no heap refers to. Its calls go the way of a
  /// watched engine's; it hands out nothing, and a block that is freed to it goes to the stop handler.
  bool is_nobodys() const noexcept { return watch_.load(detail::memory_order_relaxed) == nobodys(); }
  bool forwards() const noexcept {
    if (!is_watched() || !is_always_watched) return is_watched();
    watch_type const* const there = watch();
    return there != nullptr && there->forwards();
  }
  watch_type* watch() const noexcept {
    watch_type* const there = watch_.load(detail::memory_order_acquire);
    return ZMM_LIKELY(there != nobodys()) ? there : nullptr;
  }
  /// Returns: the watch of `heap`, made now if there is none; null: no memory, or the engine is nobody's. Any thread.
  ZMM_COLD watch_type* make_watch(void const* heap) noexcept {
    if (watch_type* const there = watch()) return there;
    if (is_nobodys()) return nullptr;
    watch_type* const made = watch_type::make(watch_of<Options>::policy(Shared), heap);
    watch_type* there = nullptr;
    if (made == nullptr || watch_.compare_exchange_strong(there, made)) return made;
    watch_type::destroy(made);
    return there;
  }

protected:
  /// Effects: `kept`, which has watched another engine, watches this one. Requires: this engine has no watch, and is
  /// not nobody's; one thread.
  void reopen_watch(watch_type* kept, void const* heap) noexcept {
    kept->reopen(watch_of<Options>::policy(Shared), heap);
    watch_.store(kept, detail::memory_order_release);
  }
  void disown() noexcept { watch_.store(nobodys(), detail::memory_order_relaxed); }

  hit_bound<Options, Shared, Limit> bound_;

private:
  /// An address at which no watch lies: no object has an odd address.
  static watch_type* nobodys() noexcept { return reinterpret_cast<watch_type*>(std::uintptr_t{1}); }

  detail::atomic<watch_type*> watch_{nullptr};
};

/// The calls of a watched engine. They use engine_over's allocate_rest(), allocate_forwarded() and give_bare(), and its
/// core's lists(): the blocks that frees of a constant size have listed.
struct watched_calls {
  template <class Engine> struct bare {
    Engine& engine;
    admission& asked;
    void* take(std::size_t bytes, std::size_t alignment, bool asks) noexcept {
      asked.why = refusal::none;
      asked.asks = asks;
      if constexpr (watch_of<typename Engine::options>::is_constant) {  // otherwise a watch is there only to forward
        if (!engine.forwards()) return engine.allocate_rest(bytes, alignment, asked);
      }
      return engine.allocate_forwarded(bytes, alignment, asked);
    }
    bool give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
      bool const is_left_alone = engine.give_bare(block, bytes, alignment);
      return is_left_alone && !Engine::options::encode_links;  // engines with these write beside a block they hand out
    }
  };

  template <class Engine, class Site>
  ZMM_COLD static void* allocate(Engine& e, std::size_t bytes, std::size_t alignment, Site where,
                                 admission& asked) noexcept {
    if (!is_power_of_two(alignment)) return asked.refuse_address();
    free_deferred(e);
    if (e.is_nobodys()) return asked.refuse_for_nobody();
    auto* const watch = e.make_watch();
    void* const block =
        watch != nullptr ? watch->allocate(bare<Engine>{e, asked}, bytes != 0 ? bytes : 1, alignment, where) : nullptr;
    if (block == nullptr && asked.why == refusal::none) asked.refuse_address();
    return block;
  }
  template <class Engine>
  ZMM_COLD static void deallocate(Engine& e, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    free_deferred(e);
    give(e, block, bytes != 0 ? bytes : 1, alignment);
  }
  /// Null: refused, and `asked` says why.
  template <class Engine>
  ZMM_COLD static void* reallocate(Engine& e, void* block, std::size_t bytes, std::size_t copied, std::size_t alignment,
                                   admission& asked) noexcept {
    free_deferred(e);
    auto* const watch = e.make_watch();
    if (watch == nullptr) return asked.refuse_address();
    replaced_block const old = watch->replacing(block);
    std::size_t const usable = old.bytes;
    if (bytes == 0) bytes = 1;
    void* const place = allocate(e, bytes, alignment, old, asked);
    if (place == nullptr) {
      if (bytes > usable || !is_aligned(block, alignment) || !is_power_of_two(alignment)) return nullptr;
      watch->shrink(block, bytes, alignment);  // shrinking does not fail for want of memory
      return block;
    }
    if (copied > usable) copied = usable;
    copy_bytes(place, block, copied < bytes ? copied : bytes);
    give(e, block, unknown_size, 1);
    return place;
  }
  template <class Engine> ZMM_COLD static std::size_t usable_size(Engine const& e, void const* block) noexcept {
    auto* const watch = e.watch();
    return watch != nullptr ? watch->usable_size(block) : 0;
  }
  template <class Engine>
  ZMM_COLD static std::size_t resize_in_place(Engine& e, void* block, std::size_t min_bytes) noexcept {
    auto* const watch = e.watch();
    return watch != nullptr ? watch->resize_in_place(block, min_bytes) : 0;
  }

  /// Effects: calls change() while no thread is inside, as far as a watch can tell.
  template <class Engine, class Change> static void alone(Engine& e, Change change) noexcept {
    auto* const watch = ZMM_UNLIKELY(e.is_watched()) ? e.make_watch() : nullptr;
    watch != nullptr ? watch->inspect(change) : change();
  }

  /// Effects: gives what the watch keeps from reuse back to the engine.
  template <class Engine> ZMM_COLD static void settle(Engine& e) noexcept {
    auto* const watch = e.watch();
    if (watch == nullptr) return;
    free_deferred(e);
    admission asked;
    watch->end_quarantine(bare<Engine>{e, asked});
  }
  /// Effects: every block is over; the engine drops its memory next. With `reports`, a debug heap reports what is still
  /// live.
  template <class Engine> ZMM_COLD static void end_all(Engine& e, bool reports) noexcept {
    auto* const watch = e.watch();
    if (watch == nullptr) return;
    free_deferred(e);
    if constexpr (Engine::options::watch_blocks) {
      if (reports) watch->sites().report_leaks(&e, *watch);
    }
    admission asked;
    watch->end_all(bare<Engine>{e, asked});
  }
  /// Effects: every block of a watched engine is over; what was still live is not reported.
  template <class Engine> static void end_all_silently(Engine& e) noexcept {
    if (e.is_watched()) end_all(e, false);
  }
  /// Effects: destroys the watch of an engine whose blocks are all over, or keeps it for another engine.
  template <class Engine> ZMM_COLD static void dispose(Engine& e) noexcept {
    auto* const watch = e.watch();
    if (watch != nullptr && !e.core().keeps_watch(watch)) Engine::watch_type::destroy(watch);
  }
  /// Effects: replaces figures by those that the watch knows exactly: of the bytes asked for.
  template <class Engine> ZMM_COLD static void correct(Engine const& e, statistics& s) noexcept {
    free_deferred(const_cast<Engine&>(e));
    s.size = s.live_blocks = s.peak = 0;
    if (auto const* const watch = e.watch()) watch->count(s);
    s.peak_exact = true;
  }
  template <class Engine> ZMM_COLD static void verify(Engine const& e) noexcept {
    free_deferred(const_cast<Engine&>(e));
    if (auto* const watch = e.watch()) watch->verify();
  }

  /// Effects: frees the blocks that frees of a constant size have listed; stops if there are any and the engine is
  /// nobody's.
  template <class Engine> static void free_deferred(Engine& e) noexcept {
    if constexpr (!watch_of<typename Engine::options>::is_constant) {
      for (std::uint8_t i = 0; i < bins_up_to(Engine::slot_limit); ++i) {
        for (free_slot* slot = e.core().lists().take_list(bin_index{i}); slot != nullptr;) {
          // Freed twice, or written to since: the tool that knows malloc reports it, and the link must not be followed.
          auto* const watch = e.watch();
          bool const is_whole = watch != nullptr && watch->is_live(slot);
          free_slot* const next = is_whole ? slot->next : nullptr;
          give(e, slot, unknown_size, 1);
          slot = next;
        }
      }
    }
  }

  /// Effects: the engine, which has handed out nothing yet, is nobody's from now on.
  template <class Engine> static void disown(Engine& e) noexcept {
    e.forward();
    e.disown();
  }

private:
  template <class Engine> static void give(Engine& e, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    check(!e.is_nobodys(), "an allocator that is bound to no heap frees nothing", block, nullptr);
    admission asked;
    if (auto* const watch = e.make_watch()) watch->deallocate(bare<Engine>{e, asked}, block, bytes, alignment);
  }
};

}}}  // namespace zmm::detail

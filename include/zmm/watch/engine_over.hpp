// Makes an engine out of a core: all that the concept of an engine asks beyond what the core has is derived here, once.
//
//     allocate ─ Core::take
//        └─ allocate_miss ─ Core::take_aside, or Core::take_fresh
//           └─ behind_miss ─ Core::take_fresh, Core::take_ahead
//              └─ allocate_asked ─ (watch) ─ allocate_rest ─ obtain_block ─ Core::attempt, Core::reclaim, the limit's hook
//     deallocate ─ Core::give_hit
//        └─ deallocate_miss ─ (Core::give_aside) ─ Core::give_missed, or the watch ─ give_bare ─ Core::give
// Two layers: public calls go through the watch, if there is one; bare calls come from the watch, or where there is
// none.
#pragma once

#include <zmm/blocks/block_list.hpp>
#include <zmm/watch/engine_account.hpp>
#include <zmm/watch/sample_count.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// An engine. Core, which is a watched_engine, has
///
/// | expression | what it is |
/// | --- | --- |
/// | `options` `geometry` | its options, its geometry |
/// | `take(bytes, alignment)` | the hit path of an allocation, of any size and alignment; null: a miss |
/// | `take_fresh(bytes, alignment)` | the usual miss; null: not served |
/// | `take_ahead(bytes, alignment)` | a rarer one: lists some slots of a run and returns the first; null: not served |
/// | `attempt(bytes, alignment, asked)` | one attempt at any request; null, and why. bytes > 0, alignment a power of two |
/// | `handed_out(block, bytes, alignment)` | notes that such an attempt succeeded |
/// | `reclaim()` | looks for memory that was not at hand; whether there may be some now |
/// | `give_hit(block, bytes, alignment)` | the hit path of a free; false: a miss. A watched engine misses, but see hit_bound |
/// | `give_missed(block, bytes, alignment)` | frees a block that give_hit() refused though nobody watches; bytes > 0 |
/// | `give(block, bytes, alignment)` | frees any block; whether its bytes stay as they are, but for the first and last words |
/// | `usable_size(block, bytes, alignment)` | what a caller may use of a block that was asked for with these |
/// | `resize_in_place(block, old, least, preferred, asked)` | as the engine's |
/// | `collect()` `trim()` `drop(heap)` `rekey(heap)` | as the engine's; drops every block; draws new keys |
/// | `book()` | a ledger, or what can be read like one |
/// | `set_limit(bytes)` `remaining()` `reset_peak()` | as the engine's, without collecting |
/// | `count(statistics&)` `verify(heap)` | figures; invariants |
/// | `tell_all(tell, tells_blocks)` | for visits: engine_visit.hpp |
/// | `begin(asked)` `ask_hook(bytes)` `set_hook` `lift` `unlift` `check_may_release(heap)` | engine_account has them |
/// | `charge(bytes, asked)` `discharge(bytes)` | counts bytes that malloc gave as the engine's; false: the limit refuses |
/// | `lists()` | where `lists_type` is: pop_some(), push_all(), forward(), take_list() of bins, as run_bins has them |
/// | `looks_aside` … `for_each_child(visit)` | usual_core has them |
///
/// None of this throws or goes through the engine's watch. The base classes are no part of the engine's interface.
template <class Core> class engine_over : protected Core, protected sampled_engine<Core::options::sample_every != 0> {
  static_assert(are_options_built<typename Core::options>());

public:
  using options = typename Core::options;
  using geometry = typename Core::geometry;
  using site = typename options::site;
  using limit_hook = limit_hook_type;
  using Core::slot_limit;

  engine_over(engine_over const&) = delete;
  engine_over& operator=(engine_over const&) = delete;

  /// Effects: allocates at least `bytes` bytes (0 counts as 1) aligned to `alignment`.
  /// Returns: the block; never null; distinct from every live block.
  /// Throws: memory_limit_exceeded past the limit; out_of_memory if storage has none; std::bad_alloc if `alignment` is
  /// no power of two or no address space holds the block. All are std::bad_alloc; the heap is unchanged and usable.
  /// Complexity: O(1), amortised over the blocks of a run or slab.
  [[nodiscard]] ZMM_INLINE void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                          site where = site::here()) {
    if (void* const block = take_hit(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
    return allocate_miss<true>(bytes, alignment, where);
  }
  /// As allocate(), but returns null where that throws.
  [[nodiscard]] ZMM_INLINE void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                              site where = site::here()) noexcept {
    if (void* const block = take_hit(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
    return allocate_miss<false>(bytes, alignment, where);
  }
  /// As allocate() and try_allocate(), for a block that replaces one that has outgrown its place: it gets room to grow in,
  /// pages left free behind it or, if it is huge, address space.
  [[nodiscard]] void* allocate_growing(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept;

  /// Effects: frees a block. Null: no effect.
  /// Requires: `block` is live; `alignment` is what it was allocated with; `bytes` is what it was allocated with, or
  /// any size between what was asked for and what was granted, if it was resized.
  /// Complexity: O(1) for small blocks, which need no look-up at all.
  ZMM_INLINE void deallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (ZMM_LIKELY(block != nullptr)) deallocate_nonnull(block, bytes, alignment);
  }
  /// As deallocate(), for callers that never pass null (containers do not). Requires: block is not null.
  ZMM_INLINE void deallocate_nonnull(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(!core().give_hit(block, bytes, alignment))) return deallocate_miss(block, bytes, alignment);
  }

  /// For bulk allocation, in engines with lists of free blocks. Effects: adds to `list` up to `count` blocks of `bytes`
  /// at `alignment` that are at hand, fresh ones in the order of their addresses; none if the engine has no list for
  /// such blocks.
  template <class C = Core, class Lists = typename C::lists_type>
  void pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count, block_list& list) noexcept;
  /// For bulk allocation. Effects: frees the blocks of `list`, each of `bytes` at `alignment`, and empties it, if the
  /// engine has a list for such blocks. Complexity: O(1).
  template <class C = Core, class Lists = typename C::lists_type>
  void push_blocks(std::size_t bytes, std::size_t alignment, block_list& list) noexcept;

  /// Returns: bytes usable in the live block at `block`, which was asked for as `bytes` at `alignment`. Where these
  /// tell a small block's bin, the block is not looked up.
  [[nodiscard]] std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept {
    if (ZMM_UNLIKELY(is_watched())) return watched_calls::usable_size(*this, block);
    return core().usable_size(block, bytes, alignment);
  }

  /// Effects: makes the block hold at least `min_bytes`, better `preferred_bytes`, where it is.
  /// Requires: `block` is live and may be freed with `old_bytes`; min_bytes <= preferred_bytes.
  /// Returns: the bytes now usable; the block may be freed with any size from `min_bytes` to that. 0: refused, and
  /// nothing changed. If the block is large enough already, these are its usable size. A slot stays a slot of its bin;
  /// a paged block stays paged, grows into free pages behind it and gives its tail back.
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept;

  /// Effects: frees every block at once; limit, hook and storage stay, peaks start anew. No container may touch its old
  /// blocks afterwards. The limit hook may not call it. In a request, what was registered for its end runs first.
  /// Complexity: linear in chunks or slabs and huge blocks, not in blocks.
  void release() noexcept;
  /// Effects: the first half of release(): runs what was registered for the end. For faces, whose destructors call it
  /// while their other members still work. Nothing is registered for the end of a general heap.
  void run_end() noexcept { core().run_end(); }

  /// Effects: gives memory that is not needed back to storage. Returns: bytes given back. To find what lies free among
  /// live blocks, collect() first.
  std::size_t trim() noexcept {
    if (ZMM_UNLIKELY(is_watched())) watched_calls::settle(*this);
    return core().trim();
  }
  /// Effects: finds memory that is free but of no use where it lies, such as runs without a live slot. Returns: bytes
  /// made free.
  std::size_t collect() noexcept {
    if (ZMM_UNLIKELY(is_watched())) watched_calls::settle(*this);
    return core().collect();
  }

  /// Effects: from now on at most `bytes` bytes are taken from storage. What is not needed is given back for that.
  /// Returns: false if more is in use; the old limit then stays.
  [[nodiscard]] bool set_limit(std::size_t bytes) noexcept {
    if (core().set_limit(bytes)) return true;
    collect();
    return core().set_limit(bytes);
  }
  std::size_t limit() const noexcept { return core().book().limit(); }  ///< bytes; SIZE_MAX: no limit
  /// Returns: limit() - real_size(), or what the limits of its ancestors and its pool leave, if that is less.
  std::size_t remaining() const noexcept { return core().remaining(); }
  /// Effects: `hook(user, needed)` is called before an allocation fails at the limit, once collecting and trimming did
  /// not help. It may free, trim and try_allocate() (then no second hook runs); what allocate() throws there terminates,
  /// for a hook is noexcept; release() goes to the stop handler. If it returns true the allocation is tried once more.
  /// Null takes the hook away.
  void on_limit(limit_hook hook, void* user) noexcept { core().set_hook(hook, user); }
  void lift_limit() noexcept { core().lift(); }      ///< for limit_lift
  void unlift_limit() noexcept { core().unlift(); }  ///< for limit_lift

  /// Complexity: linear in bins, free blocks and what storage gave: figures are counted when they are asked for, so
  /// that no allocation or free pays for them.
  statistics stats() const;
  std::size_t real_size() const noexcept { return core().book().real_size(); }  ///< bytes taken from storage
  std::size_t real_peak() const noexcept { return core().book().real_peak(); }
  void reset_peak() noexcept;
  /// Effects: walks everything; a broken invariant goes to the stop handler by name.
  void verify() const;
  /// Effects: calls visit(area_info const&) and visit(block_info const&), whichever it takes, for each area and each live
  /// block, until it returns false. <zmm/inspect.hpp> has it and says what holds. Returns: whether it came to the end.
  template <class Visit> bool visit(Visit&& visit) const { return inspection<engine_over>::visit(*this, visit); }

protected:
  struct decided {};
  struct undecided {};
  template <class... Args> ZMM_INLINE engine_over(decided, Args&&... args) noexcept : Core(static_cast<Args&&>(args)...) {
    core().rekey(this);
    decide();
  }
  /// For constant-initialised engines, which have to decide() before their first block.
  template <class... Args> constexpr engine_over(undecided, Args&&... args) noexcept : Core(static_cast<Args&&>(args)...) {}
  ~engine_over() {
    core().before_end();
    if (is_sampled || ZMM_UNLIKELY(!bound_.is_plain())) end_watched();
    else core().end();
  }

  friend Core;  // which reaches its engine by engine_of()
  template <class> friend struct inspection;
  friend struct watched_calls;
  friend struct sampled_calls<engine_over>;
  friend struct switched_calls<engine_over>;
  using Core::bound_, Core::forwards, Core::is_watched, Core::watch;
  static constexpr bool is_always_watched = Core::is_always_watched;
  static constexpr bool is_sampled = Core::options::sample_every != 0;
  using counted = sampled_bytes<options>;

  ZMM_INLINE Core& core() noexcept { return *this; }
  ZMM_INLINE Core const& core() const noexcept { return *this; }
  static engine_over& engine_of(Core& c) noexcept { return static_cast<engine_over&>(c); }
  auto* make_watch() noexcept { return core().make_watch(this); }

  /// Effects: settles whether the engine forwards its blocks to malloc, before it has any.
  ZMM_INLINE void decide() noexcept {
    if (!is_always_watched && ZMM_UNLIKELY(forwards_now())) forward();
  }
  ZMM_COLD void forward() noexcept {
    bound_.forward();
    core().lists().forward();
  }

  /// Counts the block. Null: a miss, or a sample may fall on the block.
  ZMM_INLINE void* take_hit(std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (is_always_watched) return nullptr;
    if (ZMM_UNLIKELY(counted::count(bytes))) return nullptr;
    return core().take(bytes, alignment);  // an engine that forwards has nothing there
  }
  /// How calls are sampled; null: they are not, at present.
  sampler<engine_over> const* sampling() const noexcept {
    if constexpr (is_sampled) return is_watched() ? nullptr : &sampled_calls<engine_over>::table;
    else if constexpr (Core::can_switch)
      return ZMM_UNLIKELY(bound_.is_lowered()) ? switched_sampler<engine_over>.load(memory_order_acquire) : nullptr;
    else return nullptr;
  }
  template <bool Throws> void* allocate_miss(std::size_t bytes, std::size_t alignment, site where) noexcept(!Throws);
  // `caller`: the place that a call of the engine returns to, for stacks.
  template <bool Throws>
  void* behind_miss(std::size_t bytes, std::size_t alignment, site where, void const* caller) noexcept(!Throws);
  void* allocate_asked(std::size_t bytes, std::size_t alignment, site where, admission&, void const* caller) noexcept;
  void* allocate_missed(std::size_t bytes, std::size_t alignment, site where, admission&, void const* caller) noexcept;
  void* allocate_otherwise(std::size_t bytes, std::size_t alignment, site where, admission&, void const* caller) noexcept;
  void* allocate_moved(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_behind(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void give_or_watch(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void end_watched() noexcept, end_blocks() noexcept;
  /// Drops everything, the children's blocks first: the one place for this, however the engine came to it.
  void drop_all() noexcept;

  // Bare calls: by the watch, or where there is none.
  void begin(admission& asked) const noexcept {
    core().begin(asked);
    if constexpr (options::guard_pages) asked.guard_huge();
  }
  template <class Attempt> void* obtain_block(std::size_t const& bytes, admission& asked, Attempt attempt) noexcept;
  void* allocate_rest(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void* allocate_forwarded(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  bool give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept;
};

}}}  // namespace zmm::detail

#include <zmm/watch/engine_over_misses.hpp>

// The heap: Zend's chunks, pages and bins, for one thread at a time.
//
//     allocate ─ heap_core::pop
//        └─ allocate_miss ─ heap_core::bump
//              └─ allocate_rest ─ obtain ─ heap_core::attempt
//     deallocate ─ heap_core::push
//        └─ deallocate_paged ─ heap_core::free_paged
// In a watched heap every call goes to the watch: watched_engine.hpp.
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/heap/heap_core.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// General heap: blocks live as long as they like, any can be freed, memory that is free again can be collected and
/// returned. Everything can be dropped at once with release(). Owns no memory until the first allocation.
///
/// A block is *small* (at most 3072 bytes once its size is rounded up to its alignment: a slot of a bin) or *paged* (a
/// run of pages up to large_limit, or huge, with a mapping of its own). Alignment: every power of two.
///
/// Threads: one at a time. May be handed to another thread with the usual happens-before.
/// Neither copyable nor movable: chunks know the address of their heap.
template <class Options> class basic_heap : detail::watched_engine<Options> {
  static_assert(detail::are_options_built<Options>());
  using classes = detail::run_classes<Options>;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  using site = typename Options::site;
  using limit_hook = detail::limit_hook_type;

  explicit basic_heap(storage& from = os_storage()) noexcept : core_(&source_), source_(from) {
    rekey();
    if (!watched::is_always_watched && ZMM_UNLIKELY(detail::forwards_now())) forward();
  }
  basic_heap(basic_heap const&) = delete;
  basic_heap& operator=(basic_heap const&) = delete;
  ~basic_heap() {  ///< every block, chunk and huge block goes back to storage
    if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end(*this, true);
  }

  /// Effects: allocates at least `bytes` bytes (0 counts as 1) aligned to `alignment`.
  /// Returns: the block; never null; distinct from every live block.
  /// Throws: memory_limit_exceeded past the limit; out_of_memory if storage has none; std::bad_alloc if `alignment` is
  /// no power of two or no address space holds the block. All are std::bad_alloc; the heap is unchanged and usable.
  /// Complexity: O(1), amortised over the slots of a run.
  [[nodiscard]] ZMM_INLINE void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                          site where = site::here()) {
    if (void* const slot = pop(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return allocate_miss(bytes, alignment, where);
  }

  /// As allocate(), but returns null where that throws.
  [[nodiscard]] ZMM_INLINE void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                              site where = site::here()) noexcept {
    if (void* const slot = pop(bytes, alignment); ZMM_LIKELY(slot != nullptr)) return slot;
    return try_allocate_miss(bytes, alignment, where);
  }

  /// Effects: frees a block. Null: no effect.
  /// Requires: `block` is live; `alignment` is what it was allocated with; `bytes` is what it was allocated with, or
  /// any size between what was asked for and what was granted, if it was resized.
  /// Complexity: O(1) for small blocks, which need no look-up at all; O(pages / 64) for paged ones.
  ZMM_INLINE void deallocate(void* block, std::size_t bytes,
                             std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (ZMM_LIKELY(block != nullptr)) deallocate_nonnull(block, bytes, alignment);
  }

  /// As deallocate(), for callers that never pass null (containers do not). Requires: block is not null.
  ZMM_INLINE void deallocate_nonnull(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= bound_.get(rank))) return deallocate_miss(block, bytes, alignment);
    if (rank >= detail::small_limit) __builtin_unreachable();  // no bound is above it, which is not seen from here
    if constexpr (Options::check_frees) core_.free_small(block, classes::bin_of(rank), bytes, alignment);
    push(classes::bin_of(rank), block);
    core_.wipe_freed(block, classes::bin_of(rank), bytes);
  }

  /// As allocate() and try_allocate(), for a block that replaces one that has outgrown its place: it gets room to grow in,
  /// pages left free behind it or, if it is huge, address space.
  [[nodiscard]] void* allocate_growing(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept;

  /// For bulk allocation. Effects: adds up to `count` blocks of `bytes` at `alignment` that are at hand to `list`, none
  /// if they are paged; fresh ones in the order of their addresses.
  void pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count, detail::block_list& list) noexcept;
  /// For bulk allocation. Effects: frees the blocks of `list`, each of `bytes` at `alignment`, and empties it, unless
  /// they are paged. Complexity: O(1).
  void push_blocks(std::size_t bytes, std::size_t alignment, detail::block_list& list) noexcept;

  /// Effects: frees a block found by its address alone. Null: no effect. Requires: `block` is live.
  void deallocate(void* block) noexcept;

  /// Returns: bytes usable in the live block at `block`; 0 for null.
  [[nodiscard]] std::size_t usable_size(void const* block) const noexcept {
    if (ZMM_UNLIKELY(is_watched())) return detail::watched_calls::usable_size(*this, block);
    if constexpr (Options::check_frees) return checked_size(block);
    return core_.usable_size(block);
  }

  /// The same for a live block asked for as `bytes` at `alignment`: a small one is not looked up.
  [[nodiscard]] std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if constexpr (Options::tag_blocks) return usable_size(block);
    return rank < bound_.get() ? detail::slot_bytes(classes::bin_of(rank)) : usable_size(block);
  }

  /// Returns: whether `p` points into memory that this heap has handed out or is ready to: slots, paged blocks. Reads
  /// nothing behind a foreign pointer. Complexity: O(1); linear in chunks and huge blocks for a pointer deep inside a
  /// huge block or outside the heap.
  [[nodiscard]] bool owns(void const* p) const noexcept;

  /// Effects: resizes a block, in place if its kind allows, else by moving it; min(old, new) bytes keep their contents.
  /// A null block is allocated. `peak` never counts both places (real_peak does).
  /// Returns: the block's place. Throws: as allocate(); the block is then unchanged.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    return reallocate(block, bytes, usable_size(block), alignment);
  }
  /// As above, but only the first `copy_bytes` bytes are kept when the block moves.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment);

  /// Effects: makes the block hold at least `min_bytes`, better `preferred_bytes`, where it is.
  /// Requires: `block` is live and may be freed with `old_bytes`; min_bytes <= preferred_bytes.
  /// Returns: the bytes now usable; the block may be freed with any size from `min_bytes` to that. 0: refused, and
  /// nothing changed. A block that fits already answers its usable size. A slot stays a slot of its bin; a paged block
  /// stays paged, grows into free pages behind it and gives its tail back.
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept;

  /// Effects: frees every block at once. Keeps one chunk, and as many more as Zend's running average says, for what
  /// comes next; limit, hook and storage stay, peaks start anew. No container may touch its old blocks afterwards. The
  /// limit hook may not call it.
  /// Complexity: linear in chunks and huge blocks, not in blocks.
  void release() noexcept;

  /// Nothing is registered for the end of a general heap.
  void run_end() noexcept {}

  /// Effects: gives memory that is not needed back to storage: cached chunks, and the memory behind free pages.
  /// Returns: bytes given back. To find free pages in half-used runs, collect() first.
  std::size_t trim() noexcept {
    if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::settle(*this);
    return core_.purge() + source_.trim();
  }

  /// Effects: finds runs without a live slot and frees their pages; chunks left empty are cached or given back.
  /// Returns: bytes of pages made free. Complexity: linear in the free slots of bins with frees since the last one.
  std::size_t collect() noexcept {
    if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::settle(*this);
    return core_.collect();
  }

  /// Effects: from now on at most `bytes` bytes are taken from storage. Caches are dropped if that is needed.
  /// Returns: false if more is in use; the old limit then stays.
  bool set_limit(std::size_t bytes) noexcept;
  std::size_t limit() const noexcept { return source_.book().limit(); }          ///< bytes; SIZE_MAX: no limit
  std::size_t remaining() const noexcept { return source_.book().remaining(); }  ///< limit() - real_size()

  /// Effects: `hook(user, needed)` is called before an allocation fails at the limit, once collecting and trimming did
  /// not help. It may free, trim and allocate (then no second hook runs), and may not call release(). If it returns
  /// true the allocation is tried once more. Null takes the hook away.
  void on_limit(limit_hook hook, void* user) noexcept { gate_.set_hook(hook, user); }
  void lift_limit() noexcept { gate_.lift(); }      ///< for limit_lift
  void unlift_limit() noexcept { gate_.unlift(); }  ///< for limit_lift

  /// Complexity: linear in bins and free slots: live is what was carved less what is free, so that no call pays for it.
  statistics stats() const;
  std::size_t real_size() const noexcept { return source_.book().real_size(); }  ///< bytes taken from storage
  std::size_t real_peak() const noexcept { return source_.book().real_peak(); }
  void reset_peak() noexcept;

  /// Effects: walks everything; a broken invariant goes to the stop handler by name.
  void verify() const;

private:
  friend struct detail::watched_calls;
  friend struct detail::watch_access;
  using source_type = detail::chunk_source<detail::page_geometry<Options>>;
  using core_type = detail::heap_core<Options, source_type>;
  using watched = detail::watched_engine<Options>;
  using watched::bound_, watched::forwards, watched::is_watched, watched::make_watch, watched::watch;

  ZMM_INLINE void* pop(std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (watched::is_always_watched) return nullptr;
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= detail::small_limit || (alignment & (alignment - 1)) != 0)) return nullptr;
    void* const slot = core_.pop(classes::bin_of(rank));
    if (slot != nullptr) tag(slot, classes::bin_of(rank), bytes, alignment);
    if constexpr (Options::exact_peak) {
      if (slot != nullptr) add_live(detail::slot_bytes(classes::bin_of(rank)));
    }
    return slot;
  }
  ZMM_INLINE void push(detail::bin_index bin, void* block) noexcept {
    core_.push(bin, block);
    if constexpr (Options::exact_peak) live_ -= detail::slot_bytes(bin);
  }

  /// Marks a slot as live, if the options say so.
  ZMM_INLINE void tag([[maybe_unused]] void* slot, [[maybe_unused]] detail::bin_index bin,
                      [[maybe_unused]] std::size_t bytes, [[maybe_unused]] std::size_t alignment) noexcept {
    if constexpr (Options::tag_blocks) core_.tags().write(slot, bin, bytes, alignment);
  }
  void rekey() noexcept {
    if constexpr (Options::encode_links) draw_keys();
  }
  void draw_keys() noexcept;

  void* bump(std::size_t bytes, std::size_t alignment) noexcept;
  void* allocate_miss(std::size_t bytes, std::size_t alignment, site where);
  void* try_allocate_miss(std::size_t bytes, std::size_t alignment, site where) noexcept;
  void* allocate_rest(std::size_t bytes, std::size_t alignment, site where, detail::admission& asked) noexcept;

  // For the watch. What it takes and gives may be forwarded.
  void* allocate_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  bool give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void* take_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  void forward() noexcept;
  detail::free_slot* take_deferred(detail::bin_index bin) noexcept { return core_.take_list(bin); }

  void deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_paged(void* block) noexcept;
  void deallocate_found(void* block) noexcept;
  std::size_t checked_size(void const* block) const noexcept;

  void* reallocate_paged(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  /// Bytes of all slots of all runs, and of paged blocks: an upper bound of what is live.
  std::size_t carved() const noexcept { return core_.carved() + source_.huge_bytes(); }
  void note_growth() noexcept {
    if constexpr (!Options::exact_peak) peak_ = carved() > peak_ ? carved() : peak_;
  }
  /// A block of `before` usable bytes has `after` now; exact_peak only cares which.
  void note_resized(std::size_t before, std::size_t after) noexcept {
    if constexpr (Options::exact_peak) add_live(after - before);
    note_growth();
  }
  void add_live(std::size_t bytes) noexcept {
    live_ += bytes;
    if (live_ > peak_) peak_ = live_;
  }

  core_type core_;
  std::size_t live_ = 0;  ///< exact_peak only: bytes in live blocks
  std::size_t peak_ = 0;  ///< of live_, or of carved()
  detail::limit_gate<Options::encode_calls> gate_;
  source_type source_;
};

}}  // namespace zmm

#include <zmm/heap/heap_allocate.hpp>
#include <zmm/heap/heap_resize.hpp>
#include <zmm/heap/heap_watched.hpp>
#include <zmm/heap/heap_whole.hpp>

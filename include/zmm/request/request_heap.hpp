// The request heap: blocks packed into slabs of a pool, dropped together when the request ends.
//
//     allocate ─ packed_bins::pop | carve_one
//        └─ allocate_miss ─ packed_bins::pop_wide
//              └─ carve_or_rest ─ packed_bins::carve | carve_wide
//                    └─ allocate_rest ─ obtain ─ take_packed ─ open_slab ─ request_pool::take_slab
//                                           └─ take_paged ─ request_pool::take_run | take_huge
//     deallocate ─ packed_bins::push
//        └─ deallocate_rest ─ packed_bins::push_wide
//              └─ deallocate_odd ─ give_paged
//     release ─ run_end ─ children, end_list
//        └─ give_back ─ request_pool::end
// In a watched request every call goes to the watch: watched_engine.hpp.
#pragma once

#include <zmm/options.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/request/end_list.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/request/packed_kinds.hpp>
#include <zmm/request/paged_table.hpp>
#include <zmm/request/request_pool.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Arena of one request: as cheap as bumping a pointer, and what is freed is reused. Small blocks (at most 3072 bytes
/// once rounded up to their alignment, alignment at most 64) are packed into slabs; everything else has pages of its
/// own. Any block can be freed at any time; the end of the request frees them all.
///
/// Footprint of small blocks: at most the sum over bins of each bin's peak, and besides: up to seven blocks carved
/// ahead in a bin of up to 1 KiB that had 32 or more; the gaps before aligned blocks, 8 bytes, or 56 at 32 and 64; 16
/// bytes at the start and under 3200 at the end of each slab; and the rest of the open slab, which is no larger than
/// all before it, or is the first one. Classes do not share what they freed: after a shift in sizes the sum of the
/// peaks stays until the end.
///
/// Threads: one at a time, the request's parents and children included. May be handed to another thread with the usual
/// happens-before, and ended there. Neither copyable nor movable.
template <class Options>
class basic_request_heap : detail::watched_engine<Options>,
                           detail::request_checks<Options>,
                           detail::packed_kinds<Options> {
  static_assert(detail::are_options_built<Options>());
  using checks = detail::request_checks<Options>;
  using kinds = detail::packed_kinds<Options>;
  using kinds::packed_rank, kinds::is_packed, kinds::packed_bin;
  using classes = typename kinds::classes;
  using bins = typename kinds::bins;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  using site = typename Options::site;
  using pool_type = basic_request_pool<geometry>;
  using limit_hook = detail::limit_hook_type;

  /// A request of the process's default pool.
  basic_request_heap() noexcept : basic_request_heap(default_pool<geometry>()) {}
  explicit basic_request_heap(pool_type& pool) noexcept : pool_(&pool) { begin(); }

  /// A request inside another: takes from the same pool, is charged to `parent` and all its ancestors as well, and is
  /// released when `parent` is. After a parent that is destroyed first it stays empty and usable.
  basic_request_heap(within_t, basic_request_heap& parent) noexcept;

  /// A request whose first slab is the caller's buffer, which outlives it (so is declared before it). The buffer is not
  /// charged; nothing is taken from the pool until it is full; release() starts with it again.
  basic_request_heap(void* buffer, std::size_t bytes, pool_type& pool = default_pool<geometry>()) noexcept
      : pool_(&pool), buffer_(static_cast<char*>(buffer)), buffer_bytes_(bytes) {
    begin();
    if (watched::is_always_watched || !is_watched()) bins_.open(buffer_, buffer_ + buffer_bytes_);
  }

  basic_request_heap(basic_request_heap const&) = delete;
  basic_request_heap& operator=(basic_request_heap const&) = delete;
  ~basic_request_heap();  ///< release(); children are left empty

  /// Effects, returns, throws: as basic_heap::allocate(). A limit is that of the request, of an ancestor or of the
  /// pool.
  /// Complexity: O(1), amortised over the blocks of a slab.
  [[nodiscard]] ZMM_INLINE void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                          site where = site::here()) {
    if (void* const block = take(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
    return allocate_miss(bytes, alignment, where);
  }

  /// As allocate(), but returns null where that throws.
  [[nodiscard]] ZMM_INLINE void* try_allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
                                              site where = site::here()) noexcept {
    if (void* const block = take(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
    return try_allocate_miss(bytes, alignment, where);
  }

  /// Effects: frees a block for reuse by this request. Null: no effect.
  /// Requires: `block` is live; `alignment` is what it was allocated with; `bytes` is what it was allocated with, or
  /// any size between what was asked for and what was granted, if it was resized. Complexity: O(1).
  ZMM_INLINE void deallocate(void* block, std::size_t bytes,
                             std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (ZMM_LIKELY(block != nullptr)) deallocate_nonnull(block, bytes, alignment);
  }

  /// As deallocate(), for callers that never pass null. Requires: block is not null.
  ZMM_INLINE void deallocate_nonnull(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = detail::opaque(classes::rank_of(bytes, alignment));  // unrolled constants look too large
    if (ZMM_UNLIKELY(alignment > 16 || rank >= bound_.get(rank))) return deallocate_rest(block, bytes, alignment);
    if constexpr (Options::tag_blocks) free_packed(block, classes::bin_of(rank), bytes, alignment);
    bins_.push(classes::bin_of(rank), block);
    wipe_freed(block, classes::bin_of(rank), bytes);
    if constexpr (Options::exact_peak) live_ -= detail::slot_bytes(classes::bin_of(rank));
  }

  /// As allocate() and try_allocate(), for a block that replaces one that has outgrown its place: it gets room to grow in,
  /// pages left free behind it or, if it is huge, address space.
  [[nodiscard]] void* allocate_growing(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept;

  /// For bulk allocation. Effects: adds up to `count` blocks of `bytes` at `alignment` that are at hand to `list`, none
  /// if they are not packed at alignments up to 16; fresh ones in the order of their addresses.
  void pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count, detail::block_list& list) noexcept;
  /// For bulk allocation. Effects: frees the blocks of `list`, each of `bytes` at `alignment`, and empties it, unless
  /// they are not packed at alignments up to 16. Complexity: O(1).
  void push_blocks(std::size_t bytes, std::size_t alignment, detail::block_list& list) noexcept;

  /// Returns: bytes usable in the live block at `block`, which was asked for as `bytes` at `alignment`.
  [[nodiscard]] std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept;

  /// Effects, requires, returns: as basic_heap::resize_in_place(). A packed block never changes; it answers its bin's
  /// size if `min_bytes` belongs to that bin, else it refuses; of an unknown size it always refuses. Paged blocks grow
  /// and shrink as in a heap.
  [[nodiscard]] std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                            std::size_t preferred_bytes) noexcept;

  /// Effects: ends the request. Children are released first; then what on_end() and create() registered runs, newest
  /// first, until nothing is left, with the limit lifted (it may allocate and register more; what throws terminates);
  /// then every block is dropped and slabs, runs and huge blocks go back to the pool, which keeps them warm. The object
  /// is as new and may serve the next request; limit and hook stay, peaks start anew. No
  /// container may touch its old blocks afterwards. Neither an entry nor the limit hook may call it.
  /// Complexity: linear in slabs, paged blocks and registered entries, not in blocks.
  void release() noexcept;

  /// Effects: the first half of release(): releases the children and runs what was registered. For faces, whose calls
  /// still work while they do this in their destructors.
  void run_end() noexcept {
    if (ZMM_UNLIKELY(first_child_ != nullptr || !end_.empty())) run_end_entries();
  }

  /// Effects: as collect(); then the pool gives what nobody needs back to storage. Returns: bytes given back to
  /// storage.
  std::size_t trim() noexcept {
    collect();
    return pool_->trim();
  }

  /// Effects: if no block is live and nothing is registered for the end, the slabs go back to the pool. Packed blocks
  /// leave no holes that could be given back one by one; paged ones go back when they are freed.
  /// Returns: bytes made free. Complexity: linear in the free blocks.
  std::size_t collect() noexcept;

  /// Effects: this request and its children hold at most `bytes` bytes of slabs, runs and huge blocks from now on.
  /// Returns: false if they hold more; the old limit then stays.
  bool set_limit(std::size_t bytes) noexcept;
  std::size_t limit() const noexcept { return book_.limit(); }  ///< bytes; SIZE_MAX: no limit
  /// Returns: limit() - real_size(), or what is left to an ancestor if that is less.
  std::size_t remaining() const noexcept;
  /// As basic_heap::on_limit(). A request without a hook asks the nearest ancestor's.
  void on_limit(limit_hook hook, void* user) noexcept { gate_.set_hook(hook, user); }
  void lift_limit() noexcept { gate_.lift(); }      ///< for limit_lift
  void unlift_limit() noexcept { gate_.unlift(); }  ///< for limit_lift

  /// Complexity: linear in bins, free blocks, slabs and paged blocks.
  statistics stats() const;
  std::size_t real_size() const noexcept { return book_.real_size(); }  ///< bytes from the pool, children included
  std::size_t real_peak() const noexcept { return book_.real_peak(); }
  void reset_peak() noexcept;

  /// Effects: walks everything; a broken invariant goes to the stop handler by name.
  void verify() const;

  /// Effects: `f()` is called at the end of the request, before blocks are dropped; newest first.
  /// Throws: as allocate(), and what copying or moving `f` throws; then nothing is registered.
  template <class F> void on_end(F&& f);

  /// Effects: allocates a T together with what its destruction at the end of the request takes, and calls
  /// construct(place), which builds the T at `place`. Returns: the T.
  /// Throws: as allocate(), and what `construct` throws; then nothing is left behind.
  template <class T, class Construct> T* create_with(Construct construct);

  pool_type& pool() const noexcept { return *pool_; }

private:
  friend struct detail::watched_calls;
  friend struct detail::watch_access;
  using orders = detail::slab_orders<geometry>;
  using chunk_type = detail::chunk<geometry>;
  using watched = detail::watched_engine<Options>;
  using watched::bound_, watched::forwards, watched::is_watched, watched::make_watch, watched::watch;

  ZMM_INLINE void* take(std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (watched::is_always_watched) return nullptr;
    std::size_t const below = detail::opaque(alignment - 1);
    if (ZMM_UNLIKELY(alignment > 16 || (alignment & below) != 0)) return nullptr;
    std::size_t const rank = classes::rank_of(bytes, below + 1);
    if (ZMM_UNLIKELY(rank >= detail::small_limit)) return nullptr;
    void* block = bins_.pop(classes::bin_of(rank));
    if (block == nullptr) block = bins_.carve_one(classes::bin_of(rank));
    tag(block, classes::bin_of(rank), bytes, alignment);
    if constexpr (Options::exact_peak) {
      if (block != nullptr) add_live(detail::slot_bytes(classes::bin_of(rank)));
    }
    return block;
  }

  /// Marks a packed block as live, if the options say so. Null: no effect.
  ZMM_INLINE void tag([[maybe_unused]] void* block, [[maybe_unused]] detail::bin_index bin,
                      [[maybe_unused]] std::size_t bytes, [[maybe_unused]] std::size_t alignment) noexcept {
    if constexpr (Options::tag_blocks) {
      if (block != nullptr) this->tags.write(block, bin, bytes, alignment);
    }
  }
  /// What free_packed() leaves to do, after the block is linked.
  void wipe_freed(void* block, detail::bin_index bin, std::size_t bytes) noexcept;
  void rekey() noexcept {
    if constexpr (Options::encode_links) checks::rekey(bins_.links(), this);
  }

  // With tag_blocks only. Each stops where a caller names what is no such block.
  void free_packed(void* block, detail::bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  void check_memory(void const* block) const noexcept;
  void check_paged(void const* block, std::size_t bytes, std::size_t alignment) const noexcept;
  std::size_t resize_packed(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;

  // What a request's end does more with some options.
  void check_slabs() const noexcept;
  void wipe_slabs() noexcept;

  void* pop_wide(std::size_t bytes, std::size_t alignment) noexcept;
  void* carve(std::size_t bytes, std::size_t alignment) noexcept;
  void* carve_or_rest(std::size_t bytes, std::size_t alignment, site where);
  void* allocate_miss(std::size_t bytes, std::size_t alignment, site where);
  void* try_allocate_miss(std::size_t bytes, std::size_t alignment, site where) noexcept;
  void* allocate_rest(std::size_t bytes, std::size_t alignment, site where, detail::admission& asked) noexcept;

  // For the watch. What it takes and gives may be forwarded.
  void* allocate_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  bool give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void* take_forwarded(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  void forward() noexcept;
  detail::free_slot* take_deferred(detail::bin_index bin) noexcept { return bins_.take_list(bin); }
  ZMM_INLINE void begin() noexcept {
    rekey();
    if (!watched::is_always_watched && ZMM_UNLIKELY(detail::forwards_now())) forward();
  }

  void* take_packed(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  void* take_paged(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  detail::paged_block take_pages(std::size_t bytes, std::size_t alignment, detail::admission& asked) noexcept;
  void* open_and_carve(detail::bin_index bin) noexcept;
  bool open_slab(detail::admission& asked) noexcept;
  bool grow_table(detail::admission& asked) noexcept;
  bool ask_hook(std::size_t bytes) noexcept;

  void deallocate_rest(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_odd(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_plain(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  std::size_t give_paged(void* block) noexcept;
  std::size_t give_pages(detail::paged_block block) noexcept;
  std::size_t tag_of(void const* block) const noexcept;
  void set_tag(detail::paged_block block, std::size_t tag) noexcept;
  std::size_t bytes_of(detail::paged_block block) const noexcept {
    return block.is_huge() ? pool_->find_huge(block.start()).bytes : block.pages() * geometry::page_bytes;
  }

  bool is_paged(void const* block) const noexcept;
  std::size_t resize_paged(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;
  std::size_t resize_huge(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;
  void forget_blocks() noexcept;
  void give_back() noexcept;
  void give_back_paged() noexcept;
  bool is_empty() const noexcept;
  bool is_any_live() const noexcept;
  bool release_children() noexcept;
  void run_end_entries() noexcept;

  static detail::page_entry& entry_of(void const* block) noexcept {
    return chunk_type::of(block)->map[chunk_type::page_of(block)];
  }

  /// Whether the request and all its ancestors admit `bytes` more.
  bool admits(std::size_t bytes, detail::admission& asked) const noexcept;
  void charge(std::size_t bytes) noexcept {
    for (basic_request_heap* h = this; h != nullptr; h = h->parent_) h->book_.add(bytes);
  }
  void discharge(std::size_t bytes) noexcept {
    for (basic_request_heap* h = this; h != nullptr; h = h->parent_) h->book_.subtract(bytes);
  }
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept;
  std::size_t carved() const noexcept { return bins_.carved_bytes() + paged_bytes_; }
  void note_carved() noexcept {
    if constexpr (!Options::exact_peak) peak_ = carved() > peak_ ? carved() : peak_;
  }
  void add_live(std::size_t bytes) noexcept {
    live_ += bytes;
    if (live_ > peak_) peak_ = live_;
  }

  bins bins_;
  std::size_t live_ = 0;           ///< exact_peak only: bytes in live blocks
  std::size_t peak_ = 0;           ///< of live_, or of carved()
  detail::slab* slabs_ = nullptr;  ///< newest first; the first one is open
  std::size_t slab_bytes_ = 0;     ///< bytes of all slabs
  std::size_t paged_bytes_ = 0;    ///< bytes of all paged blocks
  detail::paged_table table_;      ///< all paged blocks, its own memory's among them
  detail::end_list<Options::encode_calls> end_;
  pool_type* pool_;
  bool joined_ = false;     ///< counted as in flight by the pool
  bool ending_ = false;     ///< entries of the end are running
  char* buffer_ = nullptr;  ///< the caller's
  std::size_t buffer_bytes_ = 0;
  detail::ledger book_;  ///< slabs and paged blocks of this request and its children
  detail::limit_gate<Options::encode_calls> gate_;
  basic_request_heap* parent_ = nullptr;
  basic_request_heap* first_child_ = nullptr;
  basic_request_heap* next_sibling_ = nullptr;
};

}}  // namespace zmm

#include <zmm/request/request_heap_allocate.hpp>
#include <zmm/request/request_heap_end.hpp>
#include <zmm/request/request_heap_paged.hpp>
#include <zmm/request/request_heap_watched.hpp>

// The blocks of one owner: slots in runs, runs of pages, huge blocks. A heap is one core; a heap for any thread has a
// core for each.
//
//     pop ─ bump ─ attempt ─ run_bins::refill | take_paged ─ page_layer::take_pages | source::take_huge
//     push
//        └─ free_paged ─ page_layer::give_pages | source::give_huge
#pragma once

#include <zmm/chunk/checked_geometry.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/blocks/run_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct block_keys;

/// What an engine over runs knows to check blocks with. Without check_frees that is nothing; else checked_blocks.hpp has it.
template <class Options, bool = Options::check_frees> class checked_blocks;
template <class Options> class checked_blocks<Options, false> {
public:
  void rekey_blocks(block_keys const&, void const*) noexcept {}
};

/// What the engines over pages share: no limit hook, no peak, no thread. Huge blocks belong to the source.
///
/// Invariants:
///     large_bytes, large_blocks == sum over the page maps
///     every taken page is a header's, a run's or a large block's
/// What hardening adds is in its base, checked_blocks.
template <class Options, class Source> class heap_core : public checked_blocks<Options> {
public:
  using geometry = page_geometry<Options>;
  using classes = run_classes<Options>;
  using links_type = run_links<Options>;
  using layer = page_layer<geometry, Source>;
  using chunk_type = typename layer::chunk_type;

  explicit heap_core(Source* from) noexcept : pages_(from) {}
  heap_core(Source* from, void* owner) noexcept : pages_(from, owner) {}

  ZMM_INLINE void* pop(bin_index bin) noexcept { return bins_.pop(bin); }
  ZMM_INLINE void push(bin_index bin, void* block) noexcept { bins_.push(bin, block); }
  ZMM_INLINE void* bump(bin_index bin) noexcept { return bins_.bump(bin); }
  /// Effects: a slot that is free already, and on no list, is on its own.
  void put_back(bin_index bin, free_slot* slot) noexcept { bins_.put_back(bin, slot); }
  /// Effects: the engine forwards its blocks; what is pushed here waits for take_list().
  void forward() noexcept { bins_.forward(); }
  free_slot* take_list(bin_index bin) noexcept { return bins_.take_list(bin); }
  links_type const& links() const noexcept { return bins_.links(); }
  /// More slots of a bin than this there cannot be, for links that are checked.
  std::size_t most_slots(bin_index bin) const noexcept {
    return links_type::are_plain ? 0 : pages_.source().real_size() / slot_bytes(bin);
  }
  std::size_t count_linked(free_slot* list, bin_index bin) const noexcept {
    return count_free_slots(links(), list, bin, most_slots(bin));
  }
  void pop_some(bin_index bin, std::size_t count, block_list& list) noexcept { bins_.pop_some(bin, count, list); }
  void push_all(bin_index bin, block_list& list) noexcept { bins_.push_all(bin, list); }

  /// One attempt to serve a request, whatever its kind; null: `asked` says why. Requires: bytes > 0, alignment is a
  /// power of two.
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= small_limit) return take_paged(bytes, alignment, asked);
    bin_index const bin = classes::bin_of(rank);
    if (void* const slot = bins_.pop(bin)) return slot;
    if (void* const slot = bins_.bump(bin)) return slot;
    return bins_.refill(bin, pages_, asked);
  }

  /// Frees a paged block by its address, whatever size it is said to have. Returns: its bytes.
  std::size_t free_paged(void* block) noexcept;

  static bool is_huge(void const* block) noexcept { return chunk_type::of(block) == block; }
  /// The map entry of a block that is not huge.
  static page_entry& entry_of(void const* block) noexcept {
    return chunk_type::of(block)->map[chunk_type::page_of(block)];
  }
  static bool is_small(void const* block) noexcept {
    return !is_huge(block) && entry_of(block).kind() == page_kind::small;
  }

  // With check_frees only. Each stops where a caller names what is no such block. A small one that was freed has no tag
  // any more.
  void free_small(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  /// To be called of one that free_small() did not stop at, before or after it is linked.
  ZMM_INLINE void wipe_freed([[maybe_unused]] void* block, [[maybe_unused]] bin_index bin,
                             [[maybe_unused]] std::size_t bytes) const noexcept {
    if constexpr (Options::tag_blocks) this->tags().wipe(block, bin, bytes);
  }
  void free_small_seen(void* block, page_entry entry, bin_index bin, std::size_t bytes,
                       std::size_t alignment) const noexcept;
  bin_index free_found(void* block, page_entry entry) const noexcept;
  void check_handed_out(void const* block, bin_index bin) const noexcept;
  void check_paged(void const* block, page_entry entry, std::size_t bytes, std::size_t alignment) const noexcept;
  std::size_t checked_size(void const* block, page_entry entry) const noexcept;
  bool resize_checked(void* block, page_entry entry, std::size_t old_bytes, std::size_t min_bytes,
                      std::size_t preferred_bytes, std::size_t& granted) const noexcept;
  void free_small_slowly(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  /// The entry of the page where a block starts that is said to be paged.
  page_entry paged_entry_at(void const* block) noexcept {
    return is_huge(block) ? page_entry{} : this->entry_at(pages_.source(), block);
  }
  /// The same for threads that do not hold the core.
  page_entry seen_entry_at(void const* block) const noexcept {
    return is_huge(block) ? page_entry{} : this->entry_seen(pages_.source(), block);
  }
  /// Effects: blocks and links of before do not hold any more; those to come have these keys. With encode_links.
  void rekey(block_keys const& with, void const* heap) noexcept;

  /// Returns: bytes usable in the live block, whose owner may be another core of the same source; 0 for null.
  std::size_t usable_size(void const* block) const noexcept { return usable_size(pages_.source(), block); }
  static std::size_t usable_size(Source const& from, void const* block) noexcept {
    if (is_huge(block)) return block != nullptr ? from.find_huge(block).bytes : 0;
    page_entry const entry = entry_of(block);
    return entry.kind() == page_kind::small ? classes::usable(entry.bin()) : entry.tag() * geometry::page_bytes;
  }

  /// As basic_heap::resize_in_place().
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept;
  /// The part of resize_in_place() that changes nothing, for blocks of any owner: a slot answers its size if it may
  /// stay, a paged block its own if that is enough.
  static std::size_t fit_in_place(Source const& from, void* block, std::size_t old_bytes,
                                  std::size_t min_bytes) noexcept;

  /// The same for a huge block.
  static std::size_t resize_huge(Source& from, void* block, std::size_t min_bytes, std::size_t preferred_bytes,
                                 admission& asked) noexcept;

  /// Whether the slot at `block` serves a request of this rank as well.
  static bool slot_serves(void const* block, std::size_t rank) noexcept {
    return rank < small_limit && classes::bin_of(rank).value == entry_of(block).bin().value;
  }
  /// Resizes a run where it is. Returns: whether it could.
  bool resize_large(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  /// Resizes a huge block, moving its pages if needed. Returns: its place; null if it could not.
  static void* resize_or_move_huge(Source& from, void* block, std::size_t bytes, std::size_t alignment,
                                   admission& asked) noexcept;

  std::size_t collect() noexcept {
    std::size_t const bytes = bins_.collect(pages_);
    pages_.retire_empty();
    return bytes;
  }
  /// Effects: looks for memory that a failed attempt could use. Returns: whether there may be some.
  ZMM_COLD bool reclaim() noexcept {
    std::size_t won = 0;
    if (bins_.worth_collecting()) won = collect();
    won += pages_.source().drop_cached();
    return won != 0;
  }
  std::size_t purge() noexcept { return pages_.purge(); }
  /// Effects: forgets every block; huge ones stay the source's. One chunk stays in use, if there is one; the others are
  /// put aside.
  void release() noexcept {
    pages_.release();
    forget_blocks();
  }
  /// Effects: forgets every block and chunk: the source has taken the chunks away.
  void forget() noexcept {
    pages_.forget();
    forget_blocks();
  }

  /// Bytes of all slots of all runs, and of large blocks: an upper bound of what is live in chunks.
  std::size_t carved() const noexcept { return bins_.carved_bytes() + large_bytes_; }
  std::size_t carved_blocks() const noexcept { return bins_.carved_slots() + large_blocks_; }
  std::size_t chunks() const noexcept { return pages_.chunks(); }
  /// Adds what is live in chunks to `size` and `blocks`. Complexity: linear in the free slots.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept {
    bins_.count_live(size, blocks, links_type::are_plain ? 0 : pages_.source().real_size());
    size += large_bytes_;
    blocks += large_blocks_;
  }
  void verify(std::size_t adopted, void const* heap) const noexcept;

protected:
  void forget_blocks() noexcept {
    bins_.reset();
    large_bytes_ = 0;
    large_blocks_ = 0;
  }
  void* take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void wipe_taken(void* first, std::size_t count) noexcept;
  bool resize_run(void* block, std::size_t pages) noexcept;
  std::size_t resize_run_within(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;

  run_bins<layer, links_type> bins_;
  std::size_t large_bytes_ = 0;   ///< bytes in large blocks
  std::size_t large_blocks_ = 0;  ///< their number
  layer pages_;
};

}}}  // namespace zmm::detail

#include <zmm/heap/heap_core_paged.hpp>

// Slots in runs, runs of pages, huge blocks. A heap is one core; a heap for any thread is one core under a lock, and a cache
// for each thread.
//
//     pop ─ bump ─ go_on ─ attempt ─ serve ─ run_bins::refill | take_paged ─ page_layer::take_pages | source::take_huge
//        └─ grow ─ run_bins::collect, serve
//     push
//        └─ free_paged ─ page_layer::give_pages | source::give_huge
#pragma once

#include <zmm/blocks/block_classes.hpp>
#include <zmm/blocks/run_bins.hpp>
#include <zmm/chunk/checked_geometry.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct block_keys;

/// How an engine over runs checks blocks; checked_blocks.hpp has it for check_frees.
template <class Options, bool = Options::check_frees> class checked_blocks {};

/// The common part of the engines over runs: without limit hook, peak and threads. Huge blocks belong to the source.
///
/// Invariants:
///     large_bytes, large_blocks == sum over the page maps
///     every taken page is a header's, a run's or a large block's
/// Hardening is in its base, checked_blocks.
template <class Options, class Source> class heap_core : public checked_blocks<Options> {
public:
  using geometry = page_geometry<Options>;
  using classes = run_classes<Options>;
  using links_type = run_links<Options>;
  using fresh_run = typename links_type::fresh_run;
  using layer = page_layer<geometry, Source>;
  using chunk_type = typename layer::chunk_type;

  constexpr explicit heap_core(Source* from) noexcept : pages_(from) {}

  ZMM_INLINE void* pop(bin_index bin) noexcept { return bins_.pop(bin); }
  ZMM_INLINE void push(bin_index bin, void* block) noexcept { bins_.push(bin, block); }
  ZMM_INLINE void* bump(bin_index bin) noexcept { return bins_.bump(bin); }
  /// A slot where bump() found none because the run is stopped; null: it is used up.
  void* go_on(bin_index bin) noexcept { return bins_.has_fresh(bin) ? bins_.go_on(bin) : nullptr; }
  /// Effects: the engine forwards its blocks from now on; what is pushed here stays for take_list().
  void forward() noexcept { bins_.forward(); }
  free_slot* take_list(bin_index bin) noexcept { return bins_.take_list(bin); }
  links_type const& links() const noexcept { return bins_.links(); }
  void pop_some(bin_index bin, std::size_t count, block_list& list) noexcept { bins_.pop_some(bin, count, list); }
  void push_all(bin_index bin, block_list& list) noexcept { bins_.push_all(bin, list); }

  /// Effects: puts the free slots of the bin that are linked from `first` to `last` on its list.
  void push_chain(bin_index bin, free_slot* first, free_slot* last) noexcept { bins_.push_chain(bin, first, last); }
  /// The same for a chain of which only the first is known. Complexity: linear in it.
  void give_chain(bin_index bin, free_slot* chain) noexcept { bins_.give_chain(bin, chain); }
  free_slot* first_free(bin_index bin) const noexcept { return bins_.first_free(bin); }
  /// Effects: takes up to `most` free slots off the list. Returns: their chain; `count` is their number.
  free_slot* take_chain(bin_index bin, std::size_t most, std::size_t& count) noexcept {
    return bins_.take_chain(bin, most, pages_, count);
  }
  /// Returns: a run of fresh slots for the caller; an empty one: `asked` says why.
  fresh_run open_run(bin_index bin, admission& asked) noexcept {
    return with_growth(geometry::chunk_bytes, asked, [&] { return bins_.open_run(bin, pages_, asked); });
  }

  /// One attempt to allocate a block of any kind; null: `asked` says why. Requires: bytes > 0, alignment is a power of
  /// two.
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    return with_growth(bytes, asked, [&] { return serve(bytes, alignment, asked); });
  }

  /// Frees a paged block by its address, whatever size the caller passes. Returns: its bytes.
  std::size_t free_paged(void* block) noexcept;

  static bool is_huge(void const* block) noexcept { return chunk_type::of(block) == block; }
  /// The map entry of a block that is not huge.
  static page_entry& entry_of(void const* block) noexcept {
    return chunk_type::of(block)->map[chunk_type::page_of(block)];
  }
  /// Whether a block that is not huge lies in a chunk of this core. Requires: it lies in some heap's chunk.
  bool has_chunk_of(void const* block) const noexcept { return chunk_type::of(block)->owner == pages_.owner(); }
  static bool is_small(void const* block) noexcept {
    return !is_huge(block) && entry_of(block).kind() == page_kind::small;
  }

  /// Whether a quick look proves that there is a live block for `bytes` at `alignment`, in a slot of `bin`; if so, it has no
  /// tag any more. With check_frees only.
  bool end_if_proved(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;

  // With check_frees only. Each stops if the caller's pointer is not such a block. A freed small block has no tag any
  // more.
  void free_small(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  /// Call this for a block that passed free_small(), before or after it is linked.
  ZMM_INLINE void wipe_freed([[maybe_unused]] void* block, [[maybe_unused]] bin_index bin,
                             [[maybe_unused]] std::size_t bytes) const noexcept {
    if constexpr (Options::tag_blocks) this->tags().wipe(block, bin, bytes);
  }
  void free_small_seen(void* block, page_entry entry, bin_index bin, std::size_t bytes,
                       std::size_t alignment) const noexcept;
  bin_index free_found(void* block, page_entry entry) const noexcept;
  void check_handed_out(void const* block, bin_index bin) const noexcept;
  void check_paged(void const* block, page_entry entry, std::size_t bytes, std::size_t alignment) const noexcept;
  std::size_t checked_size(void const* block) const noexcept;
  bool resize_checked(void* block, page_entry entry, std::size_t old_bytes, std::size_t min_bytes,
                      std::size_t preferred_bytes, std::size_t& granted) const noexcept;
  /// The entry of the page where a block starts that the caller says is paged.
  page_entry paged_entry_at(void const* block) noexcept;
  /// The same for threads that do not hold the core.
  page_entry seen_entry_at(void const* block) const noexcept;
  /// Effects: new blocks and links have these keys; earlier ones are not valid any more. With encode_links.
  void rekey(block_keys const& with, void const* heap) noexcept;
  void draw_keys(void const* heap) noexcept;

  /// The bytes of a block in a run of so many pages, and the other way round: page_canary has the rest.
  static constexpr std::size_t behind = page_canary_bytes<Options>, largest_run = large_limit<geometry> - behind;
  static constexpr std::size_t run_bytes(std::size_t pages) noexcept { return pages * geometry::page_bytes - behind; }
  static constexpr std::size_t run_pages(std::size_t bytes) noexcept { return divide_up(bytes + behind, geometry::page_bytes); }

  /// Returns: bytes usable in the live block, whose owner may be another core of the same source; 0 for null.
  std::size_t usable_size(void const* block) const noexcept { return usable_size(pages_.source(), block); }
  static std::size_t usable_size(Source const& from, void const* block) noexcept {
    if (is_huge(block)) return block != nullptr ? from.find_huge(block).bytes : 0;
    page_entry const entry = entry_of(block);
    return entry.kind() == page_kind::small ? classes::usable(entry.bin()) : run_bytes(entry.tag());
  }

  /// The bytes that figures count for a paged block.
  std::size_t counted_size(void const* block) const noexcept { return usable_size(block) + (is_huge(block) ? 0 : behind); }

  /// The same for a block asked for as `bytes` at `alignment`, if these determine it: for a slot without a tag. Else 0.
  static std::size_t told_size(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    return !Options::tag_blocks && rank < classes::limit ? slot_bytes(classes::bin_of(rank)) : 0;
  }

  /// As basic_heap::resize_in_place().
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept;
  /// The part of resize_in_place() that changes nothing, for blocks of any owner: returns a slot's size if the block may
  /// stay in it, a paged block's size if that is enough.
  static std::size_t fit_in_place(Source const& from, void* block, std::size_t old_bytes,
                                  std::size_t min_bytes) noexcept;

  /// The same for a huge block.
  static std::size_t resize_huge(Source& from, void* block, std::size_t min_bytes, std::size_t preferred_bytes,
                                 admission& asked) noexcept;

  /// Effects: gives a live slot another size. Returns: the block; null, and nothing changed, if its bin does not serve the size.
  void* resize_slot(void* block, std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= classes::limit || classes::bin_of(rank).value != entry_of(block).bin().value) return nullptr;
    if constexpr (Options::tag_blocks) this->tags().write_again(block, classes::bin_of(rank), bytes, alignment);
    return block;
  }
  /// Resizes a large block in place. Returns: whether it could.
  bool resize_large(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  /// Whether a block that is not moved may be said to have `bytes` at `alignment`. A slot may not: it would be freed with a size that
  /// leads to another bin.
  static bool stays_paged(Source const& from, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    return !is_small(block) && classes::rank_of(bytes, alignment) >= classes::limit && bytes <= usable_size(from, block) &&
           is_aligned(block, alignment);
  }
  static bool stays_huge(Source const& from, std::size_t bytes, std::size_t alignment, std::size_t now) noexcept;
  /// Resizes a huge block, moving its pages if needed. Returns: its place; null if it could not.
  static void* resize_or_move_huge(Source& from, void* block, std::size_t bytes, std::size_t alignment,
                                   admission& asked) noexcept;

  /// As run_bins::collect(); then caches or gives back empty chunks.
  template <class ForEachFresh> std::size_t collect(ForEachFresh for_each_fresh) noexcept {
    std::size_t const bytes = bins_.collect(pages_, for_each_fresh);
    if (bytes != 0) pages_.retire_empty();  // else no chunk has become empty
    note_collected();
    return bytes;
  }
  std::size_t collect() noexcept { return collect([](bin_index, auto) {}); }
  /// Effects: looks for memory that a failed attempt could use; what the source keeps it has given back by itself.
  /// Returns: whether there may be some. Complexity: linear in what was freed, or listed ahead, since it was last called.
  ZMM_COLD bool reclaim() noexcept { return bins_.worth_collecting() && collect() != 0; }
  /// Effects: gives the memory behind free pages back, runs included that have become free, except of Zend's bins. Returns: bytes.
  std::size_t purge() noexcept {
    if (bins_.collect_from(bin_count, pages_) != 0) pages_.retire_empty();
    return pages_.purge();
  }
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

  /// Bytes of all slots of all runs, and of large blocks: an upper bound of live bytes in chunks.
  std::size_t carved() const noexcept { return bins_.carved_bytes() + large_bytes_; }
  std::size_t chunks() const noexcept { return pages_.chunks(); }
  /// Adds what is live in chunks to `size` and `blocks`. Complexity: linear in the free slots.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept {
    bins_.count_live(size, blocks, links_type::are_plain ? 0 : pages_.source().real_size());
    size += large_bytes_;
    blocks += large_blocks_;
  }
  void verify(void const* heap) const noexcept;

  // For visits, which read only.
  layer const& pages() const noexcept { return pages_; }
  run_bins<layer, links_type, classes::bins> const& bins() const noexcept { return bins_; }

protected:
  /// Returns what `serve()` returns: with memory at hand; else after a collection, with more from storage.
  template <class Serve> auto with_growth(std::size_t bytes, admission& asked, Serve serve) noexcept {
    asked.at_hand = true;
    asked.no_chunk = is_collection_due();
    asked.why = refusal::none;
    auto served = serve();
    if (ZMM_UNLIKELY(is_nothing(served) && asked.why == refusal::none)) {
      bool const again = collect_to_grow(bytes, asked.no_chunk) || asked.no_chunk;
      asked.no_chunk = false;
      if (again) served = serve();
      asked.at_hand = false;
      if (is_nothing(served)) served = serve();
    }
    asked.at_hand = asked.no_chunk = false;
    return served;
  }
  static bool is_nothing(void const* block) noexcept { return block == nullptr; }
  static bool is_nothing(fresh_run const& run) noexcept { return run.empty(); }
  /// Whether so many chunks came into use since the last collection that another one is worth its time.
  bool is_collection_due() const noexcept {
    return pages_.chunks() * geometry::chunk_bytes > collected_at_ + bins_.carved_bytes() / 4;
  }
  bool collect_to_grow(std::size_t bytes, bool due) noexcept;
  void* serve(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= classes::limit) return take_paged(bytes, alignment, asked);
    bin_index const bin = classes::bin_of(rank);
    if (void* const slot = bins_.pop(bin)) return slot;
    if (void* const slot = bins_.bump(bin)) return slot;
    return bins_.refill(bin, pages_, asked);
  }

  void forget_blocks() noexcept {
    bins_.reset();
    large_bytes_ = 0;
    large_blocks_ = 0;
    note_collected();
  }
  void note_collected() noexcept {
    grown_ = 0;
    collected_at_ = pages_.chunks() * geometry::chunk_bytes;
  }
  void* take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void wipe_taken(void* first, std::size_t count) noexcept;
  bool resize_run(void* block, std::size_t pages) noexcept;
  void seal_run(void* block, std::size_t pages) const noexcept;  ///< with page_canary, like the next
  void check_run(void const* block, std::size_t pages) const noexcept;
  std::size_t resize_run_within(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;

  run_bins<layer, links_type, classes::bins> bins_;
  std::size_t large_bytes_ = 0;   ///< bytes in large blocks
  std::size_t large_blocks_ = 0;  ///< their number
  std::size_t grown_ = 0;         ///< bytes in huge blocks that storage gave since the last collection
  std::size_t collected_at_ = 0;  ///< bytes of chunks in use after it
  layer pages_;
};

}}}  // namespace zmm::detail

#include <zmm/heap/heap_core_paged.hpp>

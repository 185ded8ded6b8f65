// The core of a request heap: blocks packed into slabs of a pool, dropped together when the request ends.
//
//     take ─ packed_bins::pop | carve_one
//     take_aside ─ packed_bins::pop_wide
//     take_fresh ─ packed_bins::carve | carve_wide
//     attempt ─ take_packed ─ open_slab ─ request_pool::take_slab
//        └─ take_paged ─ request_pool::take_run | take_huge
//     give_hit ─ packed_bins::push
//     give_aside ─ packed_bins::push_wide
//     give ─ give_paged
//     run_end ─ children, end_list
//     drop ─ give_back ─ request_pool::end
#pragma once

#include <zmm/options.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/watch/engine_over.hpp>
#include <zmm/request/end_list.hpp>
#include <zmm/request/packed_kinds.hpp>
#include <zmm/request/paged_table.hpp>
#include <zmm/request/request_pool.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The core that engine_over makes basic_request_heap of.
template <class Options>
class request_heap_own : public engine_account<Options>,
                         public watched_engine<Options>,
                         public usual_core,
                         request_checks<Options>,
                         packed_kinds<Options>,
                         protected listed_request<Options> {
  using checks = request_checks<Options>;
  using kinds = packed_kinds<Options>;
  using kinds::packed_rank, kinds::is_packed, kinds::packed_bin;
  using classes = typename kinds::classes;
  using bins = typename kinds::bins;
  using account = engine_account<Options>;
  using watched = watched_engine<Options>;
  using engine = engine_over<request_heap_own>;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  using pool_type = basic_request_pool<geometry>;
  static constexpr bool looks_aside = true;     // blocks of alignment 32 and 64 have lists of their own
  static constexpr bool reports_leaks = false;  // dropping live blocks is what a request is for
  static constexpr bool can_switch = is_switchable<Options>;
  struct lists_type {
    using classes = packed_classes<Options>;
    static constexpr std::size_t most_aligned = 16;
  };

  explicit request_heap_own(pool_type& pool) noexcept : pool_(&pool) {}
  request_heap_own(within_t, request_heap_own& parent) noexcept : pool_(parent.pool_), parent_(&parent) {}
  request_heap_own(void* buffer, std::size_t bytes, pool_type& pool) noexcept
      : pool_(&pool), buffer_(static_cast<char*>(buffer)), buffer_bytes_(bytes) {}
  void open_buffer() noexcept { bins_.open(buffer_, buffer_ + buffer_bytes_); }
  void join_family() noexcept;

  void* take(std::size_t bytes, std::size_t alignment) noexcept;
  void* take_aside(std::size_t bytes, std::size_t alignment) noexcept;
  void* take_fresh(std::size_t bytes, std::size_t alignment) noexcept;
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    return is_packed(bytes, alignment) ? take_packed(bytes, alignment, asked) : take_paged(bytes, alignment, asked);
  }
  void handed_out(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  bool reclaim() noexcept;

  ZMM_INLINE bool give_hit(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = opaque(classes::rank_of_freed(bytes, alignment));  // unrolled constants look too large
    if (ZMM_UNLIKELY(alignment > 16 || rank >= bound_.get(rank) || may_be_sampled<Options>(block))) return false;
    if (rank >= classes::limit) __builtin_unreachable();  // no bound is above it, which is not seen from here
    if constexpr (Options::check_frees)
      if (ZMM_UNLIKELY(!end_if_proved(block, classes::bin_of(rank), bytes, alignment))) return false;
    bins_.push(classes::bin_of(rank), block);
    wipe_freed(block, classes::bin_of(rank), bytes);
    add_dead(classes::bin_of(rank));
    return true;
  }
  bool give_aside(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  bool give(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void give_missed(void* block, std::size_t bytes, std::size_t alignment) noexcept { give(block, bytes, alignment); }
  auto& lists() noexcept { return bins_; }
  /// What is no hit goes the way of sampled calls while the pool's requests are sampled.
  void look_at_switch() noexcept {
    if (is_pool_sampled() && bound_.is_plain()) static_cast<void>(has_slot_samples_ = false), bound_.lower(true);
  }

  std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept;
  /// A packed block stays in its slot: if `min_bytes` belongs to that bin, returns the bytes usable there, else
  /// refuses; without tags it also refuses if the old size is unknown. Paged blocks grow and shrink as in a heap.
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission&) noexcept;

  void run_end() noexcept {
    if (ZMM_UNLIKELY(first_child_ != nullptr || !end_.empty())) run_end_entries();
  }
  template <class Visit> void for_each_child(Visit visit) noexcept {
    for (request_heap_own* child = first_child_; child != nullptr; child = child->next_sibling_) visit(*child);
  }
  void drop(void const*) noexcept {
    give_back();
    forget_blocks();
  }
  void rekey([[maybe_unused]] void const* heap) noexcept {
    if constexpr (Options::encode_links) checks::rekey(bins_.links(), heap);
  }
  void before_end() noexcept {
    check_may_end();
    run_end();
    if (ZMM_UNLIKELY(first_child_ != nullptr || parent_ != nullptr)) leave_family();
  }
  void end() noexcept { give_back(); }
  typename watched::watch_type* make_watch(void const* heap) noexcept;
  /// Whether the pool keeps the watch for another request.
  bool keeps_watch(typename watched::watch_type* own) noexcept;

  std::size_t trim() noexcept;
  std::size_t collect() noexcept;
  plain_ledger const& book() const noexcept { return book_; }
  std::size_t remaining() const noexcept;
  bool set_limit(std::size_t bytes) noexcept { return book_.set_limit(bytes); }
  /// Charges a block that malloc serves with its exact size. The pool's figures and limit are not touched.
  bool charge(std::size_t bytes, admission& asked) noexcept {
    if (!admits(bytes, asked)) return false;
    charge(bytes);
    return true;
  }
  void discharge(std::size_t bytes) noexcept;  ///< all ancestors, too
  static void begin(admission&) noexcept {}    // admits() looks for lifts along the ancestors
  bool ask_hook(std::size_t bytes) noexcept;
  void check_may_release(void const*) const noexcept { check_may_end(); }
  void reset_peak() noexcept {
    this->reset_account(carved());
    book_.reset_peak();
  }
  void count(statistics& s) const noexcept;
  void verify(void const* heap) const noexcept;

  template <class F> void on_end(F&& f);
  template <class T, class Construct> T* create_with(Construct construct);
  pool_type& pool() const noexcept { return *pool_; }

  // For visits: request_visit.hpp.
  template <class Tell> bool tell_all(Tell& tell, bool tells_blocks) const;
  template <class Visit> bool for_each_book(Visit visit) const;
  void set_label_of(char const* label) noexcept;

protected:
  using watched::bound_, watched::forwards, watched::is_watched, watched::watch;

private:
  template <class> friend class request_switch;
  using orders = slab_orders<geometry>;
  static constexpr std::size_t counted_from = orders::bytes(orders::max);  ///< bytes of slabs: those opened later are counted
  static constexpr std::size_t look_from = 2 * geometry::chunk_bytes;     ///< bytes of slabs: it then looks for free ones
  static constexpr std::size_t looked_at_a_page = 32;                     ///< free blocks that each page taken pays to look at
  static constexpr std::uint16_t is_going = 0xFFFF;                       ///< in a cell of a slab that has no live block
  using chunk_type = chunk<geometry>;

  /// Marks a packed block as live, if the options say so. Null: no effect.
  ZMM_INLINE void tag([[maybe_unused]] void* block, [[maybe_unused]] bin_index bin,
                      [[maybe_unused]] std::size_t bytes, [[maybe_unused]] std::size_t alignment) noexcept {
    if constexpr (Options::check_frees)
      if (block != nullptr) this->tags.write(block, bin, bytes, alignment);
  }
  /// The part of free_packed() that has to wait until the block is linked.
  void wipe_freed(void* block, bin_index bin, std::size_t bytes) noexcept;
  // With check_frees only. All but the first stop if the caller's pointer is not to such a block.
  bool end_if_proved(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  void free_packed(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept;
  void check_memory(void const* block) const noexcept;
  void check_paged(void const* block, std::size_t bytes, std::size_t alignment) const noexcept;
  std::size_t resize_packed(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;
  // What a request's end also does with some options.
  void check_slabs() const noexcept;
  void wipe_slabs() noexcept;

  bool is_pool_sampled() const noexcept { return can_switch && ZMM_UNLIKELY(pool_->sampled_mean() != 0); }
  ZMM_INLINE void add_dead(bin_index bin) noexcept { this->remove_live(slot_bytes(bin)); }
  void* take_packed(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void* take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  paged_block take_pages(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void* open_and_carve(bin_index bin) noexcept;
  bool open_slab(admission& asked) noexcept;
  bool grow_table(admission& asked) noexcept;
  void give_table_room(void* room, std::size_t bytes) noexcept;
  bool is_lifted_by_end(admission& asked) const noexcept;
  std::size_t give_paged(void* block) noexcept;
  std::size_t give_pages(paged_block block) noexcept;
  std::size_t tag_of(void const* block) const noexcept;
  void set_tag(paged_block block, std::size_t tag) noexcept;
  std::size_t bytes_of(paged_block block) const noexcept;
  std::size_t usable_of(paged_block block) const noexcept;
  void seal_run(paged_block block) const noexcept;
  void check_run(paged_block block) const noexcept;

  bool is_paged(void const* block) const noexcept;
  std::size_t resize_paged(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;
  std::size_t resize_huge(void* block, std::size_t min_bytes, std::size_t preferred_bytes) noexcept;
  std::size_t look_for_free_slabs(std::size_t pages) noexcept;
  std::size_t collect_all() noexcept, collect_slabs() noexcept, drop_everything() noexcept;
  void shrink_table() noexcept;
  bool is_any_paged_live() const noexcept;
  slab* unlink_free_slabs() noexcept;
  void drop_slabs(slab* gone, std::size_t& blocks) noexcept;
  void note_full_slab() noexcept, forget_counts() noexcept;
  static std::uint16_t* counts_of(slab const* s) noexcept;
  std::uint16_t* count_at(void const* block) const noexcept;
  bool is_open_slab_counted() const noexcept { return slab_bytes_ - slabs_->bytes >= counted_from; }
  std::size_t slab_pages() const noexcept { return slab_bytes_ / geometry::page_bytes; }

  void forget_blocks() noexcept;
  void drop_blocks() noexcept;
  void give_back() noexcept;
  void give_back_paged() noexcept;
  bool is_any_live() const noexcept;
  void check_may_end() const noexcept;
  bool run_entries() noexcept;
  void run_end_entries() noexcept;
  void leave_family() noexcept;

  /// The caller's buffer has neither chunks nor page maps: a packed block may start at any address there.
  bool is_in_buffer(void const* block) const noexcept { return address_of(block) - address_of(buffer_) < buffer_bytes_; }
  static page_entry& entry_of(void const* block) noexcept {
    return chunk_type::of(block)->map[chunk_type::page_of(block)];
  }

  bool is_limited() const noexcept;
  bool admits(std::size_t bytes, admission& asked) const noexcept;  ///< whether all ancestors do, too
  void charge(std::size_t bytes) noexcept;                           ///< all ancestors, too
  void note_charged() noexcept;
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept;
  std::size_t carved() const noexcept { return bins_.carved_bytes() + paged_bytes_; }
  void note_carved() noexcept { account::note_carved(carved()); }

  struct area_item;
  template <class Visit> void for_each_paged(Visit visit) const;
  template <class Area> void count_packed(Area& area) const noexcept;

  bins bins_;
  slab* slabs_ = nullptr;  ///< newest first; the first one is open
  std::size_t slab_bytes_ = 0;     ///< bytes of all slabs
  std::size_t paged_bytes_ = 0;    ///< bytes of all paged blocks
  std::size_t next_look_ = 0;      ///< pages of slabs at which another look at what is free is paid for
  paged_table table_;      ///< all paged blocks, its own memory's among them
  end_list<Options::encode_calls> end_;
  pool_type* pool_;
  bool joined_ = false;     ///< counted as in flight by the pool
  bool ending_ = false;     ///< entries of the end are running, here or below
  std::uint8_t window_each_;  ///< one window in so many is looked at; means nothing unless sampling was switched on
  bool has_slot_samples_;   ///< any live packed block may be a sample; likewise
  bool has_samples_ = false;  ///< any live block of pages may be one
  bool waits_ = false;      ///< a limit hook was asked on behalf of this request or a child
  std::size_t counted_bytes_;  ///< of blocks, until the last note_full_slab(); means nothing before it
  std::size_t heads_at_look_;  ///< sum_of_heads() after the last look; likewise
  char* buffer_ = nullptr;  ///< the caller's
  std::size_t buffer_bytes_ = 0;
  plain_ledger book_;  ///< slabs and paged blocks of this request and its children
  request_heap_own* parent_ = nullptr;
  request_heap_own* first_child_ = nullptr;
  request_heap_own* next_sibling_ = nullptr;
};

}}}  // namespace zmm::detail

#include <zmm/request/request_heap_allocate.hpp>
#include <zmm/request/request_heap_collect.hpp>
#include <zmm/request/request_heap_end.hpp>
#include <zmm/request/request_heap_paged.hpp>
#include <zmm/request/request_heap_whole.hpp>

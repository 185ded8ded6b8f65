// The blocks of a segment heap: boundary tags, four pools, segments.
//
//     take ─ block_cache::pop
//     attempt ─ take_free ─ free_buckets ─ large_free_buckets ─ rest_buckets ─ take_segment
//        └─ cut_front, cut_tail
//     give ─ block_cache::push
//        └─ free_block ─ join with what is free behind and in front ─ file, or the segment goes back
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/watch/engine_account.hpp>
#include <zmm/watch/sample_count.hpp>
#include <zmm/segment/block_cache.hpp>
#include <zmm/segment/large_buckets.hpp>
#include <zmm/segment/rest_buckets.hpp>
#include <zmm/segment/segment_source.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The core of a segment heap; engine_over.hpp derives the rest of the engine from it.
///
/// Invariants:
///     a block's word says that the one in front is in use exactly if it is; no two free blocks touch
///     a free block is in exactly one of free_buckets_, large_free_buckets_, rest_buckets_
///     free_bytes == true sizes of all free blocks
///     spare is null or the free block of a segment that has no other
template <class Options>
class segment_core : public engine_account<Options>, public watched_engine<Options>, public usual_core {
public:
  using options = Options;
  using geometry = typename Options::geometry;
  using words_type = block_words<Options>;

  explicit segment_core(storage& from) noexcept
      : source_(from, Options::zero_on_free, Options::tail_canary), words_(source_.index()) {}

  static constexpr bool samples_apart = false;  // every free looks at the block itself
  ledger const& book() const noexcept { return source_.book(); }
  std::size_t remaining() const noexcept { return source_.book().remaining(); }
  bool set_limit(std::size_t bytes) noexcept { return source_.book().set_limit(bytes); }
  bool charge(std::size_t bytes, admission& asked) noexcept { return source_.book().charge(bytes, asked); }
  void discharge(std::size_t bytes) noexcept { source_.book().subtract(bytes); }
  void rekey(void const* heap) noexcept { words_.rekey(heap); }

  /// The hit path. Returns: a block from the cache; null: attempt() knows more.
  ZMM_INLINE void* take(std::size_t bytes, std::size_t alignment) noexcept {
    void* const block = pop(bytes, alignment);
    if constexpr (Options::exact_peak) {
      if (block != nullptr) this->add_live(counted(heap_block::of(block)));
    }
    return block;
  }
  void handed_out(void* block, std::size_t, std::size_t) noexcept {
    this->note_carved(carved());
    if constexpr (Options::exact_peak) this->add_live(counted(heap_block::of(block)));
  }
  /// Effects: frees a live block. unknown_size: only its place is known. Null: no effect; typed faces pass null to free
  /// no objects. Returns: whether the block's bytes stay as they are: never.
  ZMM_INLINE bool give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(block == nullptr)) return false;
    heap_block* const b = words_.named(block);
    if constexpr (Options::exact_peak) this->remove_live(counted(b));
    words_.end_life(b, bytes, alignment);
    std::size_t size = size_in(words_.load(b));
    if constexpr (words_type::are_plain) {
      // The list's place is known from `bytes` before the block's word has been read; that both agree is only foretold.
      std::size_t const told = true_size(bytes);
      if (ZMM_LIKELY(told == size)) size = opaque(told);
    }
    if (ZMM_UNLIKELY(!cache_.push(b, size, words_))) free_block(b);
    return false;
  }
  ZMM_INLINE bool give_hit(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(this->is_watched() || (may_be_sampled<Options, samples_apart>(block)))) return false;
    give(block, bytes, alignment);
    return true;
  }
  void give_missed(void* block, std::size_t bytes, std::size_t alignment) noexcept { give(block, bytes, alignment); }
  void give_found(void* block) noexcept { give(block, unknown_size, 1); }

  /// One attempt to serve any request; null: `asked` says why. Requires: alignment is a power of two.
  void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;

  /// Effects: looks for memory that a failed attempt could use. Returns: whether there may be some.
  ZMM_COLD bool reclaim() noexcept {
    std::size_t const joined = join_cached();
    return joined + give_spare() != 0;
  }
  /// Effects: frees the reserve, which was set aside for when memory runs out. To be called when a request is refused
  /// for good.
  ZMM_COLD void open_reserve() noexcept {
    heap_block* const b = reserve_;
    reserve_ = nullptr;
    if (b != nullptr) free_block(b);
  }

  /// Bytes that the caller may use of a live block; 0 for null.
  std::size_t usable_size(void const* block) const noexcept {
    return block != nullptr ? words_.usable_size(words_.named(block)) : 0;
  }
  std::size_t usable_size(void const* block, std::size_t, std::size_t) const noexcept { return usable_size(block); }
  bool owns(void const* p) const noexcept {
    segment const* const s = source_.index().find(p);
    return s != nullptr && distance(s, p) >= sizeof(segment) && distance(s, p) < s->bytes - sizeof(heap_block);
  }

  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept;
  void* grow_backward(void* block, std::size_t min_bytes, std::size_t preferred_bytes, std::size_t unit) noexcept;
  void* resize_or_move(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  /// Returns: whether the block can serve `bytes` at `alignment` where it is. Effects: if so, it counts as allocated
  /// with these.
  bool stay(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void restore_peak(std::size_t before) noexcept { engine_account<Options>::restore_peak(before, carved()); }

  std::size_t collect() noexcept;
  std::size_t trim() noexcept;
  void drop(void const* heap) noexcept;
  void reset_peak() noexcept {
    this->reset_account(carved());
    source_.book().reset_peak();
  }
  /// True sizes of what is in use, the cache included: an upper bound of what is live.
  std::size_t carved() const noexcept {
    return source_.used_bytes() - source_.count() * segment_overhead - free_bytes_;
  }
  void count(statistics& s) const noexcept;
  void verify(void const* heap) const noexcept;
  /// Effects: tells of each segment and of its live blocks; segment_visit.hpp has it. Returns: false if the visitor had
  /// enough.
  template <class Tell> bool tell_all(Tell& tell, bool tells_blocks) const;

private:
  ZMM_INLINE void* pop(std::size_t bytes, std::size_t alignment) noexcept {
    if (ZMM_UNLIKELY(alignment - 1 >= block_grain || (alignment & (alignment - 1)) != 0)) return nullptr;
    heap_block* const b = cache_.pop(bytes, words_);
    return b != nullptr ? hand_out(b, bytes, alignment) : nullptr;
  }

  static constexpr std::size_t overhead = words_type::overhead;
  static constexpr std::size_t reserve_size = true_size(Options::reserve_bytes);
  static std::size_t size_for(std::size_t bytes) noexcept { return true_size(bytes + overhead - word_bytes); }
  static std::size_t standard_bytes() noexcept { return align_up(Options::segment_bytes, os_page_size()); }

  static heap_block* first_of(segment* s) noexcept { return reinterpret_cast<heap_block*>(s + 1); }
  static heap_block* guard_of(segment* s) noexcept {
    return reinterpret_cast<heap_block*>(address_of(s) + s->bytes - sizeof(heap_block));
  }
  static segment* segment_of(heap_block* first) noexcept { return reinterpret_cast<segment*>(first) - 1; }

  std::size_t size_of(heap_block const* b) const noexcept { return size_in(words_.load(b)); }
  /// Bytes that a live block counts as.
  std::size_t counted(heap_block const* b) const noexcept { return size_of(b) - overhead; }
  static block_word& last_word(heap_block* b, std::size_t size) noexcept { return b->at(size - word_bytes)->word; }
  ZMM_INLINE void* hand_out(heap_block* b, std::size_t bytes, std::size_t alignment) const noexcept {
    words_.hand_out(b, bytes, alignment);
    return b->payload();
  }
  /// Notes that a block that counted as `before` bytes is `b` now.
  void note_resized(std::size_t before, heap_block const* b) noexcept {
    if constexpr (Options::exact_peak) this->add_live(counted(b) - before);
    this->note_carved(carved());
  }
  void set_flag(heap_block* b, std::size_t flag) noexcept { words_.store(b, words_.load(b) | flag); }

  /// Whether a block of `size` is all that its segment has room for.
  bool spans(heap_block* b, std::size_t size) const noexcept {
    std::size_t const behind = words_.load(b->at(size));
    constexpr std::size_t guard = block_flag::guard | block_flag::used;
    return (behind & guard) == guard && size_in(behind) == size + segment_overhead;
  }

  heap_block* find(std::size_t size) const noexcept;
  heap_block* take_free(std::size_t size) noexcept;
  heap_block* take_segment(std::size_t room, bool is_whole, admission& asked) noexcept;
  std::size_t usual_bytes(std::size_t room) const noexcept;
  heap_block* format(segment* s) noexcept;
  void write_guard(segment* s) noexcept {
    words_.store(guard_of(s), s->bytes | block_flag::guard | block_flag::used | block_flag::before_used);
  }
  bool cut_rest(heap_block* b, std::size_t size) noexcept;
  heap_block* cut_front(heap_block* b, std::size_t alignment) noexcept;
  void cut_tail(heap_block* b, std::size_t size) noexcept;

  std::size_t free_block(heap_block* b) noexcept;
  heap_block* free_before(heap_block* b) const noexcept;
  bool stays(heap_block* b, std::size_t word, std::size_t size) const noexcept;
  std::size_t empty_segment(heap_block* first, std::size_t size) noexcept;
  void write_free(heap_block* b, std::size_t size, std::size_t rest) noexcept;
  void make_free(heap_block* b, std::size_t size, bool is_rest) noexcept;
  void make_spare(heap_block* b, std::size_t size) noexcept;
  void unfile(heap_block* b, std::size_t word) noexcept;
  void take_off(heap_block* b, std::size_t word) noexcept;
  std::size_t join_cached() noexcept {
    return cache_.drain(words_, [this](heap_block* b) { free_block(b); });
  }
  std::size_t give_spare() noexcept;
  void settle_reserve(heap_block* b, std::size_t size) noexcept;

  bool is_alone(heap_block* b, std::size_t size) const noexcept {
    return spans(b, size) && size + segment_overhead > standard_bytes();
  }
  bool resize(heap_block* b, std::size_t least, std::size_t most, admission& asked) noexcept;
  bool resize_alone(heap_block* b, std::size_t now, std::size_t least, std::size_t most, admission& asked) noexcept;

  void purge(heap_block* b, std::size_t size, std::size_t& bytes) noexcept;
  template <class Visit> void for_each_block(segment* s, Visit visit) const {
    std::size_t size = 0;
    for (heap_block* b = first_of(s); b != guard_of(s); b = b->at(size)) {
      std::size_t const word = words_.load(b);
      size = size_in(word);
      visit(b, word);
    }
  }
  template <class Tell> bool tell_segment(Tell& tell, segment* s, bool tells_blocks) const;
  template <class Tell> bool tell_blocks(Tell& tell, segment* s, area_kind kind, std::size_t used) const;
  struct tally;
  void verify_pools(std::size_t free, void const* heap) const noexcept;

  segment_source source_;
  words_type words_;
  block_cache<words_type> cache_;
  free_buckets<words_type> free_buckets_;
  large_buckets<words_type> large_free_buckets_;
  rest_buckets<words_type> rest_buckets_;
  std::size_t free_bytes_ = 0;
  heap_block* spare_ = nullptr;    ///< the free block of the empty segment that is kept
  heap_block* reserve_ = nullptr;  ///< set aside for when memory runs out
};

}}}  // namespace zmm::detail

#include <zmm/segment/segment_core_blocks.hpp>
#include <zmm/segment/segment_core_resize.hpp>
#include <zmm/segment/segment_core_whole.hpp>

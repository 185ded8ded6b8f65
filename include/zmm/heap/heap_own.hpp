// A chunk heap's own part: slots by their size, paged blocks by their address, chunks and huge blocks from a source.
//
//     take ─ heap_core::pop
//     take_fresh ─ heap_core::bump
//     take_ahead ─ heap_core::go_on
//     attempt ─ heap_core::attempt
//     give_hit ─ heap_core::push
//     give_missed ─ give_paged ─ heap_core::free_paged
#pragma once

#include <zmm/options.hpp>
#include <zmm/stats.hpp>
#include <zmm/watch/address_engine_over.hpp>
#include <zmm/heap/heap_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The core from which engine_over makes basic_heap.
template <class Options>
class heap_own : public engine_account<Options>,
                 public watched_engine<Options, false, run_classes<Options>::limit>,
                 public usual_core {
  using classes = run_classes<Options>;
  using source_type = chunk_source<page_geometry<Options>>;
  using core_type = heap_core<Options, source_type>;
  using chunk_type = typename core_type::chunk_type;

public:
  using options = Options;
  using geometry = typename Options::geometry;
  struct lists_type {
    using classes = run_classes<Options>;
    static constexpr std::size_t most_aligned = ~std::size_t{0};
  };

  explicit heap_own(storage& from) noexcept : core_(&source_), source_(from) {}

  ZMM_INLINE void* take(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= classes::limit || (alignment & (alignment - 1)) != 0)) return nullptr;
    return tagged(core_.pop(classes::bin_of(rank)), classes::bin_of(rank), bytes, alignment);
  }
  ZMM_INLINE void* take_fresh(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= this->bound_.get() || (alignment & (alignment - 1)) != 0)) return nullptr;
    return tagged(core_.bump(classes::bin_of(rank)), classes::bin_of(rank), bytes, alignment);
  }
  /// Where the newest run is stopped.
  void* take_ahead(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= this->bound_.get() || (alignment & (alignment - 1)) != 0) return nullptr;
    return tagged(core_.go_on(classes::bin_of(rank)), classes::bin_of(rank), bytes, alignment);
  }
  ZMM_INLINE void* attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    return core_.attempt(bytes, alignment, asked);
  }
  void handed_out(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if constexpr (Options::tag_blocks) {
      if (rank < classes::limit) core_.tags().write(block, classes::bin_of(rank), bytes, alignment);
    }
    note_growth();
    if constexpr (Options::exact_peak)
      this->add_live(rank < classes::limit ? slot_bytes(classes::bin_of(rank)) : core_.counted_size(block));
  }
  ZMM_COLD bool reclaim() noexcept { return core_.reclaim(); }

  ZMM_INLINE bool give_hit(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of_freed(bytes, alignment);
    if (ZMM_UNLIKELY(rank >= this->bound_.get(rank) || may_be_sampled<Options>(block))) return false;
    if (rank >= classes::limit) __builtin_unreachable();  // no bound is above it, which is not seen from here
    bin_index const bin = classes::bin_of(rank);
    // Else a miss, which looks again and says what is wrong. So no function is called here.
    if constexpr (Options::check_frees)
      if (ZMM_UNLIKELY(!core_.end_if_proved(block, bin, bytes, alignment))) return false;
    push(bin, block);
    core_.wipe_freed(block, bin, bytes);
    return true;
  }
  void give_missed(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (Options::check_frees) {
      std::size_t const rank = classes::rank_of(bytes, alignment);
      if (rank < classes::limit) return give_slot(block, classes::bin_of(rank), bytes, alignment);
      core_.check_paged(block, core_.paged_entry_at(block), bytes, alignment);
    }
    give_paged(block);
  }
  bool give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t const rank = classes::rank_of(bytes, alignment);
    if (rank >= classes::limit) return give_missed(block, bytes, alignment), false;
    give_slot(block, classes::bin_of(rank), bytes, alignment);
    return true;
  }
  void give_found(void* block) noexcept {
    if constexpr (Options::check_frees) return give_found_checked(block);
    if (ZMM_LIKELY(core_type::is_small(block))) return push(core_type::entry_of(block).bin(), block);
    if (block != nullptr) give_paged(block);
  }
  auto& lists() noexcept { return core_; }

  std::size_t usable_size(void const* block, std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const told = core_type::told_size(bytes, alignment);
    return told != 0 ? told : usable_size(block);
  }
  std::size_t usable_size(void const* block) const noexcept {
    if constexpr (Options::check_frees) return core_.checked_size(block);
    return core_.usable_size(block);
  }
  bool owns(void const* p) const noexcept {
    extent const e = source_.find(p);
    if (!e.is_chunk()) return e.start != nullptr;
    return chunk_type::of(p)->taken.test(chunk_type::page_of(p)) && chunk_type::page_of(p) >= header_pages<geometry>;
  }

  void* resize_or_move(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  bool stay(void* block, std::size_t bytes, std::size_t alignment) const noexcept {
    return core_type::stays_paged(source_, block, bytes, alignment);
  }
  void restore_peak(std::size_t before) noexcept { engine_account<Options>::restore_peak(before, carved()); }
  std::size_t resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes, std::size_t preferred_bytes,
                              admission& asked) noexcept;

  std::size_t trim() noexcept { return core_.purge() + source_.trim(); }
  std::size_t collect() noexcept { return core_.collect(); }
  void drop(void const* heap) noexcept {
    source_.release_huge();
    core_.release();
    source_.end_request();
    rekey(heap);
    this->live_ = 0;
  }
  void rekey([[maybe_unused]] void const* heap) noexcept {
    if constexpr (Options::encode_links) core_.draw_keys(heap);
  }

  bool set_limit(std::size_t bytes) noexcept { return source_.set_limit(bytes); }
  ledger const& book() const noexcept { return source_.book(); }
  std::size_t remaining() const noexcept { return source_.book().remaining(); }
  bool charge(std::size_t bytes, admission& asked) noexcept { return source_.book().charge(bytes, asked); }
  void discharge(std::size_t bytes) noexcept { source_.book().subtract(bytes); }

  void reset_peak() noexcept {
    this->reset_account(carved());
    source_.book().reset_peak();
  }
  void count(statistics& s) const noexcept {
    core_.count_live(s.size, s.live_blocks);
    this->count_peak(s);
    s.size += source_.huge_bytes();
    s.live_blocks += source_.huge_blocks();
    s.chunks = source_.chunks();
    s.cached_chunks = source_.cached_chunks();
    s.huge_blocks = source_.huge_blocks();
  }
  void verify(void const* heap) const noexcept {
    source_.verify(heap);
    core_.verify(heap);
    check(core_.chunks() == source_.chunks(), "every chunk in use is in a span list", nullptr, heap);
  }

  /// heap_visit.hpp has it.
  template <class Tell> bool tell_all(Tell& tell, bool tells_blocks) const;

private:
  ZMM_INLINE void* tagged(void* slot, bin_index bin, [[maybe_unused]] std::size_t bytes,
                          [[maybe_unused]] std::size_t alignment) noexcept {
    if (slot == nullptr) return nullptr;
    if constexpr (Options::tag_blocks) core_.tags().write(slot, bin, bytes, alignment);
    this->add_live(slot_bytes(bin));
    return slot;
  }
  ZMM_INLINE void push(bin_index bin, void* block) noexcept {
    core_.push(bin, block);
    this->remove_live(slot_bytes(bin));
  }
  void give_slot(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept {
    if constexpr (Options::check_frees) core_.free_small(block, bin, bytes, alignment);
    push(bin, block);
    core_.wipe_freed(block, bin, bytes);
  }
  void give_paged(void* block) noexcept;
  void give_found_checked(void* block) noexcept;

  /// Bytes of all slots of all runs, and of paged blocks: an upper bound of live bytes.
  std::size_t carved() const noexcept { return core_.carved() + source_.huge_bytes(); }
  void note_growth() noexcept { this->note_carved(carved()); }
  /// Notes that a block of `before` usable bytes has `after` now; the numbers matter only with exact_peak.
  void note_resized(std::size_t before, std::size_t after) noexcept {
    this->add_live(after - before);
    note_growth();
  }

  core_type core_;
  source_type source_;
};

}}}  // namespace zmm::detail

#include <zmm/heap/heap_own_paged.hpp>

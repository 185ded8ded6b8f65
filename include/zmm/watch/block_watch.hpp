// The watch over an engine's blocks: for the debug heap, the sanitizers, and engines that forward to malloc.
//
//     allocate ─ (engine) take ─ put on zones
//     deallocate ─ find, check zones ─ quarantine ─ (the oldest) evict ─ (engine) give
#pragma once

#include <zmm/stats.hpp>
#include <zmm/base/annotate.hpp>
#include <zmm/base/checks.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/watch/block_table.hpp>
#include <zmm/watch/watch_gate.hpp>
#include <zmm/watch/watch_mode.hpp>
#include <zmm/watch/watch_pattern.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Knows every block of its engine. Sites notes where blocks were allocated. The engine passes `bare`, which has
///     take(bytes, alignment, asks): memory, or null; `asks`: a limit's hook may be asked
///     give(block, bytes, alignment): takes that memory back; returns whether the engine leaves its contents alone,
///     except for the first and last zone_bytes
/// Threads: as the engine; a thread that enters while another is inside, though the engine is for one at a time, goes
/// to the stop handler.
template <class Sites> class block_watch {
public:
  static constexpr std::size_t zone_bytes = 16;

  /// Returns: a watch in memory of its own; null if there is none.
  static block_watch* make(watch_policy policy, void const* heap) noexcept {
    void* const room = os_storage().allocate(own_bytes(), os_page_size(), own_bytes());
    return room != nullptr ? ::new (room) block_watch(policy, heap) : nullptr;
  }
  static void destroy(block_watch* watch) noexcept {
    watch->~block_watch();
    os_storage().deallocate(watch, own_bytes(), own_bytes());
  }
  block_watch(block_watch const&) = delete;
  block_watch& operator=(block_watch const&) = delete;

  /// Effects: watches another engine from now on. Requires: end_all() since the last block; not shared.
  void reopen(watch_policy policy, void const* heap) noexcept {
    policy_ = policy;
    heap_ = heap;
    stand_in(nullptr);
    allocations_ = 0;
  }
  bool is_small() const noexcept { return table_.capacity() <= 1024; }  ///< cheap to clear, and to keep
  bool forwards() const noexcept { return policy_.forwards; }
  std::size_t live_blocks() const noexcept {
    entered const guard(*this);
    return table_.count() - quarantined_.count();
  }
  /// Effects: writes its figures into `s`: bytes as they were asked for.
  void count(statistics& s) const noexcept {
    entered const guard(*this);
    s.size = live_bytes_;
    s.peak = peak_bytes_;
    s.live_blocks = live_blocks();
  }
  void reset_peak() noexcept {
    entered const guard(*this);
    peak_bytes_ = live_bytes_;
  }
  Sites const& sites() const noexcept { return sites_; }

  /// Returns: a block of `bytes`; null: bare.take() had none, or there is no memory to note the block in. Requires:
  /// bytes >= 1.
  template <class Bare, class Site>
  void* allocate(Bare bare, std::size_t bytes, std::size_t alignment, Site where) noexcept;

  /// Effects: frees a live block. Requires: it may be freed with `bytes` at `alignment`, which is checked;
  /// unknown_size: neither is known.
  template <class Bare> void deallocate(Bare bare, void* p, std::size_t bytes, std::size_t alignment) noexcept;

  /// Returns: the bytes that may be used of the live block at `p`; 0 for null.
  std::size_t usable_size(void const* p) const noexcept {
    entered const guard(*this);
    if (p == nullptr) return 0;
    watched_block const* const block = live_at(p, "the size of a block is asked while it is live");
    return block != nullptr ? block->bytes : 0;
  }
  /// As an engine's resize_in_place(): returns the block's bytes if they are enough; a block never grows.
  std::size_t resize_in_place(void* p, std::size_t min_bytes) noexcept {
    entered const guard(*this);
    watched_block* const block = live_at(p, "a resized block is live");
    if (block == nullptr || min_bytes > block->bytes) return 0;
    std::size_t const least = min_bytes != 0 ? min_bytes : 1;
    if (least < block->least) block->least = least;
    return block->bytes;
  }
  /// Returns: what allocate() takes as the site of a block that replaces the live one at `p`.
  replaced_block replacing(void const* p) const noexcept {
    entered const guard(*this);
    watched_block const* const block = live_at(p, "a resized block is live");
    return block != nullptr ? replaced_block{block->site, block->bytes} : replaced_block{};
  }
  /// Effects: the block counts as one of `bytes` at `alignment` from now on. Requires: it has as many bytes, and is so
  /// aligned.
  void shrink(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    entered const guard(*this);
    watched_block* const block = live_at(p, "a resized block is live");
    if (block == nullptr) return;
    sites_.note_resized(block->site, block->bytes, bytes);
    live_bytes_ -= block->bytes - bytes;
    block->bytes = block->least = bytes;
    block->log_named = static_cast<std::uint8_t>(lowest_bit(alignment));
    dress_behind(*block);
  }
  /// Whether `p` is a live block.
  bool is_live(void const* p) const noexcept {
    entered const guard(*this);
    watched_block const* const block = table_.find(p);
    return block != nullptr && !block->is_freed;
  }
  /// Whether `p` points into a live block. Complexity: linear in blocks.
  bool owns(void const* p) const noexcept {
    entered const guard(*this);
    bool found = false;
    for_each_live([&](watched_block const& b) {
      found = found || (address_of(p) >= address_of(b.start()) && distance(b.start(), p) < b.bytes);
    });
    return found;
  }

  /// Effects: gives freed blocks that were kept from reuse back to the engine.
  template <class Bare> void end_quarantine(Bare bare) noexcept {
    entered const guard(*this);
    while (!quarantined_.empty()) evict(bare);
  }
  /// Effects: every block is over, as if freed, and none is kept from reuse: the engine drops its memory whole.
  template <class Bare> void end_all(Bare bare) noexcept;
  template <class Visit> void for_each_live(Visit visit) const {
    table_.for_each([&](watched_block const& b) {
      if (!b.is_freed) visit(b);
    });
  }
  void verify() const noexcept {
    entered const guard(*this);
    verify_blocks();
  }
  /// Effects: a thread that enters this watch enters `outer`, too, because the engine's calls change what `outer`
  /// watches. Null: not any more.
  void stand_in(block_watch* outer) noexcept { gate_.stand_in(outer != nullptr ? &outer->gate_ : nullptr); }

  template <class Look> void inspect(Look look) const {  ///< Effects: calls look() while nobody else is inside.
    entered const guard(*this);
    look();
  }

private:
  block_watch(watch_policy policy, void const* heap) noexcept : policy_(policy), heap_(heap) {
    if (policy_.is_shared) forks.attach(fork_);
  }
  ~block_watch() { forks.detach(fork_); }
  static std::size_t own_bytes() noexcept { return align_up(sizeof(block_watch), os_page_size()); }

  void enter() const noexcept { gate_.enter(policy_.is_shared, heap_); }

  /// The thread is inside the watch while this object lives. A limit's hook may enter again on the same thread.
  class entered {
  public:
    explicit entered(block_watch const& watch) noexcept : gate_(watch.gate_) { watch.enter(); }
    ~entered() { gate_.leave(); }
    entered(entered const&) = delete;
    entered& operator=(entered const&) = delete;

  private:
    watch_gate& gate_;
  };

  // base | zone | block, `bytes` of it in use | zone. What is aligned to more than a page has no zone in front.
  static constexpr std::size_t most_aligned_zone = 4096;
  std::size_t front_zone(watched_block const& b) const noexcept {
    if (policy_.forwards || b.alignment() > most_aligned_zone) return 0;
    return b.alignment() > zone_bytes ? b.alignment() : zone_bytes;
  }
  std::size_t outer_bytes(watched_block const& b) const noexcept {
    return policy_.forwards ? b.room : front_zone(b) + align_up(b.room, 8) + zone_bytes;
  }
  void* base_of(watched_block const& b) const noexcept {
    return reinterpret_cast<void*>(address_of(b.start()) - front_zone(b));
  }
  std::size_t bytes_behind(watched_block const& b) const noexcept { return outer_bytes(b) - front_zone(b) - b.bytes; }

  void dress(watched_block const& b) noexcept {
    if (policy_.forwards) return;
    if (policy_.fills) {
      fill(base_of(b), pattern::zone, front_zone(b));
      fill(b.start(), pattern::fresh, b.bytes);
    }
    forbid(base_of(b), front_zone(b));
    allow_fresh(b.start(), b.bytes);
    dress_behind(b);
  }
  void dress_behind(watched_block const& b) noexcept {
    if (policy_.forwards) return;
    void* const behind = offset(b.start(), b.bytes);
    if (policy_.fills) fill(behind, pattern::zone, bytes_behind(b));
    forbid(behind, bytes_behind(b));
  }
  /// Effects: the block, zones and all, may not be used.
  void hide(watched_block const& b, pattern with) noexcept {
    if (policy_.fills) fill(base_of(b), with, outer_bytes(b));
    forbid(base_of(b), outer_bytes(b));
  }

  watched_block* live_at(void const* p, char const* rule) const noexcept {
    watched_block* const block = table_.find(p);
    if (block != nullptr && !block->is_freed) return block;
    if (block != nullptr) stop_at(rule, *block);
    if (!policy_.forwards) stop({rule, p, heap_});
    zmm_free(const_cast<void*>(p));  // the tool that watches malloc reports it
    return nullptr;
  }

  bool make_room() noexcept {
    return table_.make_room() && quarantined_.make_room(table_.count() + 1) && sites_.make_room();
  }
  /// Takes memory from the engine. Gives back what is in quarantine, more with each attempt, before the engine may ask
  /// a limit's hook.
  template <class Bare> void* take(Bare bare, std::size_t bytes, std::size_t alignment) noexcept {
    for (std::size_t some = 1; !quarantined_.empty(); some *= 2) {
      if (void* const base = take_outside(bare, bytes, alignment, false)) return base;
      for (std::size_t i = 0; i < some && !quarantined_.empty(); ++i) evict(bare);
    }
    return take_outside(bare, bytes, alignment, true);
  }
  /// Where threads share the engine, leaves the watch meanwhile: the engine may wait for a fork, which waits for the
  /// watch.
  template <class Bare> void* take_outside(Bare bare, std::size_t bytes, std::size_t alignment, bool asks) noexcept {
    bool const leaves = policy_.is_shared && gate_.is_outermost();
    if (leaves) gate_.leave();
    void* const base = bare.take(bytes, alignment, asks);
    if (leaves) enter();
    return base;
  }

  template <class Bare> void retire(Bare bare, watched_block& b) noexcept;

  /// Gives the oldest block in quarantine back to the engine.
  template <class Bare> void evict(Bare bare) noexcept;

  void verify_blocks() const noexcept {
    table_.for_each([&](watched_block const& b) { b.is_freed ? check_freed(b) : check_zones(b); });
  }
  void check_zones(watched_block const& b) const noexcept {
    if (!policy_.fills || policy_.forwards) return;
    if (!is_filled(base_of(b), pattern::zone, front_zone(b))) stop_at("the bytes in front of a block are untouched", b);
    if (!is_filled(offset(b.start(), b.bytes), pattern::zone, bytes_behind(b)))
      stop_at("the bytes behind a block are untouched", b);
  }
  void check_freed(watched_block const& b) const noexcept {
    if (policy_.fills && !is_filled(base_of(b), pattern::freed, outer_bytes(b)))
      stop_at("nobody writes to a block after it was freed", b);
  }
  [[noreturn]] ZMM_COLD void stop_at(char const* rule, watched_block const& b) const noexcept {
    stop_info info{rule, b.start(), heap_};
    info.block_bytes = b.bytes;
    sites_.describe(b.site, info);
    stop(info);
  }

  mutable watch_gate gate_;
  fork_node fork_{gate_.lock_for_fork()};
  watch_policy policy_;
  void const* heap_;
  block_table table_;
  address_queue quarantined_;
  std::size_t quarantined_bytes_ = 0;
  std::size_t live_bytes_ = 0, peak_bytes_ = 0;  ///< of what was asked for
  std::uint64_t allocations_ = 0;
  Sites sites_;
};

}}}  // namespace zmm::detail

#include <zmm/watch/block_watch_blocks.hpp>

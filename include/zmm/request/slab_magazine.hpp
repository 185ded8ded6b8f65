// Free slabs and runs close at hand: the part of a pool that needs no lock.
#pragma once

#include <zmm/request/paged_table.hpp>
#include <zmm/request/request_sizes.hpp>
#include <zmm/request/slab.hpp>
#include <zmm/storage/os_wait.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A pool has several magazines, and a thread keeps to one of them as long as no other thread gets in its way. To use a
/// magazine a thread *claims* it by one exchange, for a few instructions, and goes elsewhere if it is claimed: to
/// another magazine, at last to the pool's lock. So no thread waits for one that was descheduled with a claim, except
/// in claim(), and what a magazine holds, counts and remembers is plain memory. Slabs are linked through themselves; no
/// link is read without the claim, so it does not matter if memory is taken or unmapped meanwhile.
///
/// What a magazine holds counts as lent by the pool's books, until the pool drains it. Slabs and runs that were not
/// touched for a whole window are *idle* and go back.
///
/// Invariants: held == bytes of all slabs and runs <= capacity; idle <= held.
/// All but try_claim(), claim() and may_have…() require the claim.
template <class Geometry, template <class> class Atomic = detail::atomic> class alignas(128) slab_magazine {
public:
  using orders = slab_orders<Geometry>;

  static constexpr std::size_t capacity = Geometry::chunk_bytes / 2;  ///< bytes
  static constexpr std::size_t most_pages = Geometry::pages / 8;      ///< of a run

  constexpr slab_magazine() noexcept = default;

  /// Acquire: with the store in unclaim(), everything done under an earlier claim happens before what is done now.
  ZMM_INLINE bool try_claim() noexcept { return !claimed_.exchange(true, detail::memory_order_acquire); }
  /// For callers that have to see every magazine. Waits; the caller holds the pool's lock, which no thread waits for
  /// while it has a claim.
  void claim() noexcept {
    for (int tries = 0; !try_claim();) {
      // Relaxed: only to see when it is worth another try.
      for (; claimed_.load(detail::memory_order_relaxed); ++tries) {
        if (tries > 64) os_nap();  // the claim's holder may have been descheduled, perhaps by this very thread
        else ZMM_PAUSE();
      }
    }
  }
  ZMM_INLINE void unclaim() noexcept { claimed_.store(false, detail::memory_order_release); }

  /// Whether it is worth a claim. Relaxed: a hint, used only to decide whether to claim. What heads point to is read
  /// with the claim only.
  ZMM_INLINE bool may_have(std::size_t order) const noexcept { return head(order) != nullptr; }
  bool may_have_runs() const noexcept { return runs_held_.load(detail::memory_order_relaxed) != 0; }
  bool may_have_any() const noexcept {
    bool any = may_have_runs();
    for (std::size_t order = 0; order < orders::count; ++order) any = any || may_have(order);
    return any;
  }

  ZMM_INLINE slab* pop(std::size_t order) noexcept {
    slab* const s = head(order);
    if (ZMM_UNLIKELY(s == nullptr)) return nullptr;
    set_head(order, s->next);
    --slabs_;
    take_out(s->bytes);
    return s;
  }
  /// Returns: false if it is full.
  ZMM_INLINE bool push(slab* s) noexcept {
    std::size_t const held = held_ + s->bytes, order = orders::order_of(s->bytes);
    if (ZMM_UNLIKELY(held > capacity)) return false;
    held_ = held;
    s->next = head(order);
    set_head(order, s);
    ++slabs_;
    return true;
  }
  /// Effects: takes slabs of `order` out until the magazine is half empty, or has none left. Returns: them, linked to
  /// `list`.
  slab* spill(std::size_t order, slab* list) noexcept {
    while (held_ > capacity / 2) {
      slab* const s = pop(order);
      if (s == nullptr) break;
      s->next = list;
      list = s;
    }
    return list;
  }

  /// Returns: a run of exactly `pages` pages at a multiple of `alignment` pages; null if there is none.
  void* pop_run(std::size_t pages, std::size_t alignment) noexcept {
    for (paged_block& run : runs_) {
      if (run.pages() != pages || !is_aligned(run.start(), alignment * Geometry::page_bytes)) continue;
      void* const start = run.start();
      remove(run);
      return start;
    }
    return nullptr;
  }
  /// Effects: keeps the run, and lets go of the one that was kept longest if there is no other place. Returns: the run
  /// that finds no place, or an empty one. Requires: at most most_pages.
  paged_block push_run(paged_block run) noexcept {
    paged_block& place = runs_[next_run_];
    paged_block const old = place;
    if (held_ - bytes_of(old) + bytes_of(run) > capacity) return run;
    next_run_ = static_cast<std::uint8_t>((next_run_ + 1) % run_places);
    if (old.start() != nullptr) remove(place);
    place = run;
    held_ += bytes_of(run);
    set_runs_held(+1);
    return old;
  }

  /// Effects: notes a request that has ended. Returns: whether the log is full; then take_log().
  ZMM_INLINE bool note_end(ended_request request) noexcept {
    --joined_;
    return log_.add(request);
  }
  ZMM_INLINE void note_join() noexcept { ++joined_; }
  /// Returns: the log. The next one is full with `places` requests.
  request_log take_log(std::size_t places) noexcept {
    request_log const full = log_;
    log_.begin_anew(places);
    return full;
  }
  request_log const& log() const noexcept { return log_; }

  /// Effects: takes up to `at_most` bytes out, runs first and then the largest slabs; calls give_slab(s) or
  /// give_run(block) for each.
  template <class GiveSlab, class GiveRun>
  void drain(std::size_t at_most, GiveSlab give_slab, GiveRun give_run) noexcept {
    drain_runs(at_most, give_run);
    for (std::size_t order = orders::count; order-- != 0;) {
      while (may_have(order) && orders::bytes(order) <= at_most) {
        slab* const s = pop(order);
        if (s == nullptr) __builtin_unreachable();  // with the claim may_have() is exact
        at_most -= orders::bytes(order);
        give_slab(s);
      }
    }
  }
  template <class GiveRun> void drain_runs(std::size_t& at_most, GiveRun give_run) noexcept {
    for (paged_block& run : runs_) {
      std::size_t const bytes = bytes_of(run);
      if (run.start() == nullptr || bytes > at_most) continue;
      paged_block const taken = run;
      remove(run);
      at_most -= bytes;
      give_run(taken);
    }
  }
  /// Bytes that were not touched since the last end_window().
  std::size_t idle() const noexcept { return idle_; }
  void end_window() noexcept { idle_ = held_; }

  std::size_t held() const noexcept { return held_; }
  std::size_t slabs() const noexcept { return slabs_; }
  /// Requests that joined here less those that ended here: only the sum over all magazines and the pool means anything.
  std::size_t joined() const noexcept { return joined_; }

  template <class VisitSlab, class VisitRun> void for_each(VisitSlab visit_slab, VisitRun visit_run) const {
    for (std::size_t order = 0; order < orders::count; ++order) {
      for (slab* s = head(order); s != nullptr; s = s->next) visit_slab(*s);
    }
    for (paged_block const& run : runs_) {
      if (run.start() != nullptr) visit_run(run);
    }
  }
  void verify(void const* pool) const noexcept {
    std::size_t bytes = 0, slabs = 0;
    for_each(
        [&](slab& s) {
          bytes += s.bytes;
          check(++slabs <= slabs_, "a magazine's lists end", &s, pool);
        },
        [&](paged_block run) { bytes += bytes_of(run); });
    check(bytes == held_ && slabs == slabs_ && held_ <= capacity, "a magazine counts what it holds", nullptr, pool);
    check(idle_ <= held_, "what is idle in a magazine is held", nullptr, pool);
  }

  static std::size_t bytes_of(paged_block run) noexcept { return run.pages() * Geometry::page_bytes; }

private:
  static constexpr std::size_t run_places = 8;

  ZMM_INLINE void take_out(std::size_t bytes) noexcept {
    held_ -= bytes;
    if (held_ < idle_) idle_ = held_;
  }
  void remove(paged_block& run) noexcept {
    take_out(bytes_of(run));
    run = {};
    set_runs_held(-1);
  }
  // Written under the claim only; relaxed, because what is read without it is a hint.
  ZMM_INLINE slab* head(std::size_t order) const noexcept { return heads_[order].load(detail::memory_order_relaxed); }
  ZMM_INLINE void set_head(std::size_t order, slab* s) noexcept {
    heads_[order].store(s, detail::memory_order_relaxed);
  }
  void set_runs_held(int by) noexcept {
    runs_held_.store(static_cast<std::uint8_t>(runs_held_.load(detail::memory_order_relaxed) + by),
                     detail::memory_order_relaxed);
  }

  Atomic<bool> claimed_{false};
  Atomic<std::uint8_t> runs_held_{0};
  std::uint32_t slabs_ = 0;
  std::size_t held_ = 0;
  std::size_t idle_ = 0;
  std::size_t joined_ = 0;
  Atomic<slab*> heads_[orders::count] = {};
  request_log log_;
  std::uint8_t next_run_ = 0;
  paged_block runs_[run_places];
};

}}}  // namespace zmm::detail

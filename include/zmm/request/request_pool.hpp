// The pool that requests take their memory from and give it back to.
//
//     take_slab ─ take_warm_slab ─ slab_magazine::pop
//        └─ take_slab_locked ─ slab_shelves::pop, refill | steal | page_layer::take_pages
//     take_run ─ take_warm_run ─ slab_magazine::pop_run
//        └─ take_run_locked ─ page_layer::take_pages
//     end ─ fill ─ slab_magazine::push
//        └─ end_noting ─ shelve, end_window
#pragma once

#include <zmm/stats.hpp>
#include <zmm/base/immortal.hpp>
#include <zmm/request/home_magazine.hpp>
#include <zmm/request/listed_request.hpp>
#include <zmm/request/slab_detention.hpp>
#include <zmm/request/slab_magazine.hpp>
#include <zmm/storage/fork_guard.hpp>
#include <zmm/watch/sample_count.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
template <class Options> class request_heap_own;
}

/// Slabs, runs and huge blocks for any number of requests at once. What a request gives back stays warm for the next
/// one; how much is kept follows the peaks of recent requests (Zend's average), and trim() gives it all back.
///
/// Knows pages only: requests with different options share one pool.
///
/// Threads: any, at once, except construction and destruction. A request that begins or ends on warm memory takes no
/// lock; nor do its runs of up to an eighth of a chunk, most of the time. May be used on both sides of a fork(): the
/// child's pool is whole; what requests of threads that are not in the child held stays lent to them.
/// Has to outlive its requests (checked, but not in the child of a fork). Owns no memory until the first request asks
/// for some.
template <class Geometry> class basic_request_pool {
public:
  using geometry = Geometry;

  constexpr basic_request_pool() noexcept : basic_request_pool(detail::the_os_storage) {}
  constexpr explicit basic_request_pool(storage& from) noexcept : source_(from), pages_(&source_) {}
  basic_request_pool(basic_request_pool const&) = delete;
  basic_request_pool& operator=(basic_request_pool const&) = delete;
  ~basic_request_pool() {
    detail::forks.detach(fork_);
    detail::on_sampled_owner_end.load(detail::memory_order_acquire)(this);
    detail::check(forked_ || in_flight() == 0, "a request pool outlives its requests", nullptr, this);
    detained_.verify(this);
    if (detail::journal_base* const journal = journal_.load(detail::memory_order_acquire)) journal->destroy(journal);
  }

  /// Effects: all requests together take at most `bytes` from storage from now on. Caches are dropped if that is
  /// needed.
  /// Returns: false if more is in use; the old limit then stays.
  [[nodiscard]] bool set_limit(std::size_t bytes) noexcept {
    locked const guard(*this);
    if (source_.book().set_limit(bytes)) return true;
    drop_warm();
    return source_.book().set_limit(bytes);
  }
  std::size_t limit() const noexcept { return source_.book().limit(); }
  std::size_t remaining() const noexcept { return source_.book().remaining(); }
  std::size_t real_size() const noexcept { return source_.book().real_size(); }
  std::size_t real_peak() const noexcept { return source_.book().real_peak(); }
  void reset_peak() noexcept {
    locked const guard(*this);
    source_.book().reset_peak();
  }

  /// Effects: gives free slabs, empty chunks and the memory behind free pages back to storage. Returns: bytes.
  std::size_t trim() noexcept {
    locked const guard(*this);
    return drop_warm() + pages_.purge() + source_.trim();
  }

  /// Complexity: O(1), but for the percentiles: linear in the histogram's 240 buckets.
  pool_statistics stats() const noexcept;

  /// Effects: walks everything; a broken invariant goes to the stop handler by name. No request may be working
  /// meanwhile.
  void verify() const noexcept;

  /// Effects: calls visit(area_info const&) for each slab and run, lent to a request (live) or kept for the next one, and
  /// each huge block, until it returns false. <zmm/inspect.hpp> has it. Requests may be working. Returns: whether it came
  /// to the end.
  template <class Visit> bool visit(Visit&& visit) const {
    return detail::inspection<basic_request_pool>::visit(*this, visit);
  }

private:
  template <class> friend struct detail::inspection;
  friend class detail::request_journal;
  friend struct detail::sampling_switch;
  template <class> friend class detail::request_heap_own;
  using layer = detail::page_layer<Geometry>;
  using chunk_type = typename layer::chunk_type;
  using orders = detail::slab_orders<Geometry>;
  using magazine = detail::slab_magazine<Geometry>;
  static constexpr std::size_t magazine_count = 16;

  /// Holds the pool's lock while it lives.
  class locked {
  public:
    explicit locked(basic_request_pool const& pool) noexcept : guard_(attached(pool)) {}

  private:
    static detail::mutex& attached(basic_request_pool const& pool) noexcept {
      detail::forks.attach(pool.fork_);
      return pool.lock_;
    }
    detail::mutex_guard const guard_;
  };

  /// Holds the claim of a magazine while it lives, and has a stop let go of it. For use under the pool's lock.
  class claim_guard {
  public:
    claim_guard() noexcept = default;
    ~claim_guard() {
      if (held_.lock == nullptr) return;
      detail::note_let_go(held_);
      unclaim(held_.lock);
    }
    claim_guard(claim_guard const&) = delete;
    claim_guard& operator=(claim_guard const&) = delete;

    /// Effects: waits for the claim, unless the pool has it for a fork.
    void claim(magazine& m, bool is_held) noexcept {
      if (is_held) return;
      m.claim();
      note(m);
    }
    bool try_claim(magazine& m) noexcept {
      if (!m.try_claim()) return false;
      note(m);
      return true;
    }

  private:
    void note(magazine& m) noexcept {
      held_.lock = &m;
      detail::note_held(held_);
    }
    static void unclaim(void const* m) noexcept { static_cast<magazine*>(const_cast<void*>(m))->unclaim(); }

    detail::held_lock held_{nullptr, &unclaim, static_cast<unsigned>(detail::lock_rank::claim)};
  };

  /// Holds the lock and every magazine while it lives.
  class whole {
  public:
    explicit whole(basic_request_pool const& pool) noexcept : lock_(pool) {
      for (std::size_t i = 0; i < magazine_count; ++i) claims_[i].claim(pool.magazines_[i], pool.are_claims_held_);
    }

  private:
    locked const lock_;
    claim_guard claims_[magazine_count];
  };

  // For requests. `joined` is the request's own: whether it is counted in flight. Each says in `asked` why it failed.
  ZMM_INLINE detail::slab* take_slab(std::size_t order, bool& joined, detail::admission& asked) noexcept {
    if (detail::slab* const s = take_warm_slab(order, joined); ZMM_LIKELY(s != nullptr)) return s;
    return take_slab_locked(order, joined, asked);
  }
  void* take_run(std::size_t pages, std::size_t alignment, bool& joined, detail::admission& asked) noexcept;
  detail::extent take_huge(std::size_t bytes, std::size_t alignment, bool& joined, detail::admission& asked) noexcept;
  void give_slabs(detail::slab* list) noexcept;
  /// Effects: as give_slabs(), but keeps the slabs from reuse for a while.
  void detain(detail::slab* list) noexcept;
  void give_run(void* run, std::size_t pages) noexcept;
  void give_huge(void* block) noexcept;
  bool extend_run(void* run, std::size_t pages, std::size_t more) noexcept;
  std::size_t free_behind(void const* run, std::size_t pages) noexcept;
  bool resize_huge(void* block, std::size_t bytes, detail::admission& asked) noexcept;
  detail::extent find_huge(void const* block) const noexcept;
  bool has_chunk(void const* p) const noexcept {
    locked const guard(*this);
    return source_.has_chunk(p);
  }
  void retag_huge(void* block, std::size_t tag) noexcept;
  /// A request ends: its slabs come back, how much of them it used and its real peak are remembered. Requires: joined.
  void end(detail::slab* slabs, std::size_t used_bytes, std::size_t real_peak, bool& joined) noexcept;
  /// The order of slab a new request starts with.
  std::size_t first_order() const noexcept { return first_order_.load(detail::memory_order_relaxed); }  // any will do

  std::size_t sampled_mean() const noexcept { return sampled_mean_.load(detail::memory_order_relaxed); }

  // Without the lock.
  detail::slab* take_warm_slab(std::size_t order, bool& joined) noexcept;
  void* take_warm_run(std::size_t pages, std::size_t alignment, bool& joined) noexcept;
  magazine* claim_any() noexcept;
  static detail::slab* fill(magazine& into, detail::slab* list) noexcept;

  // Takes the lock.
  detail::slab* take_slab_locked(std::size_t order, bool& joined, detail::admission& asked) noexcept;
  void* take_run_locked(std::size_t pages, std::size_t alignment, bool& joined, detail::admission& asked) noexcept;
  void give_run_locked(detail::paged_block run) noexcept;
  void end_noting(magazine& claimed, detail::slab* rest) noexcept;
  void end_unwarmed(detail::slab* slabs, detail::ended_request ended) noexcept;
  void shelve_all(detail::slab* list) noexcept;

  // Under the lock.
  void join(bool& joined) noexcept {
    if (joined) return;
    joined = true;
    ++in_flight_;
  }
  void note_lent(std::size_t bytes) noexcept {
    lent_ += bytes;
    if (lent_ > peak_lent_) peak_lent_ = lent_;
  }
  void shelve(detail::slab* list) noexcept {
    while (list != nullptr) {
      detail::slab* const next = list->next;
      lent_ -= list->bytes;
      shelves_.push(list);
      list = next;
    }
  }
  void learn(detail::ended_request ended) noexcept {
    ++ended_;
    ++ended_in_window_;
    sizes_.add_bucket(ended.size);
    demand_.add(ended.demand);
  }
  void* take_pages(std::size_t pages, std::size_t alignment, detail::admission& asked) noexcept;
  void* take_apart(std::size_t pages, std::size_t alignment, detail::admission& asked) noexcept;
  void* take_rest(std::size_t pages, std::size_t alignment, detail::admission& asked) noexcept;
  void give_pages(void* run, std::size_t pages) noexcept {
    lent_ -= pages * Geometry::page_bytes;
    pages_.give_pages(run, pages);
  }
  detail::slab* steal(std::size_t order) noexcept;
  void refill(std::size_t order) noexcept;
  void drain(magazine& from, std::size_t at_most) noexcept;
  std::size_t drop_warm() noexcept;
  void drop_free() noexcept;
  void drop_shelves() noexcept;
  void end_window() noexcept;

  std::size_t in_flight() const noexcept {
    std::size_t sum = in_flight_;
    for (magazine const& m : magazines_) sum += m.joined();
    return sum;
  }

  static void hold_for_fork(void* pool) noexcept;
  static void fork_is_over(void* pool) noexcept;
  static void in_child(void* pool) noexcept { static_cast<basic_request_pool*>(pool)->forked_ = true; }

  static constexpr std::size_t window = 256;  ///< requests between two looks at how much to keep
  static_assert(window / 2 <= detail::request_log::most);
  static_assert(detail::is_power_of_two(magazine_count));
  static constexpr std::size_t line = 128;  ///< two cache lines: processors fetch them in pairs

  // Read by everyone and seldom written.
  detail::atomic<std::uint8_t> first_order_{0};
  detail::atomic<std::uint8_t> log_places_{detail::request_log::fewest};  ///< of each magazine's next log
  detail::atomic<std::size_t> sampled_mean_{0};  ///< bytes from one sample to the next; 0: requests are not sampled
  mutable detail::fork_node fork_{lock_, this, &in_child, &hold_for_fork, &fork_is_over};
  detail::atomic<detail::journal_base*> journal_{nullptr};
  bool forked_ = false;  ///< this is the child of a fork: requests of threads that are not here never end

  // Each belongs to one thread, as long as there are not more threads than magazines.
  mutable magazine magazines_[magazine_count];

  // Guarded by the lock.
  alignas(line) mutable detail::mutex lock_{detail::lock_rank::pool};
  bool are_claims_held_ = false;  ///< for a fork
  std::size_t ended_in_window_ = 0;
  detail::slab_shelves<Geometry> shelves_;
  detail::slab_detention detained_;
  std::size_t in_flight_ = 0;     ///< joined less ended, under the lock; in_flight() is the figure
  std::size_t lent_ = 0;          ///< bytes lent to requests, in magazines, or detained
  std::size_t peak_lent_ = 0;     ///< highest `lent_` of this window
  std::size_t average_lent_ = 0;  ///< Zend's running average of those peaks
  std::uint64_t ended_ = 0;       ///< without those in the logs
  detail::chunk_source<Geometry> source_;
  layer pages_;
  detail::request_sizes sizes_;           ///< real peaks
  detail::slab_demand<Geometry> demand_;  ///< bytes of slabs used
};

namespace detail {
template <class Geometry> ZMM_SHARED ZMM_CONSTINIT inline immortal<basic_request_pool<Geometry>> the_default_pool;
}  // namespace detail

/// Returns: the process's pool of this geometry over os_storage(). Exists before main and after it.
template <class Geometry> basic_request_pool<Geometry>& default_pool() noexcept {
  return detail::the_default_pool<Geometry>.value;
}

/// Returns: the pool that requests use when they are given none.
inline request_pool& default_request_pool() noexcept { return default_pool<default_geometry>(); }

}}  // namespace zmm

#include <zmm/request/request_pool_locked.hpp>
#include <zmm/request/request_pool_warm.hpp>
#include <zmm/request/request_pool_whole.hpp>

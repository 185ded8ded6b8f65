// What a pool knows of requests whose options say list_requests: those in flight; what ended ones took, by label and by
// place; and the watches that the next ones get.
//
//     join ─ (first memory from the pool) request_list
//     leave ─ ended_labels, ended_sites
#pragma once
#include <zmm/request/request_heap.hpp>
#include <zmm/watch/label.hpp>
#include <zmm/watch/site_ledger.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// A request in flight. Bytes as the request's own figures, children included.
struct request_info {
  void const* address;  ///< of the request heap
  char const* label;    ///< the innermost zmm::label of the thread that took its first memory; null: none
  std::size_t real_size, real_peak, limit;
};

/// Requests that have ended, under one label.
struct ended_label_info {
  char const* label;  ///< null: no label, or one of those beyond the most that are kept
  std::uint64_t requests;
  std::uint64_t bytes;        ///< sum of their real peaks
  std::size_t p50, p90, p99;  ///< of their real peaks, to within an eighth, rounded up
  std::size_t max;
};

/// What was allocated at one place by requests that have ended.
struct ended_site_info {
  char const* file;  ///< null: the call did not say
  unsigned line;
  char const* label;
  std::uint64_t requests;    ///< that allocated there
  std::uint64_t blocks;      ///< allocations
  std::uint64_t peak_bytes;  ///< sum over requests of the most bytes that each had from there
  std::size_t max;           ///< the highest of those
};

namespace detail {

/// A listed request. Its thread writes the figures, any thread reads them: relaxed, they order nothing.
struct request_node {
  request_node *next = nullptr, *prev = nullptr;
  bool is_listed = false;
  void const* address = nullptr;
  char const* label = nullptr;
  atomic<std::size_t> real_size{0}, real_peak{0}, limit{0};

  template <class Book> void publish(Book const& book) noexcept {
    real_size.store(book.real_size(), memory_order_relaxed);
    real_peak.store(book.real_peak(), memory_order_relaxed);
    limit.store(book.limit(), memory_order_relaxed);
  }
};

/// Any thread, each call under one lock. Memory is the system's; where there is none, a figure is left out.
class request_journal : public journal_base {
public:
  template <class Pool> static request_journal* of(Pool& pool) noexcept {
    if (journal_base* const there = pool.journal_.load(memory_order_acquire))
      return static_cast<request_journal*>(there);
    void* const room = os_storage().allocate(own_bytes(), os_page_size(), own_bytes());
    if (room == nullptr) return nullptr;
    auto* const made = ::new (room) request_journal;
    journal_base* there = nullptr;
    if (pool.journal_.compare_exchange_strong(there, made)) return made;
    end(made);
    return static_cast<request_journal*>(there);
  }
  template <class Pool> static request_journal* find(Pool const& pool) noexcept {
    return static_cast<request_journal*>(pool.journal_.load(memory_order_acquire));
  }

  void join(request_node& node) noexcept {
    mutex_guard const guard(attached());
    node.is_listed = true;
    node.prev = nullptr;
    node.next = first_;
    if (first_ != nullptr) first_->prev = &node;
    first_ = &node;
  }
  /// Effects: the request is over; `sites` is what its watch knows, or null.
  void leave(request_node& node, std::size_t peak, site_ledger const* sites) noexcept {
    mutex_guard const guard(attached());
    node.is_listed = false;
    (node.prev != nullptr ? node.prev->next : first_) = node.next;
    if (node.next != nullptr) node.next->prev = node.prev;
    add_ended(node.label, peak);
    for (std::size_t i = 0; sites != nullptr && i < sites->sites(); ++i) {
      if (sites->site_at(i).blocks != 0) add_site(sites->site_at(i));
    }
  }

  /// Effects: keeps an idle watch for the next request. Returns: false if there is no room for it.
  bool keep(void* watch, void (*end_by)(void*) noexcept) noexcept {
    mutex_guard const guard(attached());
    if (kept_count_ == most_kept) return false;
    kept_[kept_count_++] = {watch, end_by};
    return true;
  }
  /// Returns: a watch that `end_by` would destroy; null if there is none.
  void* take(void (*end_by)(void*) noexcept) noexcept {
    mutex_guard const guard(attached());
    for (std::size_t i = kept_count_; i-- != 0;) {
      if (kept_[i].end_by != end_by) continue;
      void* const watch = kept_[i].watch;
      kept_[i] = kept_[--kept_count_];
      return watch;
    }
    return nullptr;
  }

  template <class Look> void locked(Look look) noexcept {
    mutex_guard const guard(attached());
    look();
  }
  // Inside locked().
  template <class Visit> void for_each_request(Visit visit) const {
    for (request_node const* n = first_; n != nullptr; n = n->next) visit(*n);
  }
  std::size_t labels() const noexcept { return label_count_; }
  ended_label_info label_at(std::size_t i) const noexcept {
    ended_label const& l = labels_[i];
    auto const percentile = [&](unsigned p) { return l.peaks.percentile(p) * unit; };
    return {l.label, l.requests, l.bytes, percentile(50), percentile(90), percentile(99), l.max};
  }
  std::size_t sites() const noexcept { return site_count_; }
  ended_site_info const& site_at(std::size_t i) const noexcept { return sites_[i]; }

private:
  static constexpr std::size_t unit = 4096;  ///< bytes that peaks are counted in
  static constexpr std::size_t most_labels = 256, most_sites = 16384, most_kept = 16;

  struct ended_label {
    char const* label;
    std::uint64_t requests, bytes;
    std::size_t max;
    request_sizes peaks;
  };
  struct kept_watch {
    void* watch;
    void (*end_by)(void*) noexcept;
  };

  request_journal() noexcept : journal_base{&end} {}
  ~request_journal() {
    for (std::size_t i = 0; i < kept_count_; ++i) kept_[i].end_by(kept_[i].watch);
    forks.detach(fork_);
  }
  static void end(journal_base* journal) noexcept {
    static_cast<request_journal*>(journal)->~request_journal();
    os_storage().deallocate(journal, own_bytes(), own_bytes());
  }
  static std::size_t own_bytes() noexcept { return align_up(sizeof(request_journal), os_page_size()); }
  mutex& attached() noexcept {
    forks.attach(fork_);
    return lock_;
  }

  template <class T> static bool make_room(os_array<T>& items, std::size_t count) noexcept {
    return count < items.capacity() || items.grow([&](T const* old, std::size_t) {
      for (std::size_t i = 0; i < count; ++i) items[i] = old[i];
    });
  }
  void add_ended(char const* label, std::size_t peak) noexcept {
    std::size_t at = 0;
    while (at != label_count_ && labels_[at].label != label) ++at;
    if (at == label_count_ && at >= most_labels) {  // beyond the most that are kept: counted with those that have none
      for (at = 0; at != label_count_ && labels_[at].label != nullptr;) ++at;
      label = nullptr;
    }
    if (at == label_count_) {
      if (!make_room(labels_, label_count_)) return;
      labels_[label_count_++].label = label;
    }
    ended_label& l = labels_[at];
    ++l.requests;
    l.bytes += peak;
    l.max = peak > l.max ? peak : l.max;
    l.peaks.add(divide_up(peak, unit));
  }
  std::size_t place_of(site_figures const& f) const noexcept {
    std::size_t const mask = index_.capacity() - 1;
    std::uint64_t const hash = ((address_of(f.file) * 31 + f.line) * 31 + address_of(f.label)) * 0x9E3779B97F4A7C15U;
    for (std::size_t i = static_cast<std::size_t>(hash >> 20) & mask;; i = (i + 1) & mask) {
      if (index_[i] == 0) return i;
      ended_site_info const& s = sites_[index_[i] - 1];
      if (s.file == f.file && s.line == f.line && s.label == f.label) return i;
    }
  }
  bool grow_index() noexcept {
    return index_.grow([&](std::uint32_t const*, std::size_t) {
      for (std::size_t i = 0; i < site_count_; ++i) {
        site_figures const f{sites_[i].file, sites_[i].line, sites_[i].label, 0, 0, 0, 0, 0};
        index_[place_of(f)] = static_cast<std::uint32_t>(i + 1);
      }
    });
  }
  void add_site(site_figures const& f) noexcept {
    if (2 * (site_count_ + 1) > index_.capacity() && !grow_index()) return;
    std::size_t const place = place_of(f);
    if (index_[place] == 0) {
      if (site_count_ == most_sites || !make_room(sites_, site_count_)) return;
      sites_[site_count_] = {f.file, f.line, f.label, 0, 0, 0, 0};
      index_[place] = static_cast<std::uint32_t>(++site_count_);
    }
    ended_site_info& s = sites_[index_[place] - 1];
    ++s.requests;
    s.blocks += f.blocks;
    s.peak_bytes += f.peak_bytes;
    s.max = f.peak_bytes > s.max ? f.peak_bytes : s.max;
  }

  mutex lock_{lock_rank::journal};
  fork_node fork_{lock_};
  request_node* first_ = nullptr;
  os_array<ended_label> labels_;
  os_array<ended_site_info> sites_;
  os_array<std::uint32_t> index_;  ///< site numbers from 1
  std::size_t label_count_ = 0, site_count_ = 0, kept_count_ = 0;
  kept_watch kept_[most_kept];
};

template <class Options> class listed_request<Options, true> {
protected:
  /// Effects: publishes the figures; lists the request when it first took memory from the pool.
  template <class Pool, class Book> void publish(Pool& pool, void const* heap, Book const& book, bool joined) noexcept {
    node_.publish(book);
    if (!joined || node_.is_listed) return;
    node_.address = heap;
    node_.label = current_label();
    if (request_journal* const journal = request_journal::of(pool)) journal->join(node_);
  }
  template <class Pool, class Watch> void note_end(Pool& pool, std::size_t peak, Watch const* watch) noexcept {
    if (!node_.is_listed) return;
    request_journal::find(pool)->leave(node_, peak, ledger_of(watch));
  }

  template <class Pool> void set_label(Pool& pool, char const* label) noexcept {
    if (!node_.is_listed) return;
    request_journal::find(pool)->locked([&] { node_.label = label; });
  }

  template <class Watch, class Pool> static Watch* take_watch(Pool& pool) noexcept {
    request_journal* const journal = request_journal::of(pool);
    return journal != nullptr ? static_cast<Watch*>(journal->take(&destroy_watch<Watch>)) : nullptr;
  }
  template <class Watch, class Pool> static bool keep_watch(Pool& pool, Watch* watch) noexcept {
    request_journal* const journal = request_journal::find(pool);
    return journal != nullptr && watch->is_small() && journal->keep(watch, &destroy_watch<Watch>);
  }

private:
  template <class Watch> static void destroy_watch(void* watch) noexcept { Watch::destroy(static_cast<Watch*>(watch)); }
  static site_ledger const* ledger_of(block_watch<site_ledger> const* watch) noexcept {
    return watch != nullptr ? &watch->sites() : nullptr;
  }
  static site_ledger const* ledger_of(block_watch<no_sites> const*) noexcept { return nullptr; }

  request_node node_;
};

}  // namespace detail
}}  // namespace zmm

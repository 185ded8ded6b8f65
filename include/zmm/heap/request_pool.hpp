// The pool that requests take their memory from and give it back to.
#pragma once

#include <zmm/stats.hpp>
#include <zmm/base/immortal.hpp>
#include <zmm/heap/request_sizes.hpp>
#include <zmm/heap/slab.hpp>
#include <zmm/storage/spin_lock.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Slabs, runs and huge blocks for any number of requests at once. What a request gives back stays warm for the next
/// one; how much is kept follows the peaks of recent requests (Zend's average), and trim() gives it all back.
///
/// Knows pages only: requests with different options share one pool.
///
/// Threads: any, at once, except construction and destruction. Lives longer than its requests (checked).
/// Owns no memory until the first request asks for some.
template <class Geometry> class basic_request_pool {
public:
  using geometry = Geometry;

  constexpr basic_request_pool() noexcept : basic_request_pool(detail::the_os_storage) {}
  constexpr explicit basic_request_pool(storage& from) noexcept : source_(from), pages_(&source_) {}
  basic_request_pool(basic_request_pool const&) = delete;
  basic_request_pool& operator=(basic_request_pool const&) = delete;
  ~basic_request_pool() { detail::check(in_flight_ == 0, "a request pool outlives its requests", nullptr, this); }

  /// Effects: all requests together take at most `bytes` from storage from now on. Caches are dropped if that is
  /// needed.
  /// Returns: false if more is in use; the old limit then stays.
  bool set_limit(std::size_t bytes) noexcept {
    detail::spin_guard const guard(lock_);
    if (source_.book().set_limit(bytes)) return true;
    drop_warm();
    return source_.book().set_limit(bytes);
  }
  std::size_t limit() const noexcept {
    return locked([&] { return source_.book().limit(); });
  }
  std::size_t remaining() const noexcept {
    return locked([&] { return source_.book().remaining(); });
  }
  std::size_t real_size() const noexcept {
    return locked([&] { return source_.book().real_size(); });
  }
  std::size_t real_peak() const noexcept {
    return locked([&] { return source_.book().real_peak(); });
  }
  void reset_peak() noexcept {
    detail::spin_guard const guard(lock_);
    source_.book().reset_peak();
  }

  /// Effects: gives free slabs, empty chunks and the memory behind free pages back to storage. Returns: bytes.
  std::size_t trim() noexcept {
    detail::spin_guard const guard(lock_);
    return drop_warm() + pages_.purge() + source_.trim();
  }

  /// Complexity: O(1), but for the percentiles: linear in the histogram's 240 buckets.
  pool_statistics stats() const noexcept;

  /// Effects: walks everything; a broken invariant goes to the stop handler by name. No request may be working
  /// meanwhile.
  void verify() const noexcept;

private:
  template <class> friend class basic_request_heap;
  using layer = detail::page_layer<Geometry>;
  using chunk_type = typename layer::chunk_type;
  using orders = detail::slab_orders<Geometry>;

  template <class Read> auto locked(Read read) const noexcept {
    detail::spin_guard const guard(lock_);
    return read();
  }

  // For requests. `joined` is the request's own: whether it is counted in flight. Each says in `asked` why it failed.
  detail::slab* take_slab(std::size_t order, bool& joined, detail::admission& asked) noexcept;
  void* take_run(std::size_t pages, std::size_t alignment, std::size_t tag, bool& joined,
                 detail::admission& asked) noexcept;
  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, bool& joined,
                  detail::admission& asked) noexcept;
  void give_slabs(detail::slab* list) noexcept;
  void give_run(void* run, std::size_t pages) noexcept;
  void give_huge(void* block) noexcept;
  bool extend_run(void* run, std::size_t pages, std::size_t more) noexcept;
  std::size_t free_behind(void const* run, std::size_t pages) const noexcept;
  bool resize_huge(void* block, std::size_t bytes, detail::admission& asked) noexcept;
  detail::extent find_huge(void const* block) const noexcept;
  void retag_huge(void* block, std::size_t tag) noexcept;
  /// A request ends: its slabs come back, how much of them it used and its real peak are remembered.
  void end(detail::slab* slabs, std::size_t used_bytes, std::size_t real_peak, bool& joined) noexcept;
  /// The order of slab a new request starts with.
  std::size_t first_order() const noexcept { return first_order_.load(std::memory_order_relaxed); }

  void join(bool& joined) noexcept {
    if (joined) return;
    joined = true;
    ++in_flight_;
  }
  void note_use(std::size_t bytes) noexcept {
    used_ += bytes;
    if (used_ > peak_used_) peak_used_ = used_;
  }
  void shelve(detail::slab* list) noexcept;
  std::size_t drop_warm() noexcept;
  void drop_shelves() noexcept;
  void end_window() noexcept;

  static constexpr std::uint32_t window = 256;  ///< requests between two looks at how much to keep

  mutable detail::spin_lock lock_;
  std::atomic<std::uint8_t> first_order_{0};
  std::uint32_t ended_in_window_ = 0;
  detail::slab_shelves<Geometry> shelves_;
  std::size_t in_flight_ = 0;
  std::size_t used_ = 0;          ///< bytes lent to requests
  std::size_t peak_used_ = 0;     ///< highest `used_` of this window
  std::size_t average_used_ = 0;  ///< Zend's running average of those peaks
  std::uint64_t ended_ = 0;
  detail::chunk_source<Geometry> source_;
  layer pages_;
  detail::request_sizes sizes_;           ///< real peaks
  detail::slab_demand<Geometry> demand_;  ///< bytes of slabs used
};

namespace detail {
template <class Geometry>
ZMM_SHARED inline immortal<basic_request_pool<Geometry>> the_default_pool;  // constant-initialised
}  // namespace detail

/// Returns: the process's pool of this geometry over os_storage(). There before main and after it.
template <class Geometry> basic_request_pool<Geometry>& default_pool() noexcept {
  return detail::the_default_pool<Geometry>.value;
}

/// Returns: the pool that requests use when they are given none.
inline request_pool& default_request_pool() noexcept { return default_pool<default_geometry>(); }

}}  // namespace zmm

#include <zmm/heap/request_pool_pages.hpp>

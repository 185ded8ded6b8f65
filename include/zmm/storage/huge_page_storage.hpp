// Storage from the operating system, backed by huge pages where the system has some.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// The purged parts of huge pages. Left to itself, the kernel makes the rest of such a page huge again, and then all of
/// it is resident once more. Each entry is one word, so no lock is needed. Constant-initialised.
class thinned_pages {
public:
  static constexpr std::size_t page_bytes = std::size_t{2} << 20;  ///< of a huge page
  static constexpr std::size_t capacity = 512;

  /// A range inside one huge page that is not all of it.
  struct range {
    std::uintptr_t start = 0;
    std::size_t bytes = 0;
    std::uintptr_t page() const noexcept { return align_down(start, page_bytes); }
  };

  bool empty() const noexcept { return count_.load(detail::memory_order_relaxed) == 0; }
  std::size_t count() const noexcept { return count_.load(detail::memory_order_relaxed); }

  /// Returns: false if there is no room.
  bool insert(range r) noexcept {
    for (detail::atomic<std::uintptr_t>& place : places_) {
      std::uintptr_t none = 0;
      if (place.load(detail::memory_order_relaxed) != 0 || !place.compare_exchange_strong(none, word_of(r))) continue;
      count_.fetch_add(1, detail::memory_order_relaxed);
      return true;
    }
    return false;
  }

  /// Whether a range of the huge page at `page` is here.
  bool has(std::uintptr_t page) const noexcept {
    if (empty()) return false;
    for (detail::atomic<std::uintptr_t> const& place : places_) {
      std::uintptr_t const word = place.load(detail::memory_order_relaxed);
      if (word != 0 && align_down(word, page_bytes) == page) return true;
    }
    return false;
  }

  /// Effects: removes the ranges that start in [p, p + bytes).
  void erase(void const* p, std::size_t bytes) noexcept {
    if (empty()) return;
    for (std::size_t i = 0; i < capacity; ++i) {
      range const r = at(i);
      if (r.bytes != 0 && r.start - address_of(p) < bytes) erase(i, r);
    }
  }

  range at(std::size_t place) const noexcept {
    std::uintptr_t const word = places_[place].load(detail::memory_order_relaxed);
    return {align_down(word, least), static_cast<std::size_t>(word & (least - 1)) * os_page_size()};
  }
  /// Returns: whether `r` was there.
  bool erase(std::size_t place, range r) noexcept {
    std::uintptr_t word = word_of(r);
    if (!places_[place].compare_exchange_strong(word, 0)) return false;
    count_.fetch_sub(1, detail::memory_order_relaxed);
    return true;
  }
  /// The entry to look at next: each in turn, over all threads.
  std::size_t next() noexcept { return next_.fetch_add(1, detail::memory_order_relaxed) % capacity; }

private:
  static constexpr std::uintptr_t least = 4096;  ///< the smallest system page; the bits below hold a number of pages

  static std::uintptr_t word_of(range r) noexcept { return r.start | r.bytes / os_page_size(); }

  detail::atomic<std::size_t> count_{0};
  detail::atomic<std::size_t> next_{0};
  detail::atomic<std::uintptr_t> places_[capacity] = {};
};

/// When a part of a huge page is purged, the kernel is advised not to make that page huge. When the page has filled up
/// again, it is made huge again.
class huge_page_storage_type final : public os_storage_base {
public:
  constexpr huge_page_storage_type() noexcept : os_storage_base(&host::map, thinned_pages::page_bytes) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (!thinned_.empty()) {  // a heap that needs a chunk has filled its others
      last_error_guard const keep;
      for (int i = 0; i < 2; ++i) look_at(thinned_.next());
    }
    return os_storage_base::allocate(bytes, alignment, reserve);
  }

  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    thinned_.erase(block, bytes);
    os_storage_base::deallocate(block, bytes, reserve);
  }

  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    thinned_.erase(offset(block, to), from - to);
    return os_storage_base::truncate(block, from, to);
  }

  bool purge(void* p, std::size_t bytes) noexcept override {
    std::size_t const unit = thinned_pages::page_bytes;
    std::uintptr_t const start = address_of(p), end = start + bytes;
    thin(start, end < align_up(start, unit) ? end : align_up(start, unit));
    if (align_down(end, unit) >= align_up(start, unit)) thin(align_down(end, unit), end);
    return os_storage_base::purge(p, bytes);
  }

  void* move(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    void* const place = os_storage_base::move(block, from, to, alignment);
    if (place != nullptr && place != block) thinned_.erase(block, from);
    return place;
  }

  thinned_pages const& thinned() const noexcept { return thinned_; }

private:
  void prepare(void* block, std::size_t reserve) noexcept override { host_kinds::prefer_huge_pages(block, reserve); }

  /// Advises against one range of each huge page, and notes it: one keeps the kernel from making the whole page huge.
  void thin(std::uintptr_t start, std::uintptr_t end) noexcept {
    std::size_t const bytes = end - start;
    thinned_pages::range const r{start, bytes};
    if (bytes == 0 || thinned_.has(r.page())) return;
    last_error_guard const keep;
    if (host_kinds::avoid_huge_pages(reinterpret_cast<void*>(start), bytes)) thinned_.insert(r);
  }

  /// Makes the page of this entry huge if at least nine tenths of it are resident again.
  void look_at(std::size_t place) noexcept {
    thinned_pages::range const r = thinned_.at(place);
    if (r.bytes == 0) return;
    void* const page = reinterpret_cast<void*>(r.page());
    auto const pages = static_cast<std::ptrdiff_t>(thinned_pages::page_bytes / os_page_size());
    std::ptrdiff_t const there = host_kinds::resident_pages(page, thinned_pages::page_bytes);
    if (there < pages - pages / 10 || !thinned_.erase(place, r)) return;
    host_kinds::prefer_huge_pages(reinterpret_cast<void*>(r.start), r.bytes);
    host_kinds::make_huge_page(page, thinned_pages::page_bytes);
  }

  thinned_pages thinned_;
};

ZMM_SHARED inline huge_page_storage_type the_huge_page_storage;

}  // namespace detail

/// Returns: the operating system's storage, which also advises the system to back chunks and huge blocks by transparent
/// huge pages, where it has them. For large memory that is filled densely: one page fault for 2 MiB instead of 512, and
/// fewer TLB misses. But touching one byte may make a whole huge page resident. A huge page that is purged in part becomes
/// small pages, until it is full again; so what was purged stays purged. Any thread, any time.
inline storage& huge_page_storage() noexcept {
  if constexpr (!detail::host_kinds::has_huge_pages) return os_storage();
  return detail::the_huge_page_storage;
}

}}  // namespace zmm

// Empty chunks kept for reuse, and how many: Zend's rules.
#pragma once

#include <zmm/chunk/chunk.hpp>
#include <zmm/chunk/chunk_links.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Decides how many chunks are worth keeping: about as many as an average request uses at its peak.
class chunk_policy {
public:
  /// A chunk came into use; `in_use` counts it.
  void on_take(std::size_t in_use) noexcept {
    if (in_use > peak_) peak_ = in_use;
  }

  /// Whether a chunk that has just become empty is kept. `in_use` does not count it any more.
  bool keeps(std::size_t in_use, std::size_t cached) noexcept {
    if (static_cast<double>(in_use + cached) < average_ + 0.1) return true;
    if (cached == 0) {
      if (in_use != boundary_) {
        boundary_ = in_use;
        repeats_ = 0;
      } else {
        ++repeats_;
      }
    }
    return in_use == boundary_ && repeats_ >= 4;  // chunks come and go at one count: stop paying for it
  }

  /// A request ended (or what counts as one): moves the average half-way to its peak.
  void on_end(std::size_t in_use_after) noexcept {
    average_ = (average_ + static_cast<double>(peak_)) / 2;
    peak_ = in_use_after > 1 ? in_use_after : 1;
    boundary_ = 0;
    repeats_ = 0;
  }

  /// Whether `cached` chunks are more than the average is worth.
  bool exceeds(std::size_t cached) const noexcept { return static_cast<double>(cached) + 0.9 > average_; }

private:
  double average_ = 1.0;
  std::size_t peak_ = 1;
  std::size_t boundary_ = 0;  ///< chunks in use when one was last given back
  unsigned repeats_ = 0;      ///< how often in a row that was at the same count
};

/// A stack of empty chunks, linked through their headers. The headers still say which pages are dirty.
template <class Geometry> class chunk_stack : chunk_links<chunk<Geometry>, checks_chunks<Geometry>> {
  using links = chunk_links<chunk<Geometry>, checks_chunks<Geometry>>;

public:
  using chunk_type = chunk<Geometry>;

  std::size_t count() const noexcept { return count_; }
  bool empty() const noexcept { return head_ == nullptr; }
  chunk_type* top() const noexcept { return head_; }

  std::size_t least() const noexcept { return least_; }  ///< fewest since start_window()
  void start_window() noexcept { least_ = count_; }

  void push(chunk_type* c) noexcept {
    c->next = links::encode(c, head_);
    head_ = c;
    ++count_;
  }

  /// Requires: not empty.
  chunk_type* pop() noexcept {
    chunk_type* const c = head_;
    head_ = behind(c);
    --count_;
    if (count_ < least_) least_ = count_;
    return c;
  }
  /// The chunk below `c`.
  chunk_type* behind(chunk_type const* c) const noexcept { return links::decode(c, c->next); }

private:
  chunk_type* head_ = nullptr;
  std::size_t count_ = 0;
  std::size_t least_ = 0;
};

}}}  // namespace zmm::detail

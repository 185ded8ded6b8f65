// Huge blocks that were freed and are kept for reuse: a list through themselves.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Lies at the start of the block it describes.
struct kept_block {
  kept_block* next;  ///< kept before this one
  kept_block* prev;
  std::size_t bytes;
  std::size_t reserve;
};

/// The newest few are searched for the best fit; what goes back to storage is the oldest. Where the heap does not trust
/// these links, its chunk source checks each with the address index before it follows it.
class kept_list {
public:
  kept_block* newest() const noexcept { return first_; }
  kept_block* oldest() const noexcept { return last_; }
  std::size_t count() const noexcept { return count_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t least() const noexcept { return least_; }  ///< fewest bytes since start_window()
  void start_window() noexcept { least_ = bytes_; }
  std::size_t idle() const noexcept { return idle_; }  ///< fewest bytes since start_idling()
  void start_idling() noexcept { idle_ = bytes_; }

  void push(kept_block* k) noexcept {
    k->next = first_;
    k->prev = nullptr;
    (first_ != nullptr ? first_->prev : last_) = k;
    first_ = k;
    ++count_;
    bytes_ += k->bytes;
  }
  /// `bytes`: of the block. Requires: it is on the list, and so are those beside it.
  void remove(kept_block* k, std::size_t bytes) noexcept {
    (k->prev != nullptr ? k->prev->next : first_) = k->next;
    (k->next != nullptr ? k->next->prev : last_) = k->prev;
    --count_;
    subtract(bytes);
  }
  /// Effects: the block, which is on the list and has no reserve, has `bytes` bytes from now on. Requires: it had no fewer.
  void shrink(kept_block* k, std::size_t bytes) noexcept {
    subtract(k->bytes - bytes);
    k->bytes = k->reserve = bytes;
  }

  /// The smallest block of at least `size` bytes among the newest that suit; if there is none and `may_enlarge`, the
  /// largest of at least half. Complexity: a few blocks are looked at.
  template <class Suits> kept_block* find(std::size_t size, bool may_enlarge, Suits suits) const noexcept {
    kept_block *best = nullptr, *below = nullptr;
    int tries = 32;
    for (kept_block* k = first_; k != nullptr && tries != 0; k = k->next, --tries) {
      if (!suits(*k)) continue;
      if (k->bytes == size) return k;
      if (k->bytes > size) best = best == nullptr || k->bytes < best->bytes ? k : best;
      else if (k->bytes >= size / 2) below = below == nullptr || k->bytes > below->bytes ? k : below;
    }
    return best != nullptr || !may_enlarge ? best : below;
  }
  /// Effects: calls drop(), which gives the oldest block back and returns its bytes, until as much was given back as
  /// nobody used since start_window(), rounded down to whole blocks. `bytes_of(k)`: of a block. Returns: the bytes that
  /// nobody used.
  template <class BytesOf, class Drop> std::size_t drop_unused(BytesOf bytes_of, Drop drop) noexcept {
    std::size_t const unused = least_;
    for (std::size_t left = unused; count_ != 0 && bytes_of(last_) <= left;) left -= drop();
    return unused;
  }

private:
  void subtract(std::size_t bytes) noexcept {
    bytes_ -= bytes;
    if (bytes_ < least_) least_ = bytes_;
    if (bytes_ < idle_) idle_ = bytes_;
  }

  kept_block* first_ = nullptr;
  kept_block* last_ = nullptr;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t least_ = 0;
  std::size_t idle_ = 0;
};

}}}  // namespace zmm::detail

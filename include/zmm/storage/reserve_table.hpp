// Which blocks of the operating system's storage have a reserve.
#pragma once

#include <zmm/storage/fork_guard.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Not a member of the table, which is all zero: else the table's 256 KiB would be part of every program's file.
ZMM_SHARED inline mutex os_reserves_lock{lock_rank::reserves};

/// The kernel does not distinguish a block's reserve from another inaccessible mapping right behind the block, such as
/// the guard page of a thread's stack. So the few blocks that have a reserve are listed here, by address; a block that is
/// not listed has none. Thread-safe; constant-initialised, all zero; allocates nothing.
class reserve_table {
public:
  static constexpr std::size_t capacity = host::most_reserves;  ///< each reserve adds a mapping, and the kernel limits their number

  /// Effects: notes that `block` has `reserve` bytes of address space. Returns: false if the table is full.
  bool insert(void* block, std::size_t reserve) noexcept {
    mutex_guard const guard(os_reserves_lock);
    if (count_.load(detail::memory_order_relaxed) == capacity) return false;
    std::size_t at = home_of(block);
    while (places_[at].block != nullptr) at = next(at);
    places_[at] = {block, reserve};
    count_.fetch_add(1, detail::memory_order_relaxed);
    total_.fetch_add(reserve, detail::memory_order_relaxed);
    return true;
  }

  /// Returns: the reserve of `block`; 0 if it has none.
  std::size_t find(void* block) noexcept {
    if (empty()) return 0;
    mutex_guard const guard(os_reserves_lock);
    return places_[place_of(block)].reserve;
  }

  /// Returns: the reserve that `block` had.
  std::size_t erase(void* block) noexcept {
    if (empty()) return 0;
    mutex_guard const guard(os_reserves_lock);
    std::size_t hole = place_of(block);
    std::size_t const reserve = places_[hole].reserve;
    if (reserve == 0) return 0;
    for (std::size_t at = next(hole); places_[at].block != nullptr; at = next(at)) {
      if (((at - home_of(places_[at].block)) & mask) >= ((at - hole) & mask)) {  // it may move: its home is at the hole or before
        places_[hole] = places_[at];
        hole = at;
      }
    }
    places_[hole] = {};
    count_.fetch_sub(1, detail::memory_order_relaxed);
    total_.fetch_sub(reserve, detail::memory_order_relaxed);
    return reserve;
  }

  /// Bytes of all reserves. May be out of date while other threads are inside.
  std::size_t total() const noexcept { return total_.load(detail::memory_order_relaxed); }

private:
  struct place {
    void* block = nullptr;
    std::size_t reserve = 0;
  };
  static constexpr std::size_t mask = 2 * capacity - 1;

  /// Needs no lock: a caller asks about a block it holds, whose insert() happened before.
  bool empty() const noexcept { return count_.load(detail::memory_order_relaxed) == 0; }

  static std::size_t home_of(void const* block) noexcept {
    return static_cast<std::size_t>((address_of(block) >> 12) * 0x9E3779B97F4A7C15U >> 40) & mask;
  }
  static std::size_t next(std::size_t at) noexcept { return (at + 1) & mask; }
  std::size_t place_of(void const* block) const noexcept {
    std::size_t at = home_of(block);
    while (places_[at].block != nullptr && places_[at].block != block) at = next(at);
    return at;
  }

  detail::atomic<std::size_t> count_{0};
  detail::atomic<std::size_t> total_{0};
  place places_[mask + 1] = {};
};

ZMM_SHARED ZMM_CONSTINIT inline reserve_table os_reserves;
ZMM_SHARED ZMM_CONSTINIT inline fork_node os_reserves_fork{os_reserves_lock};

}}}  // namespace zmm::detail

// Which blocks of the operating system's storage have address space ahead of them.
#pragma once

#include <zmm/storage/fork_guard.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The kernel does not tell a block's own reserve from a stranger's inaccessible mapping right behind the block, such
/// as the guard page of a thread's stack. So the few blocks that have a reserve are listed here, by address; a block
/// that is not listed has none. Thread-safe; constant-initialised, all zero; asks nobody for memory.
class reserve_table {
public:
  static constexpr std::size_t capacity = 8192;  ///< each reserve is a mapping more, and the kernel limits those

  /// Effects: notes that `block` has `reserve` bytes of address space. Returns: false if the table is full.
  bool insert(void* block, std::size_t reserve) noexcept {
    spin_guard const guard(lock_);
    if (count_.load(std::memory_order_relaxed) == capacity) return false;
    std::size_t at = home_of(block);
    while (places_[at].block != nullptr) at = next(at);
    places_[at] = {block, reserve};
    count_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  /// Returns: the reserve of `block`; 0 if it has none.
  std::size_t find(void* block) noexcept {
    if (empty()) return 0;
    spin_guard const guard(lock_);
    return places_[place_of(block)].reserve;
  }

  void erase(void* block) noexcept {
    if (empty()) return;
    spin_guard const guard(lock_);
    std::size_t hole = place_of(block);
    if (places_[hole].block == nullptr) return;
    for (std::size_t at = next(hole); places_[at].block != nullptr; at = next(at)) {
      if (((at - home_of(places_[at].block)) & mask) >= ((at - hole) & mask)) {  // its home is not behind the hole
        places_[hole] = places_[at];
        hole = at;
      }
    }
    places_[hole] = {};
    count_.fetch_sub(1, std::memory_order_relaxed);
  }

  /// Holds everyone off, across a fork().
  void lock() noexcept { lock_.lock(); }
  void unlock() noexcept { lock_.unlock(); }

private:
  struct place {
    void* block = nullptr;
    std::size_t reserve = 0;
  };
  static constexpr std::size_t mask = 2 * capacity - 1;

  /// A caller asks about a block it holds, whose insert() happened before: no lock is needed to see that there is none.
  bool empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }

  static std::size_t home_of(void const* block) noexcept {
    return static_cast<std::size_t>((address_of(block) >> 12) * 0x9E3779B97F4A7C15U >> 40) & mask;
  }
  static std::size_t next(std::size_t at) noexcept { return (at + 1) & mask; }
  std::size_t place_of(void const* block) const noexcept {
    std::size_t at = home_of(block);
    while (places_[at].block != nullptr && places_[at].block != block) at = next(at);
    return at;
  }

  spin_lock lock_;
  std::atomic<std::size_t> count_{0};
  place places_[mask + 1] = {};
};

ZMM_SHARED inline reserve_table os_reserves;

/// Apart from the table, whose 256 KiB would else be written out in every program.
ZMM_SHARED inline fork_node os_reserves_fork{&os_reserves, [](void*) noexcept { os_reserves.lock(); },
                                             [](void*) noexcept { os_reserves.unlock(); },
                                             [](void*) noexcept { os_reserves.unlock(); }};

}}}  // namespace zmm::detail

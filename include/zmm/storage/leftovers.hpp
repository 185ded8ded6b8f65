// Address space that the system would not take back: listed, used again, and offered to the system once more.
#pragma once

#include <zmm/storage/fork_guard.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A piece of address space that is nobody's.
struct leftover {
  void* start = nullptr;  ///< null: there is none
  std::size_t bytes = 0;
  void const* owner = nullptr;  ///< the storage it may be a block of again; null: it cannot be touched, only given back
};

/// Held for a few instructions, never while the system is called. Apart from the list, which is all zero.
ZMM_SHARED inline mutex os_leftovers_lock{lock_rank::leftovers};

/// A system that has no mapping left to split another one with refuses to unmap what lies in the middle of one. What can
/// be written describes itself in its first bytes, so there is room for any number of such pieces. What cannot is
/// listed here; storage maps nothing of the kind while room for it is short. First in, first out.
/// Thread-safe; constant-initialised, all zero; asks nobody for memory.
class leftover_list {
public:
  static constexpr std::size_t sealed_capacity = 128;
  /// What one caller adds at the same time, and room for many that do so at once.
  static constexpr std::size_t sealed_spare = 64;

  /// A relaxed load: a caller that reads "none" asks the system instead.
  bool empty() const noexcept { return count_.load(detail::memory_order_relaxed) == 0; }
  std::size_t count() const noexcept { return count_.load(detail::memory_order_relaxed); }
  std::size_t bytes() const noexcept { return bytes_.load(detail::memory_order_relaxed); }
  bool has_room_for_sealed() const noexcept {
    return sealed_count_.load(detail::memory_order_relaxed) <= sealed_capacity - sealed_spare;
  }

  /// Effects: remembers the piece; one that has an owner is written to. A sealed one that finds no room is forgotten.
  void put(leftover const& piece) noexcept {
    record* const r = piece.owner != nullptr ? ::new (piece.start) record{nullptr, piece} : nullptr;
    mutex_guard const guard(os_leftovers_lock);
    if (r != nullptr) {
      (last_ != nullptr ? last_->next : first_) = r;
      last_ = r;
    } else {
      std::size_t const held = sealed_count_.load(detail::memory_order_relaxed);
      if (held == sealed_capacity) return;
      sealed_[(sealed_first_ + held) % sealed_capacity] = piece;
      sealed_count_.store(held + 1, detail::memory_order_relaxed);
    }
    count(+1, piece.bytes);
  }

  /// Returns: the piece that has waited longest among those that can be written; the caller's now.
  leftover take_open() noexcept {
    if (empty()) return {};
    mutex_guard const guard(os_leftovers_lock);
    record* const r = first_;
    if (r == nullptr) return {};
    first_ = r->next;
    if (first_ == nullptr) last_ = nullptr;
    leftover const piece = r->piece;
    count(-1, piece.bytes);
    return piece;
  }

  /// As take_open(), of those that cannot.
  leftover take_sealed() noexcept {
    if (sealed_count_.load(detail::memory_order_relaxed) == 0) return {};
    mutex_guard const guard(os_leftovers_lock);
    std::size_t const held = sealed_count_.load(detail::memory_order_relaxed);
    if (held == 0) return {};
    leftover const piece = sealed_[sealed_first_];
    sealed_first_ = (sealed_first_ + 1) % sealed_capacity;
    sealed_count_.store(held - 1, detail::memory_order_relaxed);
    count(-1, piece.bytes);
    return piece;
  }

private:
  /// In the first bytes of a piece.
  struct record {
    record* next;
    leftover piece;
  };

  void count(int more, std::size_t bytes) noexcept {
    std::size_t const all = bytes_.load(detail::memory_order_relaxed);
    bytes_.store(more > 0 ? all + bytes : all - bytes, detail::memory_order_relaxed);
    count_.store(count() + static_cast<std::size_t>(more), detail::memory_order_relaxed);
  }

  detail::atomic<std::size_t> count_{0};
  detail::atomic<std::size_t> bytes_{0};
  record* first_ = nullptr;
  record* last_ = nullptr;
  detail::atomic<std::size_t> sealed_count_{0};
  std::size_t sealed_first_ = 0;
  leftover sealed_[sealed_capacity] = {};
};

ZMM_SHARED inline leftover_list os_leftovers;
ZMM_SHARED inline fork_node os_leftovers_fork{os_leftovers_lock};

/// Effects: address space that cannot be written, or must not, waits until the system takes it back.
inline void keep_sealed(void* p, std::size_t bytes) noexcept {
  forks.attach(os_leftovers_fork);
  os_leftovers.put({p, bytes, nullptr});
}

}}}  // namespace zmm::detail

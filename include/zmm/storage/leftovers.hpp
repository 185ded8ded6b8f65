// Address space that the system refused to unmap: listed, used again, and offered to the system again.
#pragma once

#include <zmm/storage/fork_guard.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A piece of address space that belongs to no block.
struct leftover {
  void* start = nullptr;  ///< null: there is none
  std::size_t bytes = 0;
  void const* owner = nullptr;  ///< the storage that may use it for a block; null: it is sealed, and can only be unmapped
};

/// Held for a few instructions, never during a system call. Not a member of the list, which is all zero.
ZMM_SHARED inline mutex os_leftovers_lock{lock_rank::leftovers};

/// Unmapping the middle of a mapping splits it in two; the system refuses that when the process has as many mappings as
/// it may. A piece that can be written is described in its own first bytes, so there is room for any number of these.
/// A sealed piece, which cannot, takes an entry here; while few entries are free, storage makes no mapping that could
/// become one. First in, first out. Thread-safe; constant-initialised, all zero; allocates nothing.
class leftover_list {
public:
  static constexpr std::size_t sealed_capacity = 128;
  /// Entries that have to be free, so that many callers at once have room for what each may add.
  static constexpr std::size_t sealed_spare = 64;

  /// A relaxed load: a caller that reads "none" asks the system instead.
  bool empty() const noexcept { return count_.load(detail::memory_order_relaxed) == 0; }
  std::size_t count() const noexcept { return count_.load(detail::memory_order_relaxed); }
  std::size_t bytes() const noexcept { return bytes_.load(detail::memory_order_relaxed); }
  bool has_room_for_sealed() const noexcept {
    return sealed_count_.load(detail::memory_order_relaxed) <= sealed_capacity - sealed_spare;
  }

  /// Effects: lists the piece; writes to it if it has an owner. A sealed one for which there is no entry is forgotten.
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

  /// Effects: removes the piece that was listed first among those that can be written. Returns: it.
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

  /// As take_open(), among the sealed ones.
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
  /// Lies in the first bytes of a piece.
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

/// Effects: lists address space that cannot or must not be written, until the system unmaps it.
inline void keep_sealed(void* p, std::size_t bytes) noexcept {
  forks.attach(os_leftovers_fork);
  os_leftovers.put({p, bytes, nullptr});
}

}}}  // namespace zmm::detail

// What is known of mappings that other threads unmap, or the system moves.
#pragma once

#include <zmm/storage/leftovers.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Counts what was unmapped. The kernel sees to it that what one thread has unmapped another one maps only later; tools that
/// watch threads do not see that of a mapping that grows. So who unmaps releases here, and who has grown acquires.
ZMM_SHARED inline detail::atomic<std::size_t> os_unmapped{0};

/// Returns: whether the system took it back.
template <class System> bool unmap_from(void* p, std::size_t bytes) noexcept {
  os_unmapped.fetch_add(1, detail::memory_order_release);
  return System::unmap(p, bytes);
}
inline bool has_grown() noexcept {
  (void)os_unmapped.load(detail::memory_order_acquire);
  return true;
}

/// Moves pages to a place that was mapped for them. The kernel unmaps that before the last of its checks, and some versions
/// of it make some checks before: after a refusal the place may still be ours, free, or another thread's. So what was written
/// there says whose it is. Where a process may not ask for that, the answer is: not ours.
template <class System> class mapping_move {
public:
  mapping_move(void* place, void* block, std::size_t from, std::size_t to) noexcept : mark_{place, block, number()} {
    bool const is_marked = System::open(place, os_page_size());
    if (is_marked) copy_bytes(place, &mark_, sizeof mark_);
    os_unmapped.fetch_add(1, detail::memory_order_release);  // the block's old place is
    is_done_ = is_marked && System::move_to(place, block, from, to);
    has_place_ = !is_done_ && (!is_marked || is_mark_there());
  }

  bool is_done() const noexcept { return is_done_; }
  bool has_place() const noexcept { return has_place_; }  ///< not moved, and the place is still ours

private:
  struct words {
    void* place;
    void const* block;
    std::size_t number;
  };

  static std::size_t number() noexcept {
    static detail::atomic<std::size_t> last{0};
    return last.fetch_add(1, detail::memory_order_relaxed);
  }
  bool is_mark_there() const noexcept {
    words found{};
    return System::peek(mark_.place, &found, sizeof found) && found.place == mark_.place &&
           found.block == mark_.block && found.number == mark_.number;
  }

  words mark_;
  bool is_done_ = false, has_place_ = false;
};

}}}  // namespace zmm::detail

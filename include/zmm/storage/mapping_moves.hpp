// Mappings that are unmapped by other threads, or moved by the system.
#pragma once

#include <zmm/storage/leftovers.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Counts calls that unmap. The kernel orders them: a thread maps addresses only after another one has unmapped them. A tool
/// that watches threads does not see this order when a mapping grows. So unmapping releases here, and growing acquires.
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

/// Moves pages to a place that was mapped for them. The kernel makes some checks before it unmaps that place and some after,
/// depending on its version. So after a refusal the place may still be mapped for us, free, or mapped by another thread. A
/// mark that was written there tells. Where the process may not read it that way, the place counts as not ours.
template <class System> class mapping_move {
public:
  mapping_move(void* place, void* block, std::size_t from, std::size_t to) noexcept : mark_{place, block, number()} {
    bool const is_marked = System::open(place, os_page_size());
    if (is_marked) copy_bytes(place, &mark_, sizeof mark_);
    os_unmapped.fetch_add(1, detail::memory_order_release);  // the block's old place is unmapped
    is_done_ = is_marked && System::move_to(place, block, from, to);
    has_place_ = !is_done_ && (!is_marked || is_mark_there());
  }

  bool is_done() const noexcept { return is_done_; }
  bool has_place() const noexcept { return has_place_; }  ///< not moved, and the place is still mapped for us

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

// Storage from an operating system: private mappings.
//
//     allocate ─ reuse ─ leftover_list, or map_aligned;  allocate_ahead for blocks with a reserve
//     deallocate, truncate ─ give_back ─ unmap, or leftover_list
//     move ─ mapping_moves
#pragma once

#include <zmm/storage/mapping_moves.hpp>
#include <zmm/storage/reserve_table.hpp>
#include <zmm/storage/storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Blocks are mappings that `map` makes. System has the members that base/system/bare.hpp has. The writable part of a block
/// with a reserve ends at a multiple of `commit_unit`, if the reserve is large enough.
template <class System> class ZMM_SHARED mapped_storage : public storage {
public:
  using mapper = void* (*)(void* at, std::size_t bytes, page_access access) noexcept;

  constexpr explicit mapped_storage(mapper map = &System::map, std::size_t commit_unit = 1) noexcept
      : map_(map), commit_unit_(commit_unit) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    last_error_guard const keep;
    if (reserve != bytes) return allocate_ahead(bytes, alignment, reserve);
    void* block = reuse(bytes, alignment, 32);
    if (block == nullptr) block = map_aligned(bytes, alignment, page_access::write);
    if (block == nullptr) block = reuse(bytes, alignment, ~std::size_t{0});
    if (block != nullptr) prepare(block, bytes);
    return block;
  }

  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    last_error_guard const keep;
    os_reserves.erase(block);
    give_back_block(block, bytes, reserve);
  }

  /// Makes a part of the reserve writable. A block without one grows into free address space behind it, where the system
  /// can do that.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    last_error_guard const keep;
    std::size_t const reserve = os_reserves.find(block);
    if (reserve == 0) return System::grow(block, from, to) && has_grown();
    if (to > reserve || !System::open(offset(block, from), commit_end(to, reserve) - from)) return false;
    if (commit_unit_ == 1 && to - from <= to / 16) System::make_ready(offset(block, from), to - from);
    return true;
  }

  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    last_error_guard const keep;
    if (std::size_t const reserve = os_reserves.find(block); reserve > from) {
      return System::close(offset(block, to), commit_end(from, reserve) - to);
    }
    if constexpr (System::frees_parts) {
      os_reserves.erase(block);  // before the tail can be part of another mapping
      give_back(offset(block, to), from - to, this);
      return true;
    } else {
      return System::close(offset(block, to), from - to);  // its address space goes back with the block's
    }
  }

  bool purge(void* p, std::size_t bytes) noexcept override {
    last_error_guard const keep;
    return System::purge(p, bytes);
  }

  void* move(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    last_error_guard const keep;
    bool const may_stay = is_aligned(block, alignment);
    if (may_stay && to < from) return truncate(block, from, to) ? block : nullptr;
    std::size_t const reserve = os_reserves.erase(block);  // before the address can be another block's
    using resized = typename System::resized;
    resized const here = may_stay ? System::resize(block, from, to) : resized::by_moving_only;
    void* place = nullptr;
    if (here == resized::yes && has_grown()) {
      place = block;
    } else if (here == resized::by_moving_only) {
      place = move_pages(block, from, to, alignment);
    }
    if (place == nullptr && reserve != 0) os_reserves.insert(block, reserve);
    return place;
  }

protected:
  ~mapped_storage() = default;

  /// Called for the address space of each new block, before the block is used.
  virtual void prepare(void* /*block*/, std::size_t /*reserve*/) noexcept {}

  /// Returns: aligned address space of `bytes`; null if there is none. Asks a system that can align to do so. Otherwise
  /// takes any place first. If that is not aligned, the aligned place right below it is free most often, and for the next
  /// block the one below that: so a block of an odd size costs one call instead of five.
  void* map_aligned(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    if (!is_power_of_two(alignment)) return nullptr;
    if (System::maps_aligned && map_ == &System::map) {
      void* const block = System::map_aligned(bytes, alignment, access);
      if (block != nullptr && is_aligned(block, alignment)) return block;
      if (block != nullptr) give_back(block, bytes, owner_if(access));
    }
    if constexpr (!System::frees_parts) return map_inside(bytes, alignment, access);
    void const* const lowest = lowest_.exchange(nullptr, detail::memory_order_relaxed);
    void* const hint = lowest != nullptr ? place_below(lowest, bytes, alignment) : nullptr;
    void* block = map_(hint, bytes, access);
    if (block == nullptr) return nullptr;
    if (is_aligned(block, alignment)) {
      if (block == hint) lowest_.store(block, detail::memory_order_relaxed);
      return block;
    }
    give_back(block, bytes, owner_if(access));
    if (!System::takes_hints) return map_with_slack(bytes, alignment, access);
    block = map_(place_below(offset(block, bytes), bytes, alignment), bytes, access);
    if (block == nullptr) return nullptr;
    if (is_aligned(block, alignment)) {
      lowest_.store(block, detail::memory_order_relaxed);
      return block;
    }
    give_back(block, bytes, owner_if(access));
    return map_with_slack(bytes, alignment, access);
  }

  /// Unmaps address space. If the system refuses, the piece becomes a leftover, without memory, that `owner` may use
  /// again; null: it cannot be written, and is only kept until the system unmaps it.
  void give_back(void* p, std::size_t bytes, void const* owner) noexcept {
    if (unmap_from<System>(p, bytes)) {
      lowest_.store(nullptr, detail::memory_order_relaxed);  // there is a gap to fill
      return offer_leftovers();
    }
    if (owner == nullptr) return keep_sealed(p, bytes);
    forks.attach(os_leftovers_fork);
    System::drop(p, bytes);
    os_leftovers.put({p, bytes, owner});
  }

private:
  void* allocate_ahead(std::size_t bytes, std::size_t alignment, std::size_t reserve) noexcept {
    bool const has_guard_only = reserve - bytes <= os_page_size();
    if (!has_guard_only && !may_reserve(reserve)) return nullptr;
    if constexpr (!System::has_reserves) return has_guard_only ? allocate_open(alignment, reserve) : nullptr;
    if (!os_leftovers.has_room_for_sealed()) return nullptr;
    // On Linux without MAP_NORESERVE: so a part made writable later counts towards the commit limit like any memory.
    void* const block = map_aligned(reserve, alignment, page_access::none);
    if (block == nullptr) return nullptr;
    forks.attach(os_reserves_fork);
    prepare(block, reserve);
    std::size_t const open = commit_end(bytes, reserve);
    if ((has_guard_only || is_small_share(block, reserve)) && System::open(block, open)) {
      if (os_reserves.insert(block, reserve)) return block;
      give_back_block(block, bytes, reserve);
    } else {
      give_back(block, reserve, nullptr);
    }
    return nullptr;
  }

  /// For a system that cannot take access away: the guard page is an ordinary page there.
  void* allocate_open(std::size_t alignment, std::size_t reserve) noexcept {
    void* const block = map_aligned(reserve, alignment, page_access::write);
    if (block == nullptr) return nullptr;
    forks.attach(os_reserves_fork);
    prepare(block, reserve);
    if (os_reserves.insert(block, reserve)) return block;
    give_back(block, reserve, this);
    return nullptr;
  }

  /// Reserves are optional: where a limit is set on address space, all together take at most a sixteenth of it.
  static bool may_reserve(std::size_t reserve) noexcept {
    std::size_t const most = System::most_addresses();
    return most == ~std::size_t{0} || fits(reserve, most / 16);
  }
  /// And they take at most an eighth of the addresses there are, as far as the address of a block shows how many.
  static bool is_small_share(void const* block, std::size_t reserve) noexcept {
    return fits(reserve, std::size_t{1} << highest_bit(address_of(block)) >> 2);
  }
  static bool fits(std::size_t reserve, std::size_t share) noexcept {
    std::size_t const taken = os_reserves.total();
    return taken <= share && reserve <= share - taken;
  }

  /// Returns: a block from a leftover of this storage, among the `looks` oldest; null: none fits. What is left of it goes
  /// back.
  void* reuse(std::size_t bytes, std::size_t alignment, std::size_t looks) noexcept {
    if (os_leftovers.empty() || !is_power_of_two(alignment)) return nullptr;
    for (std::size_t left = looks < os_leftovers.count() ? looks : os_leftovers.count(); left != 0; --left) {
      leftover const piece = os_leftovers.take_open();
      if (piece.start == nullptr) return nullptr;
      std::size_t const before = align_up(address_of(piece.start), alignment) - address_of(piece.start);
      bool const is_whole = before == 0 && piece.bytes == bytes;
      if (piece.owner == this && before <= piece.bytes && bytes <= piece.bytes - before &&
          (System::frees_parts || is_whole)) {
        void* const block = offset(piece.start, before);
        std::size_t const after = piece.bytes - before - bytes;
        if (before != 0) give_back(piece.start, before, this);
        if (after != 0) give_back(offset(block, bytes), after, this);
        return block;
      }
      os_leftovers.put(piece);
    }
    return nullptr;
  }

  /// Called after something was unmapped, when the system may accept more: tries to unmap two leftovers.
  static void offer_leftovers() noexcept {
    if (ZMM_LIKELY(os_leftovers.empty())) return;
    offer(os_leftovers.take_open());
    offer(os_leftovers.take_sealed());
  }
  static void offer(leftover const& piece) noexcept {
    if (piece.start != nullptr && !unmap_from<System>(piece.start, piece.bytes)) os_leftovers.put(piece);
  }

  void give_back_block(void* block, std::size_t bytes, std::size_t reserve) noexcept {
    if (reserve <= bytes) return give_back(block, bytes, this);
    if (unmap_from<System>(block, reserve)) return offer_leftovers();
    std::size_t const open = commit_end(bytes, reserve);
    give_back(block, open, this);
    give_back(offset(block, open), reserve - open, nullptr);
  }

  /// Maps more than is needed and gives back what lies before and behind the aligned part.
  void* map_with_slack(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    std::size_t const slack = alignment - System::page_size();  // the system's own: os_page_size() may be set larger
    if (bytes + slack < bytes) return nullptr;
    void* const wide = map_(nullptr, bytes + slack, access);
    if (wide == nullptr) return nullptr;
    std::size_t const before = align_up(address_of(wide), alignment) - address_of(wide);
    if (before != 0) give_back(wide, before, owner_if(access));
    void* const block = offset(wide, before);
    if (before != slack) give_back(offset(block, bytes), slack - before, owner_if(access));
    return block;
  }

  /// As map_with_slack(), for a system that cannot unmap parts: the rest stays reserved as long as the block does.
  void* map_inside(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    void* const exact = map_(nullptr, bytes, access);
    if (exact == nullptr || is_aligned(exact, alignment)) return exact;
    unmap_from<System>(exact, bytes);
    std::size_t const wide = bytes + alignment - System::page_size();
    void* const around = wide > bytes ? map_(nullptr, wide, page_access::none) : nullptr;
    if (around == nullptr) return nullptr;
    void* const block = offset(around, align_up(address_of(around), alignment) - address_of(around));
    if (access == page_access::none || System::open(block, bytes)) return block;
    unmap_from<System>(around, wide);
    return nullptr;
  }

  /// Moves the pages to new address space.
  void* move_pages(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept {
    if (!os_leftovers.has_room_for_sealed()) return nullptr;
    void* const place = map_aligned(to, alignment, page_access::none);
    if (place == nullptr) return nullptr;
    mapping_move<System> const moved(place, block, from, to);
    if (moved.is_done()) return place;
    if (moved.has_place()) give_back(place, to, nullptr);
    return nullptr;
  }

  void const* owner_if(page_access access) const noexcept { return access == page_access::none ? nullptr : this; }

  /// The highest aligned place for `bytes` that ends at `end` or below; null if there is none.
  static void* place_below(void const* end, std::size_t bytes, std::size_t alignment) noexcept {
    std::uintptr_t const at = address_of(end) > bytes ? align_down(address_of(end) - bytes, alignment) : 0;
    return reinterpret_cast<void*>(at);
  }

  /// Where the writable part of a block with a reserve ends: before the guard page, if there is one.
  std::size_t commit_end(std::size_t bytes, std::size_t reserve) const noexcept {
    std::size_t const end = align_up(bytes, commit_unit_);
    return end + os_page_size() <= reserve ? end : bytes;
  }

  mapper map_;
  std::size_t commit_unit_;
  detail::atomic<void const*> lowest_{nullptr};  ///< the lowest block of a row that was placed by hints
};

}}}  // namespace zmm::detail

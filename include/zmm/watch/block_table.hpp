// What is known of each block of a watched engine, by its address.
#pragma once

#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A growing array, of 2^n items if sizeof(T) is 2^m, in memory of its own from the operating system: nothing of the
/// program's lies there, so overflows in the program's blocks do not reach it, and no tool counts it as the program's.
/// T is trivial; new items are zero.
template <class T> class os_array {
public:
  os_array() = default;
  os_array(os_array const&) = delete;
  os_array& operator=(os_array const&) = delete;
  ~os_array() { give(items_, bytes_); }

  std::size_t capacity() const noexcept { return bytes_ / sizeof(T); }
  T& operator[](std::size_t i) const noexcept { return items_[i]; }

  /// Effects: makes room for twice as many items, all zero; move(old, capacity) takes over the old ones. Returns: false
  /// if there is no memory; then nothing changed.
  template <class Move> bool grow(Move move) noexcept {
    std::size_t const bytes = bytes_ == 0 ? align_up(16 * 1024, os_page_size()) : 2 * bytes_;
    auto* const items = static_cast<T*>(os_storage().allocate(bytes, os_page_size(), bytes));
    if (items == nullptr) return false;
    T* const old = items_;
    std::size_t const old_bytes = bytes_;
    items_ = items;
    bytes_ = bytes;
    move(old, old_bytes / sizeof(T));
    give(old, old_bytes);
    return true;
  }

private:
  static void give(T* items, std::size_t bytes) noexcept {
    if (items != nullptr) os_storage().deallocate(items, bytes, bytes);
  }

  T* items_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Passed as the site of a block that replaces another, and counts as allocated at the same `site`. `bytes`: of the
/// other block.
struct replaced_block {
  std::uint32_t site;
  std::size_t bytes;
};
template <class Site> constexpr std::size_t replaced_bytes(Site) noexcept { return 0; }
constexpr std::size_t replaced_bytes(replaced_block old) noexcept { return old.bytes; }

/// A block that is live, or was freed and is kept from reuse. One cache line; the table has 2^n of them.
struct alignas(64) watched_block {
  std::uintptr_t key;          ///< the address, inverted: no tool takes the table for a reference. 0: nothing is here
  std::size_t room;            ///< bytes it was made for
  std::size_t bytes;           ///< bytes that may be used, at most `room`
  std::size_t least;           ///< it may be freed with any size from this to `bytes`
  std::uint64_t number;        ///< of the allocation
  std::uint32_t site;          ///< where it was allocated, as the sites count
  std::uint8_t log_alignment;  ///< it was placed for
  std::uint8_t log_named;      ///< it is freed with
  bool is_freed;

  void* start() const noexcept { return reinterpret_cast<void*>(~key); }
  std::size_t alignment() const noexcept { return std::size_t{1} << log_alignment; }
  std::size_t named_alignment() const noexcept { return std::size_t{1} << log_named; }
};

/// Linear probing; at most half full. Complexity: O(1).
class block_table {
public:
  std::size_t count() const noexcept { return count_; }
  std::size_t capacity() const noexcept { return places_.capacity(); }

  watched_block* find(void const* p) const noexcept {
    if (count_ == 0) return nullptr;
    watched_block& place = places_[place_of(~address_of(p))];
    return place.key != 0 ? &place : nullptr;
  }
  /// Effects: insert() will find room. Returns: false if there is no memory.
  bool make_room() noexcept {
    if (2 * (count_ + 1) <= places_.capacity()) return true;
    return places_.grow([this](watched_block const* old, std::size_t capacity) {
      for (std::size_t i = 0; i < capacity; ++i) {
        if (old[i].key != 0) places_[place_of(old[i].key)] = old[i];
      }
    });
  }
  /// Requires: make_room() since the last one; the address is not here.
  watched_block& insert(watched_block const& block) noexcept {
    ++count_;
    return places_[place_of(block.key)] = block;
  }
  void erase(watched_block* block) noexcept {
    std::size_t hole = static_cast<std::size_t>(block - &places_[0]);
    for (std::size_t i = next(hole); places_[i].key != 0; i = next(i)) {
      std::size_t const home = home_of(places_[i].key);
      if (((i - home) & mask()) < ((i - hole) & mask()))
        continue;  // it lies between its home and here, behind the hole
      places_[hole] = places_[i];
      hole = i;
    }
    places_[hole] = watched_block{};
    --count_;
  }
  void clear() noexcept {
    for (std::size_t i = 0; i < places_.capacity(); ++i) places_[i] = watched_block{};
    count_ = 0;
  }

  /// Visits every block, in no order; the visitor may change it, but neither its key nor the table.
  template <class Visit> void for_each(Visit visit) const {
    for (std::size_t i = 0, left = count_; left != 0; ++i) {
      if (places_[i].key == 0) continue;
      --left;
      visit(places_[i]);
    }
  }

private:
  std::size_t mask() const noexcept { return places_.capacity() - 1; }
  std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }
  std::size_t home_of(std::uintptr_t key) const noexcept {
    return static_cast<std::size_t>((~key >> 3) * 0x9E3779B97F4A7C15U >> 20) & mask();
  }
  std::size_t place_of(std::uintptr_t key) const noexcept {
    std::size_t i = home_of(key);
    while (places_[i].key != 0 && places_[i].key != key) i = next(i);
    return i;
  }

  os_array<watched_block> places_;
  std::size_t count_ = 0;
};

/// Addresses of freed blocks, the oldest first.
class address_queue {
public:
  bool empty() const noexcept { return first_ == last_; }
  std::size_t count() const noexcept { return last_ - first_; }
  bool make_room(std::size_t count) noexcept {
    return count <= places_.capacity() || places_.grow([&](std::uintptr_t const* old, std::size_t capacity) {
      for (std::size_t i = first_; i != last_; ++i) places_[i % (2 * capacity)] = old[i % capacity];
    });
  }
  void push(void const* p) noexcept { places_[last_++ % places_.capacity()] = ~address_of(p); }
  void const* pop() noexcept { return reinterpret_cast<void const*>(~places_[first_++ % places_.capacity()]); }
  void clear() noexcept { first_ = last_ = 0; }

private:
  os_array<std::uintptr_t> places_;
  std::size_t first_ = 0, last_ = 0;
};

}}}  // namespace zmm::detail

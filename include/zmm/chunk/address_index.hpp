// Chunk number → chunk or huge block: what a chunk source holds, found from an address alone.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/chunk/admission.hpp>
#include <zmm/chunk/chunk.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A chunk or a huge block, taken from storage whole. `bytes` is 0 for a chunk, and odd for a huge block that was freed
/// and is kept.
struct extent {
  void* start = nullptr;    ///< null: an empty place of the table
  std::size_t bytes = 0;    ///< huge: usable bytes
  std::size_t reserve = 0;  ///< huge: bytes of address space
  std::size_t tag = 0;      ///< huge: the engine's own number, and its slack above that; or a seal of the other fields

  bool is_chunk() const noexcept { return start != nullptr && bytes == 0; }
  bool is_kept() const noexcept { return (bytes & 1) != 0; }
  bool is_huge() const noexcept { return bytes != 0 && !is_kept(); }
  void set_kept(bool kept) noexcept { bytes = usable() | std::size_t{kept}; }
  std::size_t usable() const noexcept { return bytes & ~std::size_t{1}; }

  /// Bits of the tag that hold the number; on 32 bits enough for one number for each page of 4 KiB.
  static constexpr unsigned number_bits = sizeof(std::size_t) > 4 ? 32 : 20;
  std::size_t number() const noexcept { return tag & ((std::size_t{1} << number_bits) - 1); }

  /// How far to grow in one step towards `preferred` when `least` would do. Where there is address space ahead steps
  /// are cheap: each makes the block a 32nd longer, which storage can make ready at once.
  std::size_t next_step(std::size_t least, std::size_t preferred) const noexcept {
    if (reserve <= bytes || preferred <= bytes) return preferred;
    std::size_t const step = bytes + bytes / 32;
    std::size_t const wanted = step > least ? step : least;
    std::size_t const reach = wanted < reserve || least > reserve ? wanted : reserve;
    return reach < preferred ? reach : preferred;
  }
};

/// A hash table with linear probing, keyed by the number of the chunk-sized piece of address space that an extent
/// starts in; extents start at multiples of the chunk size, so no two share a key. A few extents lie in the object
/// itself; more go into a table from storage, charged to the ledger like everything else.
///
/// Invariants: count_ <= 3/4 of the places; no empty place between an extent's home and its place.
/// Pointers to extents hold until the next make_room(), insert() or erase().
/// Complexity: all O(1) on average.
template <class Geometry> class address_index {
public:
  constexpr address_index() noexcept = default;
  address_index(address_index const&) = delete;
  address_index& operator=(address_index const&) = delete;

  std::size_t count() const noexcept { return count_; }
  std::size_t table_bytes() const noexcept { return table_ == inside_ ? 0 : places() * sizeof(extent); }

  /// The extent that starts in the same chunk-sized piece as `p`; null if there is none. Does not read what `p` points
  /// to.
  extent* find(void const* p) const noexcept {
    std::uintptr_t const start = align_down(address_of(p), Geometry::chunk_bytes);
    for (std::size_t at = home_of(start);; at = next(at)) {
      if (address_of(table_[at].start) == start) return start != 0 ? &table_[at] : nullptr;
      if (table_[at].start == nullptr) return nullptr;
    }
  }

  /// Effects: makes sure that one insert() finds room. `pending`: bytes that were taken and are not in the book yet.
  /// Returns: whether it did; if not, `asked` says why.
  bool make_room(storage& from, ledger& book, std::size_t pending, admission& asked) noexcept {
    if ((count_ + 1) * 4 <= places() * 3) return true;
    std::size_t const bytes = table_ == inside_ ? os_page_size() : 2 * table_bytes();
    if (!book.admits(pending + bytes, asked)) return false;
    void* const room = from.allocate(bytes, os_page_size(), bytes);
    if (room == nullptr) {
      asked.refuse_storage(bytes, os_page_size());
      return false;
    }
    book.add(bytes);
    rehash(static_cast<extent*>(room), bytes / sizeof(extent), from, book);
    return true;
  }

  /// Requires: make_room() since the last insert().
  void insert(extent const& e) noexcept {
    std::size_t at = home_of(address_of(e.start));
    while (table_[at].start != nullptr) at = next(at);
    table_[at] = e;
    ++count_;
  }

  void erase(extent* e) noexcept {
    std::size_t hole = static_cast<std::size_t>(e - table_);
    for (std::size_t at = next(hole); table_[at].start != nullptr; at = next(at)) {
      std::size_t const home = home_of(address_of(table_[at].start));
      // Move it back unless its home lies cyclically in (hole, at].
      if (((at - home) & mask()) >= ((at - hole) & mask())) {
        table_[hole] = table_[at];
        hole = at;
      }
    }
    table_[hole] = extent{};
    --count_;
  }

  /// Effects: gives the table back to storage once few enough extents are left to lie in the object.
  /// Returns: the bytes given back.
  std::size_t trim(storage& to, ledger& book) noexcept {
    std::size_t const bytes = table_bytes();
    if (bytes == 0 || count_ * 4 > inside_places * 3) return 0;
    rehash(inside_, inside_places, to, book);
    return bytes;
  }

  /// Visits a copy of each extent; the visitor must not insert or erase.
  template <class Visit> void for_each(Visit visit) const {
    for (std::size_t i = 0; i < places(); ++i) {
      if (table_[i].start != nullptr) visit(table_[i]);
    }
  }

  /// Effects: erases every extent that `leaves(extent)` says true for. It is asked once for each extent, in any order.
  template <class Predicate> void erase_if(Predicate leaves) noexcept {
    // Start behind an empty place: then erasing never moves an extent that was asked already to where it is asked
    // again.
    std::size_t at = 0;
    while (table_[at].start != nullptr) at = next(at);
    for (std::size_t left = places(); left != 0; --left) {
      at = next(at);
      while (table_[at].start != nullptr && leaves(static_cast<extent const&>(table_[at]))) erase(&table_[at]);
    }
  }

  void verify(void const* heap) const noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < places(); ++i) {
      if (table_[i].start == nullptr) continue;
      ++found;
      check(is_aligned(table_[i].start, Geometry::chunk_bytes), "an extent starts at a chunk boundary", table_[i].start,
            heap);
      check(find(table_[i].start) == &table_[i], "the address index finds what it holds", table_[i].start, heap);
    }
    check(found == count_, "the address index counts its extents", nullptr, heap);
    check(count_ * 4 <= places() * 3, "the address index has room to end a search", nullptr, heap);
  }

private:
  static constexpr std::size_t inside_places = 8;

  std::size_t places() const noexcept { return std::size_t{1} << bits_; }
  std::size_t mask() const noexcept { return places() - 1; }
  std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask(); }
  std::size_t home_of(std::uintptr_t start) const noexcept {
    std::uint64_t const number = start / Geometry::chunk_bytes;
    return static_cast<std::size_t>((number * 0x9E3779B97F4A7C15U) >> (64 - bits_));  // 2^64 / golden ratio
  }

  /// Effects: moves all extents to `room` of `places` places and gives the old table back.
  void rehash(extent* room, std::size_t places, storage& store, ledger& book) noexcept {
    extent* const old = table_;
    std::size_t const old_bytes = table_bytes(), old_places = this->places();
    for (std::size_t i = 0; i < places; ++i) room[i] = extent{};
    table_ = room;
    bits_ = highest_bit(places);
    count_ = 0;
    for (std::size_t i = 0; i < old_places; ++i) {
      if (old[i].start != nullptr) insert(old[i]);
    }
    if (old_bytes == 0) return;
    store.deallocate(old, old_bytes, old_bytes);
    book.subtract(old_bytes);
  }

  extent inside_[inside_places] = {};
  extent* table_ = inside_;
  std::size_t count_ = 0;
  unsigned bits_ = highest_bit(inside_places);
};

}}}  // namespace zmm::detail

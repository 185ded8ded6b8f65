// Slabs, which requests pack their small blocks into; and the pool's shelves of slabs.
#pragma once

#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A run of 1, 2, 4, … pages of a chunk, described in its first bytes. The rest is the request's.
struct alignas(16) slab {
  slab* next;
  std::size_t bytes;  ///< of the whole slab, these two words included

  char* begin() noexcept { return reinterpret_cast<char*>(this + 1); }
  char* end() noexcept { return reinterpret_cast<char*>(this) + bytes; }
};
static_assert(sizeof(slab) == 16, "the first block of a slab is aligned to 16");

/// How large slabs get: an eighth of a chunk, 256 KiB by default. A slab's *order* is the power of two of its pages.
template <class Geometry> struct slab_orders {
  static constexpr std::size_t count = highest_bit(Geometry::pages / 8) + 1;
  static constexpr std::size_t max = count - 1;

  static constexpr std::size_t bytes(std::size_t order) noexcept { return Geometry::page_bytes << order; }
  static constexpr std::size_t order_of(std::size_t bytes) noexcept {
    return highest_bit(bytes / Geometry::page_bytes);
  }
  /// The smallest order that holds `bytes`, or the largest there is. Requires: bytes > 0.
  static constexpr std::size_t enough_for(std::size_t bytes) noexcept {
    std::size_t const more_pages = (bytes - 1) / Geometry::page_bytes;
    std::size_t const order = more_pages == 0 ? 0 : highest_bit(more_pages) + 1;
    return order < max ? order : max;
  }
  /// The order for a request that holds `bytes` in slabs: doubles what it has.
  static constexpr std::size_t next(std::size_t bytes) noexcept {
    return order_of(bytes) < max ? order_of(bytes) : max;
  }
};

/// How many bytes of slabs ended requests used, by the order of slab that would have held them. Counts what was used,
/// not what was taken: otherwise one large request would make every later one look large.
template <class Geometry> class slab_demand {
public:
  using orders = slab_orders<Geometry>;

  /// What `bytes` count as: an order, or orders::count for none, which counts as nothing.
  static constexpr std::size_t demand_of(std::size_t bytes) noexcept {
    return bytes != 0 ? orders::enough_for(bytes) : orders::count;
  }
  void add(std::size_t demand) noexcept {
    if (demand != orders::count) ++counts_[demand];
  }

  /// Returns: the order of slab that would have been enough for `percent` of the requests added since the last time, or
  /// as near as slabs get; half of them count again next time.
  std::size_t learn(unsigned percent) noexcept {
    std::size_t total = 0, seen = 0, enough = 0;
    for (std::size_t count : counts_) total += count;
    for (std::size_t order = 0; order < orders::count; ++order) {
      if (seen * 100 < total * percent) enough = order;
      seen += counts_[order];
      counts_[order] /= 2;
    }
    return enough;
  }

private:
  std::size_t counts_[orders::count] = {};
};

/// Free slabs by order, last in first out: the warmest goes first.
template <class Geometry> class slab_shelves {
public:
  using orders = slab_orders<Geometry>;

  slab* pop(std::size_t order) noexcept {
    slab* const s = shelves_[order];
    if (s == nullptr) return nullptr;
    shelves_[order] = s->next;
    --count_;
    bytes_ -= s->bytes;
    return s;
  }
  void push(slab* s) noexcept {
    slab*& shelf = shelves_[orders::order_of(s->bytes)];
    s->next = shelf;
    shelf = s;
    ++count_;
    bytes_ += s->bytes;
  }

  std::size_t count() const noexcept { return count_; }
  std::size_t bytes() const noexcept { return bytes_; }

  template <class Visit> void for_each(Visit visit) const {
    for (slab* shelf : shelves_) {
      for (slab* s = shelf; s != nullptr; s = s->next) visit(*s);
    }
  }

private:
  slab* shelves_[orders::count] = {};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}}}  // namespace zmm::detail

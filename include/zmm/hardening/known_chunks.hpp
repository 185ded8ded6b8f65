// Chunks that were looked up lately, so that a free need not look them up again.
#pragma once

#include <zmm/chunk/chunk.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The chunks that were last found to be the heap's: a small table by chunk number. A chunk may go back to storage
/// meanwhile: each time one does, a count goes up, and the table counts as empty when `count` has changed.
template <class Chunk> class known_chunks {
public:
  constexpr known_chunks() noexcept = default;
  constexpr explicit known_chunks(std::uint64_t count) noexcept : count_(count) {}

  ZMM_INLINE bool has(Chunk const* c, std::uint64_t count) const noexcept { return has(c) && count_ == count; }
  /// The same where the table is cleared when a chunk goes.
  ZMM_INLINE bool has(Chunk const* c) const noexcept { return chunks_[place_of(c)] == address_of(c) + 1; }
  /// Whether `p` lies in the chunk that was added last.
  ZMM_INLINE bool is_in_last(void const* p) const noexcept {
    return (address_of(p) ^ last_) < last_bytes_;
  }
  /// Whether what was found holds at this count.
  ZMM_INLINE bool is_of(std::uint64_t count) const noexcept { return count_ == count; }
  std::uint64_t count() const noexcept { return count_; }
  void add(Chunk const* c, std::uint64_t count) noexcept {
    if (count_ != count) *this = known_chunks(count);
    chunks_[place_of(c)] = address_of(c) + 1;
    last_ = address_of(c);
    last_bytes_ = Chunk::geometry::chunk_bytes;
  }

private:
  static constexpr std::size_t places = 32;
  static std::size_t place_of(Chunk const* c) noexcept { return address_of(c) / Chunk::geometry::chunk_bytes % places; }

  std::uintptr_t chunks_[places] = {};  ///< address + 1: zero is none, not the null page
  std::uintptr_t last_ = 0, last_bytes_ = 0;  ///< no bytes: none, for any address may come from a caller
  std::uint64_t count_ = 0;
};

}}}  // namespace zmm::detail

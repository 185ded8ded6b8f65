// The links of chunks and the entries of the index, for heaps that trust neither.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/chunk/chunk_links.hpp>
#include <zmm/storage/os_random.hpp>

#include <initializer_list>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// A link is stored exclusive-or a key and the chunk's own address. What it decodes to has to be aligned like a chunk;
/// whether it is a chunk, the source checks.
template <class Chunk> class chunk_links<Chunk, true> {
protected:
  Chunk* encode(Chunk const* at, Chunk* next) noexcept {
    while (key_ == 0) key_ = key_maker.next();
    return veiled(at, next);
  }
  Chunk* decode(Chunk const* at, Chunk* link) const noexcept {
    Chunk* const next = veiled(at, link);
    check(is_aligned(next, Chunk::geometry::chunk_bytes), "the link of a cached chunk is as it was written", at);
    return next;
  }

private:
  Chunk* veiled(Chunk const* at, Chunk* link) const noexcept {
    std::uint64_t const place = __builtin_bswap64(address_of(at)) >> (64 - 8 * sizeof(void*));
    return reinterpret_cast<Chunk*>(static_cast<std::uintptr_t>(address_of(link) ^ key_ ^ place));
  }
  std::uint64_t key_ = 0;
};

template <> class extent_seals<true> {
protected:
  template <class Extent> void write(Extent& e) noexcept {
    while (key_ == 0) key_ = key_maker.next();
    e.tag = seal_of(e);
  }
  template <class Extent> void verify(Extent const& e) const noexcept {
    check(e.tag == seal_of(e), "an entry of the address index is as it was written", e.start, this);
  }

private:
  template <class Extent> std::size_t seal_of(Extent const& e) const noexcept {
    std::uint64_t word = address_of(e.start) ^ key_;
    for (std::uint64_t more : {std::uint64_t{e.bytes}, std::uint64_t{e.reserve}}) {
      word = (word ^ word >> 32) * 0x9E3779B97F4A7C15U;
      word ^= more + key_;
    }
    return static_cast<std::size_t>((word ^ word >> 29) * 0xBF58476D1CE4E5B9U);
  }
  std::uint64_t key_ = 0;
};

}}}  // namespace zmm::detail

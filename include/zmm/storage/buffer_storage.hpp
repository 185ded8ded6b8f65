// Chunks from a buffer of the caller: nothing ever comes from the operating system.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/storage/storage.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// Hands out parts of one buffer, first fit, and joins what comes back. The buffer outlives the storage; its contents
/// are overwritten. One thread at a time.
///
/// A heap needs whole chunks, aligned to their size, and from the seventh on a table to find them by. So a buffer that
/// is not aligned holds one chunk less than its size suggests; buffer_storage::bytes_for() says how large to make it.
/// When no part is large enough, the heap throws zmm::out_of_memory, which names the bytes needed.
class buffer_storage final : public storage {
public:
  buffer_storage(void* buffer, std::size_t bytes) noexcept {
    if (buffer == nullptr) return;
    std::size_t const skip = align_up_address(buffer) - detail::address_of(buffer);
    if (bytes < skip + sizeof(hole)) return;
    holes_ = ::new (detail::offset(buffer, skip)) hole{nullptr, detail::align_down(bytes - skip, grain)};
  }
  ~buffer_storage() = default;

  /// Returns: the size of a buffer, of any alignment, that has room for `count` chunks of one heap, each of `bytes` and
  /// aligned to `bytes`, and for the heap's tables. SIZE_MAX if no buffer is so large.
  static constexpr std::size_t bytes_for(std::size_t count, std::size_t bytes) noexcept {
    constexpr std::size_t most = ~std::size_t{0};
    std::size_t const tables = table_bytes(count);
    if (bytes == 0) return tables;
    return count >= (most - tables) / bytes ? most : (count + 1) * bytes + tables;
  }

  /// Takes a block from the lowest hole that has room. One with a smaller alignment than an earlier block, such as a
  /// heap's table among its chunks, is taken from the end of the highest hole, where it leaves aligned places free.
  /// Complexity: linear in the number of holes.
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t /*reserve*/) override {
    if (!detail::is_power_of_two(alignment)) return nullptr;
    if (alignment < coarsest_) return allocate_high(bytes, alignment);
    coarsest_ = alignment;
    for (hole** link = &holes_; *link != nullptr; link = &(*link)->next) {
      hole* const at = *link;
      std::size_t const before = detail::align_up(detail::address_of(at), alignment) - detail::address_of(at);
      if (before > at->bytes || bytes > at->bytes - before) continue;
      return cut(link, before, bytes);
    }
    return nullptr;
  }

  void deallocate(void* block, std::size_t bytes, std::size_t /*reserve*/) noexcept override {
    hole** link = &holes_;
    while (*link != nullptr && detail::address_of(*link) < detail::address_of(block)) {
      if (detail::offset(*link, (*link)->bytes) == block) return join((*link), bytes);
      link = &(*link)->next;
    }
    hole* const next = *link;
    *link = ::new (block) hole{next, 0};
    join(*link, bytes);
  }

  /// Grows the block into a hole right behind it.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    void* const tail = detail::offset(block, from);
    for (hole** link = &holes_; *link != nullptr; link = &(*link)->next) {
      if (*link != tail) continue;
      if ((*link)->bytes < to - from) return false;
      cut(link, 0, to - from);
      return true;
    }
    return false;
  }

  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    deallocate(detail::offset(block, to), from - to, from - to);
    return true;
  }

private:
  /// A heap's table doubles when it is three quarters full of entries of 32 bytes; the first one is an OS page. The old
  /// table lives until the new one is filled. All tables together take no more than twice the last.
  static constexpr std::size_t table_bytes(std::size_t count) noexcept {
    if (count <= 6) return 0;  // in the heap itself
    std::size_t last = std::size_t{64} << 10;
    while (last / 64 < count && last <= ~std::size_t{0} / 8) last *= 2;
    return 2 * last;
  }

  /// Free bytes, described in their own first bytes. The list is in address order, and no two holes touch.
  struct hole {
    hole* next;
    std::size_t bytes;
  };
  static constexpr std::size_t grain = 64;  // all sizes are multiples of it, so each hole has room for its description

  static std::size_t align_up_address(void* p) noexcept { return detail::align_up(detail::address_of(p), grain); }

  void* allocate_high(std::size_t bytes, std::size_t alignment) noexcept {
    hole** last = nullptr;
    std::size_t before = 0;
    for (hole** link = &holes_; *link != nullptr; link = &(*link)->next) {
      if (bytes > (*link)->bytes) continue;
      std::uintptr_t const start = detail::address_of(*link);
      std::uintptr_t const at = detail::align_down(start + (*link)->bytes - bytes, alignment);
      if (at < start) continue;
      last = link;
      before = at - start;
    }
    return last != nullptr ? cut(last, before, bytes) : nullptr;
  }

  /// Takes [before, before + bytes) out of the hole that `link` points to; what is on either side stays free.
  static void* cut(hole** link, std::size_t before, std::size_t bytes) noexcept {
    hole* const at = *link;
    std::size_t const after = at->bytes - before - bytes;
    void* const block = detail::offset(at, before);
    hole* rest = at->next;
    if (after != 0) rest = ::new (detail::offset(block, bytes)) hole{rest, after};
    if (before != 0) {
      at->next = rest;
      at->bytes = before;
    } else {
      *link = rest;
    }
    return block;
  }

  /// Adds the `bytes` behind the hole `at` to it, and the next hole if it begins there.
  static void join(hole* at, std::size_t bytes) noexcept {
    at->bytes += bytes;
    if (at->next != nullptr && detail::offset(at, at->bytes) == at->next) {
      at->bytes += at->next->bytes;
      at->next = at->next->next;
    }
  }

  hole* holes_ = nullptr;
  std::size_t coarsest_ = 1;  ///< the largest alignment asked for
};

}}  // namespace zmm

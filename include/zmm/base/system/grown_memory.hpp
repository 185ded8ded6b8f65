// Mappings for a system whose memory is one piece that only grows at its end: unmapped ranges are kept for the next map.
#pragma once

#include <zmm/base/bits.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Free ranges in address order. Each has its length and the next one in its first bytes, so the list takes no memory.
/// Neighbours are joined. Constant-initialised. One thread at a time.
class grown_memory {
public:
  /// Adds at least `bytes` at the end of memory. Returns: where; null if there are no more. *got: how many.
  using grower = void* (*)(std::size_t bytes, std::size_t* got) noexcept;

  /// Returns: where a grower would add.
  using end_teller = std::uintptr_t (*)() noexcept;

  constexpr grown_memory(grower grow, end_teller end) noexcept : grow_(grow), end_(end) {}

  /// Effects: takes the first range that fits, or grows. Requires: `grain` divides bytes and alignment, powers of two.
  void* map(std::size_t bytes, std::size_t alignment) noexcept {
    if (void* const found = take(bytes, alignment)) return found;
    std::uintptr_t const end = end_();
    std::size_t const wanted = bytes + (align_up(align_up(end, grain), alignment) - end);
    std::size_t got = 0;
    void* const fresh = wanted >= bytes ? grow_(wanted, &got) : nullptr;
    if (fresh == nullptr) return nullptr;
    std::size_t const before = align_up(address_of(fresh), grain) - address_of(fresh);
    if (got >= before + grain) unmap(offset(fresh, before), align_down(got - before, grain));
    return take(bytes, alignment);
  }

  void unmap(void* p, std::size_t bytes) noexcept {
    range* before = nullptr;
    range* behind = first_;
    while (behind != nullptr && address_of(behind) < address_of(p)) {
      before = behind;
      behind = behind->next;
    }
    auto* const freed = static_cast<range*>(p);
    *freed = {bytes, behind};
    (before != nullptr ? before->next : first_) = freed;
    join(freed);
    if (before != nullptr) join(before);
  }

  std::size_t free_bytes() const noexcept {
    std::size_t all = 0;
    for (range const* r = first_; r != nullptr; r = r->next) all += r->bytes;
    return all;
  }

  static constexpr std::size_t grain = 4096;

private:
  struct range {
    std::size_t bytes;
    range* next;
  };

  static void join(range* r) noexcept {
    if (r->next == nullptr || offset(r, r->bytes) != r->next) return;
    *r = {r->bytes + r->next->bytes, r->next->next};
  }

  void* take(std::size_t bytes, std::size_t alignment) noexcept {
    for (range** link = &first_; *link != nullptr; link = &(*link)->next) {
      range* const r = *link;
      std::size_t const whole = r->bytes, before = align_up(address_of(r), alignment) - address_of(r);
      if (before > whole || bytes > whole - before) continue;
      void* const block = offset(r, before);
      range* next = r->next;
      if (std::size_t const after = whole - before - bytes) next = ::new (offset(block, bytes)) range{after, r->next};
      if (before != 0) {
        *r = {before, next};
      } else {
        *link = next;
      }
      return block;
    }
    return nullptr;
  }

  grower grow_;
  end_teller end_;
  range* first_ = nullptr;
};

}}}  // namespace zmm::detail

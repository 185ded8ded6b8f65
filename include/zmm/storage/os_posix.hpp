// Storage from a POSIX operating system: anonymous private mappings.
#pragma once

#include <zmm/storage/reserve_table.hpp>
#include <zmm/storage/storage.hpp>

#include <cerrno>
#include <sys/mman.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

inline void* os_map(void* at, std::size_t bytes, int protection, int flags) noexcept {
  void* p = ::mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

/// Keeps errno as it was: storage that refuses is no error of the program.
class errno_guard {
public:
  errno_guard() noexcept : saved_(errno) {}
  ~errno_guard() { errno = saved_; }
  errno_guard(errno_guard const&) = delete;
  errno_guard& operator=(errno_guard const&) = delete;

private:
  int saved_;
};

/// With `advises_huge_pages` blocks are backed by huge pages where the kernel has them to give.
class posix_storage : public storage {
public:
  constexpr explicit posix_storage(bool advises_huge_pages = false) noexcept
      : advises_huge_pages_(advises_huge_pages) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    errno_guard const keep;
    bool const is_reserved = reserve != bytes;
    void* const block = map_aligned(reserve, alignment, is_reserved ? PROT_NONE : PROT_READ | PROT_WRITE);
    if (block == nullptr) return nullptr;
    if (advises_huge_pages_) ::madvise(block, reserve, MADV_HUGEPAGE);
    if (!is_reserved) return block;
    forks.attach_innermost(os_reserves_fork);
    if (::mprotect(block, commit_end(bytes, reserve), PROT_READ | PROT_WRITE) == 0 &&
        os_reserves.insert(block, reserve))
      return block;
    ::munmap(block, reserve);
    return nullptr;
  }

  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    os_reserves.erase(block);
    ::munmap(block, reserve > bytes ? reserve : bytes);
  }

  /// Commits a part of the reserve; there is no growing beyond it.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    errno_guard const keep;
    std::size_t const reserve = os_reserves.find(block);
    if (to > reserve) return false;
    if (::mprotect(offset(block, from), commit_end(to, reserve) - from, PROT_READ | PROT_WRITE) != 0) return false;
    if (!advises_huge_pages_ && to - from <= to / 16) prefault(offset(block, from), to - from);
    return true;
  }

  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    errno_guard const keep;
    if (std::size_t const reserve = os_reserves.find(block); reserve > from) {
      std::size_t const end = commit_end(from, reserve);
      if (::mprotect(offset(block, to), end - to, PROT_NONE) != 0) return false;
      ::madvise(offset(block, to), end - to, MADV_DONTNEED);
      return true;
    }
    os_reserves.erase(block);  // before the tail can be somebody else's
    return ::munmap(offset(block, to), from - to) == 0;
  }

  bool purge(void* p, std::size_t bytes) noexcept override {
    errno_guard const keep;
    return ::madvise(p, bytes, MADV_DONTNEED) == 0;
  }

protected:
  ~posix_storage() = default;

  /// Address space of `bytes`, aligned: mapped once, and once more with slack where the first place is not aligned.
  static void* map_aligned(std::size_t bytes, std::size_t alignment, int protection) noexcept {
    int const flags = protection == PROT_NONE ? MAP_NORESERVE : 0;
    void* block = os_map(nullptr, bytes, protection, flags);
    if (block == nullptr || is_aligned(block, alignment)) return block;
    ::munmap(block, bytes);

    std::size_t const slack = alignment - os_page_size();
    if (bytes + slack < bytes) return nullptr;
    void* const wide = os_map(nullptr, bytes + slack, protection, flags);
    if (wide == nullptr) return nullptr;
    std::size_t const before = align_up(address_of(wide), alignment) - address_of(wide);
    if (before != 0) ::munmap(wide, before);
    block = offset(wide, before);
    if (before != slack) ::munmap(offset(block, bytes), slack - before);
    return block;
  }

private:
  /// Where the writable part of a block with a reserve ends: a huge page is only given where all of it is writable. A
  /// guard page stays one.
  std::size_t commit_end(std::size_t bytes, std::size_t reserve) const noexcept {
    if (!advises_huge_pages_) return bytes;
    std::size_t const end = align_up(bytes, std::size_t{2} << 20);
    return end + os_page_size() <= reserve ? end : bytes;
  }

  /// A block that grows by a small step is about to be written there: its pages are made ready in one call, which costs
  /// half of what a fault for each does. Where the kernel (before 5.14) does not know the call, they are faulted in.
  static void prefault(void* p, std::size_t bytes) noexcept {
    constexpr int populate_write = 23;  // MADV_POPULATE_WRITE, which older headers do not have
    ::madvise(p, bytes, populate_write);
  }

  bool advises_huge_pages_;
};

}  // namespace detail
}}  // namespace zmm

// Storage from a POSIX operating system: anonymous private mappings.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/storage/storage.hpp>

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI {

/// Bytes of the operating system's page: 4 to 64 KiB, known at run time only.
inline std::size_t os_page_size() noexcept {
  static std::size_t const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

namespace detail {

/// Lets another thread run.
inline void os_yield() noexcept { ::sched_yield(); }

inline void* os_map(void* at, std::size_t bytes, int protection, int flags) noexcept {
  void* p = ::mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

class posix_storage : public storage {
public:
  constexpr posix_storage() noexcept = default;

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    void* block = map_aligned(reserve, alignment, reserve == bytes ? PROT_READ | PROT_WRITE : PROT_NONE);
    if (block != nullptr && reserve != bytes && ::mprotect(block, bytes, PROT_READ | PROT_WRITE) != 0) {
      ::munmap(block, reserve);
      return nullptr;
    }
    return block;
  }

  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    ::munmap(block, reserve > bytes ? reserve : bytes);
  }

  /// Commits a part of the reserve. Requires, beyond the contract: `to` is within the reserve; only an operating system
  /// that can tell its reserve from a stranger's mapping is able to refuse.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    return ::mprotect(offset(block, from), to - from, PROT_READ | PROT_WRITE) == 0;
  }

  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    return ::munmap(offset(block, to), from - to) == 0;
  }

  bool purge(void* p, std::size_t bytes) noexcept override { return ::madvise(p, bytes, MADV_DONTNEED) == 0; }

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
};

}  // namespace detail
}}  // namespace zmm

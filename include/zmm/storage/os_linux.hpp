// Storage from Linux: POSIX, and blocks that grow in place or move without a copy.
#pragma once

#include <zmm/storage/os_posix.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

class linux_storage final : public posix_storage {
public:
  using posix_storage::posix_storage;

  /// Within the reserve: commits. A block without one grows while the address space behind it is free.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    if (os_reserves.find(block) != 0) return posix_storage::extend(block, from, to);
    errno_guard const keep;
    return ::mremap(block, from, to, 0) == block;
  }

  void* move(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    errno_guard const keep;
    std::size_t const reserve = os_reserves.find(block);
    os_reserves.erase(block);  // before the address can be somebody else's
    if (is_aligned(block, alignment) && ::mremap(block, from, to, 0) == block) return block;
    void* const place = move_pages(block, from, to, alignment);
    if (place == nullptr && reserve != 0) os_reserves.insert(block, reserve);
    return place;
  }

private:
  static void* move_pages(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept {
    void* const place = map_aligned(to, alignment, PROT_NONE);
    if (place == nullptr) return nullptr;
    if (::mremap(block, from, to, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place) return place;
    // The kernel unmaps the target before the last of its checks: the place may be free by now, or another thread's. It
    // is unmapped only if it can first be taken anew; at worst a piece of address space is lost.
    if (os_map(place, to, PROT_NONE, MAP_NORESERVE | MAP_FIXED_NOREPLACE) == place) ::munmap(place, to);
    return nullptr;
  }
};

}}}  // namespace zmm::detail

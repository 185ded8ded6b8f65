// Storage from the system's pool of huge pages, or of ordinary pages when the pool is empty.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// Blocks of a huge page or more are mappings of whole huge pages. Ordinary pages, taken when the pool is empty, get the
/// same size, because the two cannot be told apart later. Smaller blocks are os_storage()'s.
class hugetlb_storage_type final : public storage {
public:
  static constexpr std::size_t page_bytes = std::size_t{2} << 20;

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (bytes < page_bytes) return os_storage().allocate(bytes, alignment, reserve);
    std::size_t const size = align_up(bytes, page_bytes);
    if (size < bytes || !is_power_of_two(alignment)) return nullptr;
    if (reserve - bytes > os_page_size()) return nullptr;  // no reserve; a guard page is left out
    if (alignment < page_bytes) alignment = page_bytes;
    last_error_guard const keep;
    if (void* const block = from_pool(size, alignment)) return block;
    return os_storage().allocate(size, alignment, size);
  }

  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    if (bytes < page_bytes) return os_storage().deallocate(block, bytes, reserve);
    give_back(block, align_up(bytes, page_bytes));
  }

  /// Up to the end of the block's last huge page. A small block: as os_storage() does, while it stays small.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    if (from < page_bytes) return to < page_bytes && os_storage().extend(block, from, to);
    return to <= align_up(from, page_bytes);
  }

  /// Gives back whole huge pages.
  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    if (from < page_bytes) return os_storage().truncate(block, from, to);
    if (to < page_bytes) return false;
    std::size_t const old_size = align_up(from, page_bytes), size = align_up(to, page_bytes);
    if (size == old_size) return false;
    give_back(offset(block, size), old_size - size);
    return true;
  }

  /// Ordinary pages only. The kernel refuses a range that starts inside a huge page. A range that starts at a huge page
  /// is refused here, because some kernels mishandle one that ends inside.
  bool purge(void* p, std::size_t bytes) noexcept override {
    return !is_aligned(p, page_bytes) && os_storage().purge(p, bytes);
  }

private:
  /// After finding the pool empty, does not ask the next eight times.
  void* from_pool(std::size_t size, std::size_t alignment) noexcept {
    if (!os_leftovers.has_room_for_sealed()) return nullptr;
    if (skip_.load(detail::memory_order_relaxed) > 0) {
      skip_.fetch_sub(1, detail::memory_order_relaxed);
      return nullptr;
    }
    void* block = host_kinds::map_huge(size);
    if (block != nullptr && !is_aligned(block, alignment)) {
      give_back(block, size);
      block = size + alignment > size ? map_aligned(size, alignment) : nullptr;
    }
    if (block == nullptr) skip_.store(8, detail::memory_order_relaxed);
    return block;
  }

  void* map_aligned(std::size_t size, std::size_t alignment) noexcept {
    std::size_t const slack = alignment - page_bytes;
    void* const wide = host_kinds::map_huge(size + slack);
    if (wide == nullptr) return nullptr;
    std::size_t const before = align_up(address_of(wide), alignment) - address_of(wide);
    if (before != 0) give_back(wide, before);
    if (before != slack) give_back(offset(wide, before + size), slack - before);
    return offset(wide, before);
  }

  /// Where the system refuses to unmap, ordinary pages are kept for another block. Huge pages are only kept until it
  /// unmaps them, because the pool may have none left to back them again. Which kind they are shows when the middle of
  /// the first one is purged.
  static void give_back(void* p, std::size_t bytes) noexcept {
    last_error_guard const keep;
    if (os_unmap(p, bytes)) return;
    if (os_storage().purge(offset(p, page_bytes / 2), os_page_size())) return os_storage().deallocate(p, bytes, bytes);
    host::purge(p, bytes);
    keep_sealed(p, bytes);
  }

  detail::atomic<int> skip_{0};
};

ZMM_SHARED inline hugetlb_storage_type the_hugetlb_storage;

}  // namespace detail

/// Returns: the storage that takes chunks and huge blocks from the system's pool of huge pages of 2 MiB
/// (/proc/sys/vm/nr_hugepages), and silently from os_storage() when the pool is empty. Blocks of 2 MiB and more take whole
/// huge pages; nothing inside one is purged, and blocks have no reserve and no guard page. After a fork(), the system
/// kills a child that writes to them while the pool is empty. Any thread, any time.
inline storage& hugetlb_storage() noexcept {
  if constexpr (!detail::host_kinds::has_huge_page_pool) return os_storage();
  return detail::the_hugetlb_storage;
}

}}  // namespace zmm

// A storage that checks that its users keep the contract. Every deallocate must match its allocate (pointer, bytes as
// extended and truncated since, reserve), no blocks may overlap, every size must be a multiple of the OS page, the storage
// below must align as it was asked to, and no block may be left when it is destroyed. A breach is a failed doctest check.
// It never throws, so it can be used behind noexcept functions and from threads.
#pragma once
#include <doctest/doctest.h>
#include <zmm/storage/os_storage.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace zmm_test {

inline std::size_t os_page() { return zmm::os_page_size(); }

class checking_storage final : public zmm::storage {
public:
  explicit checking_storage(zmm::storage& below = zmm::os_storage()) : below_(below) {}
  ~checking_storage() {
    if (!blocks_.empty()) FAIL_CHECK("storage blocks never returned: " << blocks_.size());
  }
  checking_storage(checking_storage const&) = delete;
  checking_storage& operator=(checking_storage const&) = delete;

  bool empty() const { return blocks_.empty(); }

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (bytes == 0 || bytes % os_page() != 0) FAIL_CHECK("allocate of " << bytes << " bytes, not whole OS pages");
    if (reserve < bytes || reserve % os_page() != 0) FAIL_CHECK("reserve " << reserve << " for " << bytes << " bytes");
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) FAIL_CHECK("allocate aligned to " << alignment);
    void* p = below_.allocate(bytes, alignment, reserve);
    if (p != nullptr) add(p, bytes, reserve, alignment);
    return p;
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    auto const found = blocks_.find(address(p));
    if (found == blocks_.end()) {
      FAIL_CHECK("deallocate of " << p << ", which is not held");
      return;
    }
    if (found->second.bytes != bytes || found->second.reserve != reserve)
      FAIL_CHECK("deallocate(" << bytes << ", " << reserve << ") of a block of " << found->second.bytes << ", "
                               << found->second.reserve);
    blocks_.erase(found);
    below_.deallocate(p, bytes, reserve);
  }
  bool extend(void* p, std::size_t from, std::size_t to) noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    block* const held = find(p, from, "extend");
    if (held == nullptr) return false;
    if (to <= from || to % os_page() != 0) FAIL_CHECK("extend from " << from << " to " << to);
    if (!below_.extend(p, from, to)) return false;
    held->bytes = to;
    if (held->reserve < to) held->reserve = to;
    no_overlap(address(p));
    return true;
  }
  bool truncate(void* p, std::size_t from, std::size_t to) noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    block* const held = find(p, from, "truncate");
    if (held == nullptr) return false;
    if (to == 0 || to >= from || to % os_page() != 0) FAIL_CHECK("truncate from " << from << " to " << to);
    if (!below_.truncate(p, from, to)) return false;
    held->bytes = to;
    if (held->reserve == from) held->reserve = to;
    return true;
  }
  bool purge(void* p, std::size_t bytes) noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    auto after = blocks_.upper_bound(address(p));
    bool const inside = after != blocks_.begin() && (--after, address(p) + bytes <= after->first + after->second.bytes);
    if (!inside) FAIL_CHECK("purge of memory that is not held");
    if (bytes == 0 || bytes % os_page() != 0 || address(p) % os_page() != 0) FAIL_CHECK("purge of " << bytes << " bytes at " << p);
    return inside && below_.purge(p, bytes);
  }
  void* move(void* p, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    block* const held = find(p, from, "move");
    if (held == nullptr) return nullptr;
    if (held->reserve != held->bytes) FAIL_CHECK("move of a block with address space ahead");
    if (to == 0 || to % os_page() != 0) FAIL_CHECK("move to " << to << " bytes");
    void* q = below_.move(p, from, to, alignment);
    if (q == nullptr) return nullptr;
    blocks_.erase(address(p));
    add(q, to, to, alignment);
    return q;
  }

private:
  struct block { std::size_t bytes, reserve; };

  static std::uintptr_t address(void const* p) { return reinterpret_cast<std::uintptr_t>(p); }

  void add(void* p, std::size_t bytes, std::size_t reserve, std::size_t alignment) {
    if (address(p) % alignment != 0) FAIL_CHECK("storage returned " << p << ", asked for alignment " << alignment);
    blocks_[address(p)] = block{bytes, reserve};
    no_overlap(address(p));
  }
  block* find(void* p, std::size_t from, char const* what) {
    auto const found = blocks_.find(address(p));
    if (found == blocks_.end() || found->second.bytes != from) {
      FAIL_CHECK(what << " of a block that is not held with " << from << " bytes");
      return nullptr;
    }
    return &found->second;
  }
  // Only the operating system's storage has reserves; others ignore them.
  std::size_t extent_of(block const& b) const { return &below_ == &zmm::os_storage() ? b.reserve : b.bytes; }
  void no_overlap(std::uintptr_t at) {
    auto const here = blocks_.find(at);
    auto const next = std::next(here);
    if (next != blocks_.end() && here->first + extent_of(here->second) > next->first) FAIL_CHECK("storage blocks overlap");
    if (here == blocks_.begin()) return;
    auto const before = std::prev(here);
    if (before->first + extent_of(before->second) > here->first) FAIL_CHECK("storage blocks overlap");
  }

  zmm::storage& below_;
  std::mutex mutex_;
  std::map<std::uintptr_t, block> blocks_;
};

}  // namespace zmm_test

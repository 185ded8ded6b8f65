// A storage with much address space and hardly any memory: one reserved mapping, cut into slices of a chunk's size. With
// it, heaps of 100,000 huge blocks are cheap to build, and the operating system's time is not measured.
#pragma once

#include <sys/mman.h>

#include <zmm/zmm.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace bench {

class address_storage final : public zmm::storage {
public:
  static constexpr std::size_t slice = std::size_t{2} << 20;

  explicit address_storage(std::size_t slices) : bytes_{(slices + 1) * slice} {
    base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc{};
    auto const first = (reinterpret_cast<std::uintptr_t>(base_) + slice - 1) & ~(slice - 1);
    next_ = reinterpret_cast<unsigned char*>(first);
    end_ = static_cast<unsigned char*>(base_) + bytes_;
    free_.reserve(slices);
  }
  address_storage(address_storage const&) = delete;
  address_storage& operator=(address_storage const&) = delete;
  ~address_storage() { munmap(base_, bytes_); }

  // Blocks of one slice are reused; larger ones (a heap's own tables) are few, and are never reused.
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    auto const wanted = ((bytes < reserve ? reserve : bytes) + slice - 1) & ~(slice - 1);
    if (alignment > slice) return nullptr;
    if (wanted == slice && !free_.empty()) {
      void* const p = free_.back();
      free_.pop_back();
      return p;
    }
    if (static_cast<std::size_t>(end_ - next_) < wanted) return nullptr;
    void* const p = next_;
    next_ += wanted;
    return p;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    if ((bytes < reserve ? reserve : bytes) <= slice) free_.push_back(block);
  }

private:
  std::size_t bytes_;
  void* base_;
  unsigned char* next_;
  unsigned char* end_;
  std::vector<void*> free_;  // its capacity holds every slice, so that push_back never allocates
};

}  // namespace bench

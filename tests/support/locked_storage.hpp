// A storage that lets one thread at a time through to the storage below: for heaps of many threads over storages that
// count or refuse and are not thread-safe.
#pragma once
#include <zmm/storage/os_storage.hpp>
#include <cstddef>
#include <mutex>

namespace zmm_test {

class locked_storage final : public zmm::storage {
public:
  explicit locked_storage(zmm::storage& below) : below_(below) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    std::lock_guard<std::mutex> const lock(mutex_);
    return below_.allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    below_.deallocate(p, bytes, reserve);
  }
  bool extend(void* p, std::size_t from, std::size_t to) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    return below_.extend(p, from, to);
  }
  bool truncate(void* p, std::size_t from, std::size_t to) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    return below_.truncate(p, from, to);
  }
  bool purge(void* p, std::size_t bytes) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    return below_.purge(p, bytes);
  }
  void* move(void* p, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    return below_.move(p, from, to, alignment);
  }

private:
  zmm::storage& below_;
  std::mutex mutex_;
};

}  // namespace zmm_test

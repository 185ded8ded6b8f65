// A storage that passes all calls on and counts them by kind, and the bytes held now and at most.
#pragma once
#include <zmm/storage/os_storage.hpp>
#include <atomic>
#include <cstddef>

namespace zmm_test {

class counting_storage final : public zmm::storage {
public:
  explicit counting_storage(zmm::storage& below = zmm::os_storage()) : below_(below) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    ++allocations;
    void* p = below_.allocate(bytes, alignment, reserve);
    if (p != nullptr) took(bytes);
    return p;
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    ++deallocations;
    gave(bytes);
    below_.deallocate(p, bytes, reserve);
  }
  bool extend(void* p, std::size_t from, std::size_t to) noexcept override {
    ++extensions;
    bool const done = below_.extend(p, from, to);
    if (done) took(to - from);
    return done;
  }
  bool truncate(void* p, std::size_t from, std::size_t to) noexcept override {
    ++truncations;
    bool const done = below_.truncate(p, from, to);
    if (done) gave(from - to);
    return done;
  }
  bool purge(void* p, std::size_t bytes) noexcept override {
    ++purges;
    bool const done = below_.purge(p, bytes);
    if (done) purged += bytes;
    return done;
  }
  void* move(void* p, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    ++moves;
    void* q = below_.move(p, from, to, alignment);
    if (q != nullptr) to > from ? took(to - from) : gave(from - to);
    return q;
  }

  std::size_t live() const { return live_; }
  std::size_t peak() const { return peak_; }
  // Calls that can take memory: a warm heap must not make any.
  std::size_t takings() const { return allocations + extensions + moves; }

  std::atomic<std::size_t> allocations{0}, deallocations{0}, extensions{0}, truncations{0}, purges{0}, purged{0}, moves{0};

private:
  void took(std::size_t bytes) {
    std::size_t const now = live_ += bytes;
    std::size_t seen = peak_;
    while (seen < now && !peak_.compare_exchange_weak(seen, now)) {}
  }
  void gave(std::size_t bytes) { live_ -= bytes; }

  zmm::storage& below_;
  std::atomic<std::size_t> live_{0}, peak_{0};
};

}  // namespace zmm_test

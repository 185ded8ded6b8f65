// A storage that refuses: the n-th call of any kind (allocate, extend, truncate, purge, move), every call from the n-th
// on, or one call in n at random. deallocate cannot refuse and is not counted.
#pragma once
#include "random.hpp"
#include <zmm/storage/os_storage.hpp>
#include <cstddef>
#include <limits>

namespace zmm_test {

class failing_storage final : public zmm::storage {
public:
  explicit failing_storage(zmm::storage& below = zmm::os_storage()) : below_(below) {}

  void fail_call(std::size_t n) { arm(n, n); }
  void fail_from_call(std::size_t n) { arm(n, never); }
  void fail_one_in(std::size_t n, std::uint64_t seed) {
    disarm();
    one_in_ = n;
    random_ = random_source(seed);
  }
  void disarm() {
    arm(never, never);
    one_in_ = 0;
  }

  std::size_t calls() const { return calls_; }
  std::size_t failures() const { return failures_; }

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    return refuses() ? nullptr : below_.allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    below_.deallocate(p, bytes, reserve);
  }
  bool extend(void* p, std::size_t from, std::size_t to) noexcept override {
    return !refuses() && below_.extend(p, from, to);
  }
  bool truncate(void* p, std::size_t from, std::size_t to) noexcept override {
    return !refuses() && below_.truncate(p, from, to);
  }
  bool purge(void* p, std::size_t bytes) noexcept override { return !refuses() && below_.purge(p, bytes); }
  void* move(void* p, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    return refuses() ? nullptr : below_.move(p, from, to, alignment);
  }

private:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  void arm(std::size_t first, std::size_t last) {
    calls_ = 0;
    failures_ = 0;
    first_ = first;
    last_ = last;
  }
  bool refuses() {
    ++calls_;
    bool const refused = (calls_ >= first_ && calls_ <= last_) || (one_in_ != 0 && random_.one_in(one_in_));
    if (refused) ++failures_;
    return refused;
  }

  zmm::storage& below_;
  std::size_t calls_ = 0, failures_ = 0, first_ = never, last_ = never, one_in_ = 0;
  random_source random_{0};
};

}  // namespace zmm_test

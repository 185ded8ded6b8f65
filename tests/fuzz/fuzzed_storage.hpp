// A storage that refuses what the input of a fuzzer says, and holds its user to giving back what was taken.
#pragma once
#include <zmm/storage/os_storage.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace fuzz {

[[noreturn]] inline void wrong(char const* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}
inline void expect(bool holds, char const* what) {
  if (!holds) wrong(what);
}

class fuzzed_storage final : public zmm::storage {
public:
  /// Refuses one call of this many, always the same ones; 0: none.
  explicit fuzzed_storage(unsigned one_in) : one_in_(one_in) {}
  ~fuzzed_storage() { expect(live_ == 0, "storage was given back"); }
  fuzzed_storage(fuzzed_storage const&) = delete;
  fuzzed_storage& operator=(fuzzed_storage const&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (refuses()) return nullptr;
    void* const p = zmm::os_storage().allocate(bytes, alignment, reserve);
    if (p != nullptr) live_ += bytes;
    return p;
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    live_ -= bytes;
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  bool extend(void* p, std::size_t from, std::size_t to) noexcept override {
    if (refuses() || !zmm::os_storage().extend(p, from, to)) return false;
    live_ += to - from;
    return true;
  }
  bool truncate(void* p, std::size_t from, std::size_t to) noexcept override {
    if (refuses() || !zmm::os_storage().truncate(p, from, to)) return false;
    live_ -= from - to;
    return true;
  }
  bool purge(void* p, std::size_t bytes) noexcept override { return !refuses() && zmm::os_storage().purge(p, bytes); }
  void* move(void* p, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    if (refuses()) return nullptr;
    void* const q = zmm::os_storage().move(p, from, to, alignment);
    if (q != nullptr) live_ += to - from;
    return q;
  }

  std::size_t live() const noexcept { return live_; }

private:
  bool refuses() noexcept {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return one_in_ != 0 && (state_ >> 33) % one_in_ == 0;
  }

  unsigned one_in_;
  std::uint64_t state_ = 1;
  std::size_t live_ = 0;
};

}  // namespace fuzz

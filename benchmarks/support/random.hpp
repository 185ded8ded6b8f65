// The only source of randomness: splitmix64, so that every run and every subject has the same traces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace bench {

class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [first, last]; the bias of the modulus is below 2^-40 for the ranges used here.
  std::size_t between(std::size_t first, std::size_t last) noexcept {
    return first + static_cast<std::size_t>(next() % (last - first + 1));
  }

private:
  std::uint64_t state_;
};

template <class T> void shuffle(std::vector<T>& items, random_source& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.between(0, i - 1)]);
}

}  // namespace bench

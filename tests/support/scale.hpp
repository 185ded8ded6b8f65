// How much work the random tests do.
//
// ZMM_TEST_SCALE=<number> multiplies the operations of every random test. The default is 1: about a million operations
// in the whole suite, which take seconds. 10 is thorough (more than 10^7 operations), 0.1 suits valgrind.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace zmm_test {

inline double scale() {
  static double const value = [] {
    char const* text = std::getenv("ZMM_TEST_SCALE");
    double const wanted = text != nullptr ? std::strtod(text, nullptr) : 1.0;
    return wanted > 0 ? wanted : 1.0;
  }();
  return value;
}

// Returns `base` × scale, at least 1.
inline std::size_t scaled(std::size_t base) {
  double const wanted = static_cast<double>(base) * scale();
  return wanted < 1 ? 1 : static_cast<std::size_t>(wanted);
}

// Random walks come in four kinds, by their seed: with limits or without, over storage that refuses or not. Below scale 1 each kind has
// fewer steps, but none is left out.
inline std::size_t walk_seeds() { return std::max(std::size_t{4}, scaled(4)); }
inline std::size_t walk_steps(std::size_t base) { return std::min(base, scaled(base)); }

}  // namespace zmm_test

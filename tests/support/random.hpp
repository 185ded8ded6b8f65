// A small deterministic generator, and sizes and alignments that find faults in allocators.
#pragma once
#include <cstddef>
#include <cstdint>

namespace zmm_test {

constexpr std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class random_source {
public:
  explicit random_source(std::uint64_t seed) : state_(mix(seed)) {}

  std::uint64_t next() { return mix(state_++); }
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }
  std::size_t between(std::size_t first, std::size_t last) { return first + below(last - first + 1); }
  bool one_in(std::size_t n) { return below(n) == 0; }

private:
  std::uint64_t state_;
};

// The 30 bins of the Zend memory manager, written again here, so that they do not depend on the library's own table.
constexpr std::size_t bin_sizes[30] = {8,   16,  24,  32,  40,  48,  56,  64,   80,   96,   112,  128,  160,  192,  224,
                                       256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072};
constexpr std::size_t largest_bin = 3072;

// Those that engines over runs have besides: eighths of a doubling from 1 KiB on, but for 3840 and 7680, and 1088 and 4352.
constexpr std::size_t more_bin_sizes[34] = {1088,  1152,  1408,  1664,  1920,  2304,  2816,  3328,  3584,  4096,  4352,  4608,
                                            5120,  5632,  6144,  6656,  7168,  8192,  9216,  10240, 11264, 12288, 13312, 14336,
                                            15360, 16384, 18432, 20480, 22528, 24576, 26624, 28672, 30720, 32768};
constexpr std::size_t largest_run_bin = 32768;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

// The slot for a small block, found by walking the list: a naive form of the library's table.
constexpr std::size_t slot_of(std::size_t bytes, std::size_t alignment = 1) {
  std::size_t const rounded = round_up(bytes == 0 ? 1 : bytes, alignment);
  for (std::size_t slot : bin_sizes)
    if (rounded <= slot && slot % alignment == 0) return slot;
  return 0;  // paged
}

// The same in engines over runs.
constexpr std::size_t run_slot_of(std::size_t bytes, std::size_t alignment = 1) {
  std::size_t const slot = slot_of(bytes, alignment), rounded = round_up(bytes == 0 ? 1 : bytes, alignment);
  for (std::size_t more : more_bin_sizes)
    if (rounded <= more && more % alignment == 0) return slot != 0 && slot < more ? slot : more;
  return slot;  // 0: paged
}

// Sizes of every kind: none, small, edges of bins, pages and their edges, the last run size, huge.
inline std::size_t random_size(random_source& random, std::size_t chunk, std::size_t page) {
  std::size_t const last_run = chunk - page;
  std::size_t const kind = random.below(1000);
  if (kind < 15) return 0;
  if (kind < 500) return random.between(1, 256);
  if (kind < 650) return random.between(1, largest_bin + 200);
  if (kind < 800) return bin_sizes[random.below(30)] + random.below(3) - 1;
  if (kind < 840) return more_bin_sizes[random.below(34)] + random.below(3) - 1;
  if (kind < 870) return random.between(largest_bin, 40 * 1024);
  if (kind < 930) return random.between(1, 12) * page + random.below(3) - 1;
  if (kind < 965) return random.between(largest_bin, last_run / 8);
  if (kind < 985) return random.between(largest_bin, last_run);
  if (kind < 993) return last_run + random.below(5) - 2;
  return random.between(last_run, 3 * chunk);
}

// Alignments from 1 to 4 MiB; the usual ones most of the time.
inline std::size_t random_alignment(random_source& random) {
  std::size_t const kind = random.below(1000);
  if (kind < 600) return std::size_t{1} << random.below(5);
  if (kind < 900) return std::size_t{1} << random.below(8);
  if (kind < 993) return std::size_t{1} << random.below(14);
  return std::size_t{1} << random.below(23);
}

}  // namespace zmm_test

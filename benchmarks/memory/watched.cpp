// What does a watch over blocks cost: a debug heap, and a heap that forwards to malloc, compared with the default heap? Resident
// bytes for each of 1,000,000 live blocks of 48 bytes, and the time to free a random one of them and allocate another.
//
// memory/watched [heap|debug|passthrough] [blocks]: prints one JSON object. Each subject runs in its own process.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <zmm/zmm.hpp>

#include "../support/process.hpp"
#include "../support/sizes.hpp"

namespace {

constexpr std::size_t block_bytes = 48;
constexpr std::size_t pairs = 2'000'000;

template <class Resource> int measure(char const* name, std::size_t blocks) {
  Resource own;
  std::pmr::memory_resource& resource = own;
  bench::random_source random{1};
  std::vector<void*> live(blocks);
  std::vector<std::uint32_t> order(pairs);
  for (auto& i : order) i = static_cast<std::uint32_t>(random.between(0, blocks - 1));
  auto const before = bench::resident_bytes();
  for (void*& p : live) p = std::memset(resource.allocate(block_bytes, 8), 1, block_bytes);
  auto const full = bench::resident_bytes();
  auto const begin = std::chrono::steady_clock::now();
  for (std::uint32_t const i : order) {
    resource.deallocate(live[i], block_bytes, 8);
    live[i] = resource.allocate(block_bytes, 8);
  }
  std::chrono::duration<double, std::nano> const spent = std::chrono::steady_clock::now() - begin;
  for (void* p : live) resource.deallocate(p, block_bytes, 8);
  std::printf("{\"subject\": \"%s\", \"blocks\": %zu, \"resident_per_block\": %.1f, \"pair_ns\": %.1f}\n", name, blocks,
              static_cast<double>(full - before) / static_cast<double>(blocks), spent.count() / pairs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string const subject = argc > 1 ? argv[1] : "debug";
  std::size_t const blocks = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1'000'000;
  if (subject == "heap") return measure<zmm::heap_resource>("zmm_heap", blocks);
  if (subject == "debug") return measure<zmm::debug_heap_resource>("zmm_debug_heap", blocks);
  if (subject == "passthrough") {
    zmm::passthrough(true);
    return measure<zmm::heap_resource>("zmm_passthrough", blocks);
  }
  std::fprintf(stderr, "watched: no subject called %s (heap debug passthrough)\n", subject.c_str());
  return 2;
}

// With 100,000 live requests that use 1 KiB each: how much resident memory does one take, and how many mappings does the
// process hold?
//
// memory/requests_alive [zmm|mimalloc|monotonic] [requests]: prints one JSON object. Each subject runs in its own process.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../subjects/mimalloc.hpp"
#include "../subjects/zmm.hpp"
#include "../support/process.hpp"

namespace {

constexpr std::size_t used_bytes = 1024;
constexpr std::size_t block_bytes = 64;

template <class Request> int measure(char const* name, std::size_t requests) {
  std::vector<std::unique_ptr<Request>> alive;
  alive.reserve(requests);
  auto const before = bench::resident_bytes();
  for (std::size_t i = 0; i < requests; ++i) {
    alive.push_back(std::make_unique<Request>());
    for (std::size_t used = 0; used < used_bytes; used += block_bytes) {
      void* const p = alive.back()->allocate(block_bytes, 8);
      std::memset(p, 1, block_bytes);
    }
  }
  auto const full = bench::resident_bytes();
  auto const mappings = bench::mapping_count();
  auto const huge = bench::huge_page_bytes();
  while (!alive.empty()) alive.pop_back();  // newest first: mimalloc searches its list of heaps from there
  auto const after = bench::resident_bytes();
  std::printf("{\"subject\": \"%s\", \"requests\": %zu, \"resident_per_request\": %.0f, \"mappings\": %zu, "
              "\"huge_page_bytes\": %zu, "
              "\"resident_after_end\": %zu}\n",
              name, requests, static_cast<double>(full - before) / static_cast<double>(requests), mappings, huge,
              after - before);
  return 0;
}

struct monotonic {
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return resource.allocate(n, a); }
  std::pmr::monotonic_buffer_resource resource{used_bytes};
};

}  // namespace

int main(int argc, char** argv) {
  std::string const subject = argc > 1 ? argv[1] : "zmm";
  std::size_t const requests = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100'000;
  if (subject == "zmm") return measure<bench::zmm_request_pmr>("zmm_request", requests);
  if (subject == "monotonic") return measure<monotonic>("std_monotonic_1k", requests);
  if (subject == "mimalloc" && bench::mimalloc_heap::available())
    return measure<bench::mimalloc_heap>("mimalloc", requests);
  std::fprintf(stderr, "requests_alive: no subject called %s on this machine (zmm mimalloc monotonic)\n",
               subject.c_str());
  return 1;
}

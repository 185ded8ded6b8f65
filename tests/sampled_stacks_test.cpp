// Sampled heaps: where their stacks begin, whether or not the compiler makes calls into jumps.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include "support/folded_profile.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {
using zmm_test::folded::profile;

struct often : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t sample_every = 4096;
};

/// Where a call of here() returned to last; the second frame of a stack that begins in here().
void* returned_to = nullptr;
template <class Heap> __attribute__((noinline)) void* here(Heap& heap, std::size_t bytes, std::size_t alignment) {
  returned_to = __builtin_return_address(0);
  void* const p = heap.allocate(bytes, alignment);
  __asm__ volatile("" : : "r"(p) : "memory");  // so that it is a call, and no jump
  return p;
}
/// The frames of a profile's line, the outermost first, each as its offset in the program.
std::vector<std::uintptr_t> offsets(std::string const& line) {
  std::vector<std::uintptr_t> found;
  for (std::size_t at = line.find("+0x"); at != std::string::npos; at = line.find("+0x", at + 1))
    found.push_back(std::stoull(line.substr(at + 3), nullptr, 16));
  return found;
}
/// The lines of a profile of 100 blocks.
template <class Heap> std::vector<std::string> lines_of(Heap& heap, std::size_t alignment) {
  for (int i = 0; i < 100; ++i) static_cast<void>(here(heap, 300, alignment));
  std::string const text = profile(heap);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}
/// Whether the innermost frame is here()'s: the next one is where that returned to.
bool begins_here(std::string const& line) {
  Dl_info program{};
  REQUIRE(dladdr(&returned_to, &program) != 0);
  auto const frames = offsets(line);
  REQUIRE(frames.size() > 2);
  std::uintptr_t const second = frames[frames.size() - 2] + reinterpret_cast<std::uintptr_t>(program.dli_fbase);
  return reinterpret_cast<std::uintptr_t>(returned_to) - second <= 1;  // the call, or what is behind it
}

TEST_CASE_TEMPLATE("sampled: a stack begins in the function that asked for the block", Heap, zmm::basic_heap<often>,
                   zmm::basic_request_heap<often>, zmm::basic_synchronized_heap<often>) {
  if (zmm::detail::under_sanitizer) return;
  for (std::size_t const alignment : {8u, 64u}) {
    Heap heap;
    auto const lines = lines_of(heap, alignment);
    CHECK_FALSE(lines.empty());
    for (std::string const& line : lines) CHECK(begins_here(line));
  }
}
TEST_CASE("sampled: so does one of the process's heap, whose sampling was switched on") {
  if (zmm::detail::under_sanitizer) return;
  zmm::set_sampling(1024);
  zmm::thread_heap heap;
  auto const lines = lines_of(heap, 8);
  zmm::set_sampling(0);
  CHECK(std::any_of(lines.begin(), lines.end(), begins_here));  // other tests' blocks may be sampled as well
}
}  // namespace

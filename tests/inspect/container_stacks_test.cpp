// Containers say no place: heaps that sample every block know the stack of each of their blocks.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include "../support/sanitizers.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

namespace {

struct every_block : zmm::sampled_options {
  [[maybe_unused]] static constexpr std::size_t sample_every = 1;
};
constexpr bool has_stacks = !zmm::detail::under_sanitizer && ZMM_HAS_UNWINDER != 0;

template <class X> std::vector<std::string> lines(X const& x) {
  std::string text;
  CHECK(zmm::write_profile(x, zmm::profile_format::folded, [&](char const* bytes, std::size_t count) {
    text.append(bytes, count);
    return true;
  }));
  std::vector<std::string> found;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    found.push_back(text.substr(at, end - at));
  }
  return found;
}
std::size_t bytes_of(std::string const& line) { return std::stoul(line.substr(line.rfind(' '))); }
std::size_t depth_of(std::string const& line) {
  std::size_t frames = 1;
  for (char c : line) frames += c == ';';
  return frames;
}
bool has_bytes(std::vector<std::string> const& all, std::size_t bytes) {
  for (std::string const& line : all) {
    if (bytes_of(line) == bytes && depth_of(line) > 3) return true;
  }
  return false;
}

template <class Map> [[gnu::noinline]] void fill(Map& m) {
  for (int i = 0; i < 10; ++i) m[i] = i;
}
template <class List> [[gnu::noinline]] void extend(List& l) {
  for (int i = 0; i < 7; ++i) l.push_back(i);
}

}  // namespace

TEST_CASE("container stacks: pmr containers, in a heap that samples every block") {
  if (!has_stacks) return;
  zmm::resource<zmm::basic_heap<every_block>> resource;
  std::pmr::vector<int> numbers{&resource};
  numbers.resize(1000);
  std::pmr::map<int, int> squares{&resource};
  fill(squares);
  auto const found = lines(resource);
  REQUIRE(found.size() == 2);
  CHECK(has_bytes(found, 1000 * sizeof(int)));
  CHECK(bytes_of(found[0]) + bytes_of(found[1]) >= 1000 * sizeof(int) + 10 * (2 * sizeof(int) + 3 * sizeof(void*)));
  numbers = std::pmr::vector<int>{&resource};
  numbers.shrink_to_fit();
  squares.clear();
  CHECK(lines(resource).empty());
}

TEST_CASE("container stacks: containers with an allocator, and their label") {
  if (!has_stacks) return;
  using heap_type = zmm::basic_heap<every_block>;
  heap_type heap;
  zmm::label const scope{"parse order"};
  std::list<int, zmm::allocator<int, heap_type>> numbers{heap};
  extend(numbers);
  auto const found = lines(heap);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("parse order") != std::string::npos);
  CHECK(depth_of(found[0]) > 3);
  CHECK(bytes_of(found[0]) >= 7 * (sizeof(int) + 2 * sizeof(void*)));
}

TEST_CASE("container stacks: of a request, in its pool's profile, too") {
  if (!has_stacks) return;
  zmm::request_pool pool;
  {
    zmm::resource<zmm::basic_request_heap<every_block>> request{pool};
    std::pmr::vector<int> numbers{&request};
    numbers.resize(500);
    CHECK(has_bytes(lines(request), 500 * sizeof(int)));
    CHECK(has_bytes(lines(pool), 500 * sizeof(int)));
  }
  CHECK(lines(pool).empty());
}

TEST_CASE("container stacks: debug heaps know the label of a container's block, and no place") {
  if (zmm::detail::under_sanitizer) return;
  zmm::debug_heap_resource resource;
  zmm::label const scope{"parse order"};
  std::pmr::vector<int> numbers{&resource};
  numbers.resize(1000);
  auto const found = lines(resource);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "parse order;(place not known) " + std::to_string(1000 * sizeof(int)));
}

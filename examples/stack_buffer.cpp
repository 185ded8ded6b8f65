// A request on a stack buffer: a small request takes nothing from the pool, a large one takes the rest from there.
#include <zmm/request_resource.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {
/// Splits `text` at blanks. Returns: the bytes this took from the pool.
std::size_t split(std::string_view text, std::size_t& words) {
  alignas(std::max_align_t) char buffer[8 * 1024];  // declared first: it outlives the request
  zmm::request_resource request{buffer, sizeof buffer};
  std::pmr::vector<std::pmr::string> found{&request};
  while (!text.empty()) {
    std::size_t const end = text.find(' ');
    found.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  words = found.size();
  return request.real_peak();
}
}  // namespace

int main() {
  std::size_t words = 0;
  std::size_t const small = split("thirteen words or so fit into eight kibibytes of stack with room left", words);
  std::printf("%zu words: %zu bytes from the pool\n", words, small);

  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word ";
  std::size_t const large = split(text, words);
  std::printf("%zu words: %s\n", words, large != 0 ? "the pool helps" : "nothing from the pool");

  auto const pool = zmm::default_request_pool().stats();
  std::printf("in flight at the end: %zu\n", pool.in_flight);
}

// prints: 13 words: 0 bytes from the pool
// prints: 5000 words: the pool helps
// prints: in flight at the end: 0

// Containers that default-construct their allocators, as map[key] does: they use the thread's current heap.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <map>
#include <string>

namespace {
template <class T> using on_heap = zmm::allocator<T, zmm::heap>;
using text = std::basic_string<char, std::char_traits<char>, on_heap<char>>;
using table = std::map<int, text, std::less<>, on_heap<std::pair<int const, text>>>;
}  // namespace

int main() {
  zmm::heap heap;
  {
    zmm::use_heap_of scope{heap};
    table names;  // no allocator anywhere
    for (int i = 0; i < 100; ++i) names[i] = "a name that is too long for the string itself";
    std::printf("%zu blocks in the heap\n", heap.stats().live_blocks);
  }
  std::printf("%zu blocks after it\n", heap.stats().live_blocks);

  try {
    table names;
    names[1];
  } catch (zmm::no_current_heap const&) { std::printf("no heap is current any more\n"); }
}

// prints: 200 blocks in the heap
// prints: 0 blocks after it
// prints: no heap is current any more

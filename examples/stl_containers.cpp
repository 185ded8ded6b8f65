// STL containers on zmm::allocator: memory from your own heap, inlined into the container, without a virtual call.
#include <zmm/allocator.hpp>

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {
template <class T> using in_heap = zmm::allocator<T, zmm::heap>;
using text = std::basic_string<char, std::char_traits<char>, in_heap<char>>;
using numbers = std::vector<int, in_heap<int>>;
using groups_by_name = std::map<text, numbers, std::less<>, in_heap<std::pair<text const, numbers>>>;

text name_of(int group, zmm::heap& heap) {
  text name{"a group whose name is too long to lie in the string itself: ", heap};
  return name += static_cast<char>('a' + group);
}
}  // namespace

int main() {
  zmm::heap heap;  // outlives the containers that use it; takes no memory before they do
  {
    groups_by_name groups{heap};
    for (int i = 0; i < 1000; ++i) {
      auto const group = groups.try_emplace(name_of(i % 25, heap), heap).first;
      group->second.push_back(i);
    }
    // A node, its name and its numbers for each group.
    std::printf("%zu groups in %zu blocks\n", groups.size(), heap.stats().live_blocks);

    groups_by_name moved{std::move(groups)};  // O(1): the allocator moves, too
    groups_by_name copied{moved};             // the copy's allocator refers to the same heap
    std::printf("%zu blocks with the copy\n", heap.stats().live_blocks);
  }
  heap.verify();
  std::printf("%zu bytes live at the end\n", heap.stats().size);
}

// prints: 25 groups in 75 blocks
// prints: 150 blocks with the copy
// prints: 0 bytes live at the end

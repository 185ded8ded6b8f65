// expect: zmm: quarantine builds on watch_blocks
#include <zmm/zmm.hpp>

struct delayed : zmm::default_options {
  static constexpr std::size_t quarantine = 1 << 20;
};

void* use() {
  static zmm::basic_heap<delayed> heap;
  return heap.allocate(8);
}

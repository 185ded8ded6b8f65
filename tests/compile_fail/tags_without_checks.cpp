// expect: zmm: tag_blocks and guard_pages build on check_frees
#include <zmm/zmm.hpp>

struct tagged : zmm::default_options {
  static constexpr std::size_t min_slot = 16;
  static constexpr bool encode_links = true;
  static constexpr bool tag_blocks = true;
};

void* use() {
  static zmm::basic_heap<tagged> heap;
  return heap.allocate(8);
}

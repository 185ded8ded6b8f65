// expect: the smallest slot is 8 bytes, or 16
#include <zmm/zmm.hpp>

struct odd : zmm::default_options {
  static constexpr std::size_t min_slot = 12;
};

void* use() {
  static zmm::basic_heap<odd> heap;
  return heap.allocate(8);
}

// expect: zmm: encode_links is not built yet
#include <zmm/zmm.hpp>

struct hardened : zmm::default_options {
  static constexpr bool encode_links = true;
};

void* use() {
  static zmm::basic_heap<hardened> heap;
  return heap.allocate(8);
}

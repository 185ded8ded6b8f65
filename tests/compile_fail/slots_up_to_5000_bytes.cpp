// expect: largest_slot is 3072, or the bytes of a larger bin
#include <zmm/heap_resource.hpp>

struct odd : zmm::default_options {
  static constexpr std::size_t largest_slot = 5000;
};
zmm::basic_heap<odd> heap;

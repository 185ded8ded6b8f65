// expect: name a heap, as in zmm::allocator<T, zmm::heap>{h}
#include <zmm/zmm.hpp>

zmm::allocator<int> nobody{};

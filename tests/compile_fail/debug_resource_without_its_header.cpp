// expect: zmm: for a debug heap, include <zmm/debug.hpp>
#include <zmm/resource.hpp>

zmm::debug_heap_resource heap;

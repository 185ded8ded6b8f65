// request_heap and its pool, without <memory_resource>. For allocator<T, request_heap>, together with allocator.hpp.
#pragma once

#include <zmm/request/request_heap.hpp>

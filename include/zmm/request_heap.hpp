// request_heap and its pool, without <memory_resource>: with allocator.hpp, for allocator<T, request_heap>.
#pragma once

#include <zmm/request/request_heap.hpp>

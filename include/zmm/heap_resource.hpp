// heap_resource: heaps behind std::pmr::memory_resource, faces/pmr_resource.hpp.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/heap/heap.hpp>

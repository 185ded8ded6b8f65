// heap_resource: heaps behind std::pmr::memory_resource. faces/pmr_resource.hpp describes it.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/heap/heap.hpp>

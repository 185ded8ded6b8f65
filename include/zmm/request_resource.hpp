// request_resource: requests behind std::pmr::memory_resource, and their pool. faces/pmr_resource.hpp describes it.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/request/request_heap.hpp>

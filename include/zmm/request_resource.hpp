// request_resource: requests behind std::pmr::memory_resource, faces/pmr_resource.hpp; and their pool.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/request/request_heap.hpp>

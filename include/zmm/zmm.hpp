// zmm: the Zend memory manager for C++. Includes all public headers but boost.hpp, gdb.hpp, profile.hpp and replace_*.hpp.
//
// Engines are plain classes. `heap` is the general one: 2 MiB chunks from a storage, cut into 4 KiB pages, cut into
// slots of 30 sizes. `request_heap` is an arena that reuses what is freed: blocks are packed into slabs of a `request_pool`
// and freed together when the request ends. Both serve any alignment, have a limit, and have figures of what they hold.
//
// Faces put an engine behind a convention:
//
//     zmm::heap_resource r;                                     // std::pmr, owns its heap
//     std::pmr::vector<int> v{&r};
//
//     zmm::heap h;                                              // typed, no virtual call
//     std::vector<int, zmm::allocator<int, zmm::heap>> w{h};
//
//     {
//       zmm::request_resource request;                          // one for each request
//       auto* words = request.create<std::pmr::vector<std::pmr::string>>();
//       words->emplace_back("destroyed and freed with the request");
//     }                                                         // its memory stays warm for the next one
//
// After release(), or the end of a request, nothing may touch its blocks any more: even a container's destructor must not
// run. Let containers end first, or make them with create().
//
// A limit is exact: bytes taken from storage never pass it. An allocation that would pass it throws
// zmm::memory_limit_exceeded, a std::bad_alloc, and leaves the heap usable. on_limit() may free something first; limit_lift
// lets error handling allocate past the limit.
#pragma once

#include <zmm/allocator.hpp>
#include <zmm/debug.hpp>
#include <zmm/emalloc.hpp>
#include <zmm/errors.hpp>
#include <zmm/fwd.hpp>
#include <zmm/hardened.hpp>
#include <zmm/inspect.hpp>
#include <zmm/options.hpp>
#include <zmm/request_heap.hpp>
#include <zmm/resource.hpp>
#include <zmm/sampled.hpp>
#include <zmm/segment_resource.hpp>
#include <zmm/stats.hpp>
#include <zmm/storages.hpp>
#include <zmm/version.hpp>

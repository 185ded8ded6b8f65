// zmm: the Zend memory manager for C++. This header includes everything but boost.hpp.
//
// Engines are plain classes. `heap` is the general one: 2 MiB chunks from a storage, cut into 4 KiB pages, cut into
// slots of 30 sizes. `request_heap` is an arena that reuses what is freed: blocks packed into slabs of a `request_pool`
// and dropped together when the request ends. Both hand out any alignment, have a limit, and tell what they hold.
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
//       zmm::request_resource request;                          // one a request
//       auto* words = request.create<std::pmr::vector<std::pmr::string>>();
//       words->emplace_back("destroyed and freed with the request");
//     }                                                         // its memory stays warm for the next one
//
// After release(), or the end of a request, nothing may touch a block of it any more: no container may even destroy
// itself. Let containers die first, or make them with create().
//
// A limit is exact: bytes taken from storage never pass it. Reaching it throws zmm::memory_limit_exceeded, which is a
// std::bad_alloc, and leaves the heap usable; on_limit() may free something first; limit_lift lets error handling pass.
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

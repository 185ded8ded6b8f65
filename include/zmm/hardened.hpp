// The parts of hardened heaps: see docs/hardening.md. zmm.hpp includes this. With other headers, include it where a heap
// with encode_links is used.
#pragma once

#include <zmm/allocator.hpp>
#include <zmm/request_heap.hpp>
#include <zmm/chunk/sealed_links.hpp>
#include <zmm/hardening/encoded_calls.hpp>
#include <zmm/hardening/levels.hpp>
#include <zmm/heap/heap_core_checked.hpp>
#include <zmm/request/request_heap_checked.hpp>
#include <zmm/threads/synchronized_heap_checked.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> struct hardening<Options, true> {};

}}}  // namespace zmm::detail

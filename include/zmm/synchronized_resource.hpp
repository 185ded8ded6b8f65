// synchronized_resource, and thread_resource(), the process's heap as a resource: faces/pmr_resource.hpp over heaps for any thread.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/threads/thread_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
ZMM_SHARED inline immortal<resource<thread_heap>> the_thread_resource;  // constant-initialised
}

/// Returns: the process's heap, thread_heap, as a resource: for any thread, at any time, and for
/// std::pmr::set_default_resource(). One for each process, never destroyed.
ZMM_SHARED inline std::pmr::memory_resource* thread_resource() noexcept { return &detail::the_thread_resource.value; }

}}  // namespace zmm

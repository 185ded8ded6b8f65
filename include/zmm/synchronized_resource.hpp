// synchronized_resource: heaps for any thread behind std::pmr::memory_resource; thread_resource(): the process's heap likewise.
// faces/pmr_resource.hpp describes them.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/threads/thread_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
ZMM_SHARED inline immortal<resource<thread_heap>> the_thread_resource;  // constant-initialised
}

/// Returns: the process's heap, thread_heap, as a resource. Any thread, any time; also for
/// std::pmr::set_default_resource(). One in a process, never destroyed.
ZMM_SHARED inline std::pmr::memory_resource* thread_resource() noexcept { return &detail::the_thread_resource.value; }

}}  // namespace zmm

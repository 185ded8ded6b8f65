// Sampling: who has the memory, in production. docs/profiling.md says what profiles tell.
//
//     zmm::sampled_heap heap;                        // or basic_heap<S>, where S derives from zmm::sampled_options
//     zmm::set_sampling(512 << 10);                  // the process's heap, from now on; 0: no longer
//     ...
//     zmm::write_profile(heap, zmm::profile_format::pprof, file);
//     zmm::write_profile(zmm::thread_heap{}, zmm::profile_format::pprof, file);
//
// zmm.hpp includes this; with other headers, whoever uses a heap with sample_every includes it too.
#pragma once

#include <zmm/request/request_switch.hpp>
#include <zmm/threads/process_switch.hpp>
#include <zmm/watch/sampled_calls.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
template <class Options> struct sampling<Options, true> {};
}  // namespace detail

/// Effects: from now on one allocation in `mean` bytes of the process's heap is sampled, on average; 0: no further one. What was
/// sampled is followed to its free all the same, and stays in profiles. A thread follows at its next free, or its next allocation
/// that finds nothing at hand. Any thread, at any time.
/// Returns: whether it is so; false: the heap forwards its blocks to malloc or is watched by a sanitizer, or there is no memory.
inline bool set_sampling(std::size_t mean) noexcept {
  if constexpr (detail::is_switchable<default_options>) {
    using calls = detail::switched_calls<detail::process_engine>;
    void* const first = thread_heap::try_allocate(1);  // settles whether the heap forwards
    if (first == nullptr) return false;
    thread_heap::deallocate(first, 1);
    if (calls::is_watched(thread_heap::heap())) return false;
    detail::switched_sampler<detail::process_engine>.store(&calls::table, detail::memory_order_release);
    calls::book().alone([&] {
      detail::the_process_sampling.mean.store(mean, detail::memory_order_relaxed);
      detail::process_sampling::changed();
    });
    detail::process_switch<default_options>::follow();
    return true;
  }
  return false;
}

/// The same for requests of default options that take their memory from the pool: those that have taken none yet, and those that
/// begin from now on. A request that was begun while it was on is sampled to its end if it has samples. A request in a buffer
/// of the caller's is sampled once that is used up.
inline bool set_sampling(request_pool& pool, std::size_t mean) noexcept {
  if constexpr (detail::is_switchable<default_options>) {
    using engine = detail::engine_over<detail::request_heap_own<default_options>>;
    detail::switched_sampler<engine>.store(&detail::switched_calls<engine>::table, detail::memory_order_release);
    detail::sampling_switch::set(pool, mean);
    return true;
  }
  return false;
}

}}  // namespace zmm

// Sampled heaps: who has the memory, in production. docs/profiling.md says what their profiles tell.
//
//     zmm::sampled_heap heap;                        // or basic_heap<S>, where S derives from zmm::sampled_options
//     ...
//     zmm::write_profile(heap, zmm::profile_format::pprof, file);
//
// zmm.hpp includes this; with other headers, whoever uses a heap with sample_every includes it too.
#pragma once

#include <zmm/watch/sampled_calls.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> struct sampling<Options, true> {};

}}}  // namespace zmm::detail

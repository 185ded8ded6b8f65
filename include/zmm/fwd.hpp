// Forward declarations of the public types, with every default template argument: the one place that has them, and the
// one way to name zmm's types without including them.
#pragma once

#include <zmm/base/geometry.hpp>

namespace zmm { inline namespace ZMM_ABI {

struct default_options;
struct hardened_options;
struct debug_options;
struct statistics;
struct pool_statistics;
class memory_limit_exceeded;
class out_of_memory;

class storage;
class resource_storage;
class buffer_storage;

template <class Options = default_options> class basic_heap;
using heap = basic_heap<>;
using hardened_heap = basic_heap<hardened_options>;
using debug_heap = basic_heap<debug_options>;

template <class Options = default_options> class basic_request_heap;
using request_heap = basic_request_heap<>;
using hardened_request_heap = basic_request_heap<hardened_options>;
using debug_request_heap = basic_request_heap<debug_options>;

template <class Options = default_options> class basic_synchronized_heap;
using synchronized_heap = basic_synchronized_heap<>;
using hardened_synchronized_heap = basic_synchronized_heap<hardened_options>;
using debug_synchronized_heap = basic_synchronized_heap<debug_options>;

template <class Geometry = default_geometry> class basic_request_pool;
using request_pool = basic_request_pool<>;

/// Says that a request lives inside another: request_resource child{zmm::within, parent};
struct within_t {
  explicit within_t() = default;
};
inline constexpr within_t within{};

template <class Heap> class limit_lift;

class thread_heap;

template <class Heap> class resource;
using heap_resource = resource<heap>;
using request_resource = resource<request_heap>;
using synchronized_resource = resource<synchronized_heap>;
using hardened_heap_resource = resource<hardened_heap>;
using hardened_request_resource = resource<hardened_request_heap>;
using hardened_synchronized_resource = resource<hardened_synchronized_heap>;
using debug_heap_resource = resource<debug_heap>;
using debug_request_resource = resource<debug_request_heap>;
using debug_synchronized_resource = resource<debug_synchronized_heap>;

template <class T, class Heap = thread_heap> class allocator;

template <class Heap> class boost_resource;
template <class Heap> class dual_resource;

}}  // namespace zmm

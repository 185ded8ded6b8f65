// Forward declarations of the public types: the way to name zmm's types without including them, and the one place with
// their default template arguments. Also declares their visibility, because compilers take that from the first
// declaration of a template. Names for checked and paranoid heaps are in zmm/hardened.hpp, which those need anyway.
#pragma once

#include <zmm/base/geometry.hpp>

namespace zmm { inline namespace ZMM_ABI {

struct ZMM_SHARED_TYPE default_options;
struct ZMM_SHARED_TYPE checked_options;
struct ZMM_SHARED_TYPE hardened_options;
struct ZMM_SHARED_TYPE paranoid_options;
struct ZMM_SHARED_TYPE debug_options;
struct ZMM_SHARED_TYPE sampled_options;
struct statistics;
struct pool_statistics;
class ZMM_SHARED memory_limit_exceeded;
class ZMM_SHARED out_of_memory;
class ZMM_SHARED no_current_heap;

class ZMM_SHARED storage;
class ZMM_SHARED resource_storage;
class ZMM_SHARED buffer_storage;
class ZMM_SHARED file_storage;

template <class Options = default_options> class ZMM_SHARED_TYPE basic_heap;
/// The general heap, for one thread at a time.
using heap = basic_heap<>;
using hardened_heap = basic_heap<hardened_options>;
using debug_heap = basic_heap<debug_options>;
using sampled_heap = basic_heap<sampled_options>;

template <class Options = default_options> class ZMM_SHARED_TYPE basic_request_heap;
/// The arena of one request.
using request_heap = basic_request_heap<>;
using hardened_request_heap = basic_request_heap<hardened_options>;
using debug_request_heap = basic_request_heap<debug_options>;
using sampled_request_heap = basic_request_heap<sampled_options>;

template <class Options = default_options> class ZMM_SHARED_TYPE basic_synchronized_heap;
/// The heap that any thread allocates from and frees to.
using synchronized_heap = basic_synchronized_heap<>;
using hardened_synchronized_heap = basic_synchronized_heap<hardened_options>;
using debug_synchronized_heap = basic_synchronized_heap<debug_options>;
using sampled_synchronized_heap = basic_synchronized_heap<sampled_options>;

template <class Options = default_options> class basic_segment_heap;
/// The heap for little memory and for long lives: one word for each block.
using segment_heap = basic_segment_heap<>;
using hardened_segment_heap = basic_segment_heap<hardened_options>;
using debug_segment_heap = basic_segment_heap<debug_options>;
using sampled_segment_heap = basic_segment_heap<sampled_options>;

template <class Geometry = default_geometry> class basic_request_pool;
/// The pool that requests take their memory from.
using request_pool = basic_request_pool<>;

/// Says that a request lives inside another: request_resource child{zmm::within, parent};
struct within_t {
  explicit within_t() = default;
};
inline constexpr within_t within{};

namespace detail {
/// What visits an engine; <zmm/inspect.hpp> has it.
template <class Engine> struct inspection;
}  // namespace detail
enum class area_kind : unsigned char;

template <class Heap> class limit_lift;
template <class Heap> class use_heap_of;
class mm_heap;
class use_heap;
struct custom_handlers;
struct custom_debug_handlers;
template <class Engine> struct basic_emalloc;

class ZMM_SHARED_TYPE thread_heap;

template <class Heap> class ZMM_SHARED resource;
/// heap behind std::pmr: <zmm/heap_resource.hpp>.
using heap_resource = resource<heap>;
/// request_heap behind std::pmr: <zmm/request_resource.hpp>.
using request_resource = resource<request_heap>;
/// synchronized_heap behind std::pmr: <zmm/synchronized_resource.hpp>.
using synchronized_resource = resource<synchronized_heap>;
/// segment_heap behind std::pmr: <zmm/segment_resource.hpp>.
using segment_resource = resource<segment_heap>;
using hardened_heap_resource = resource<hardened_heap>;
using hardened_request_resource = resource<hardened_request_heap>;
using hardened_synchronized_resource = resource<hardened_synchronized_heap>;
using hardened_segment_resource = resource<hardened_segment_heap>;
using debug_heap_resource = resource<debug_heap>;
using debug_request_resource = resource<debug_request_heap>;
using debug_synchronized_resource = resource<debug_synchronized_heap>;
using debug_segment_resource = resource<debug_segment_heap>;
using sampled_heap_resource = resource<sampled_heap>;
using sampled_request_resource = resource<sampled_request_heap>;
using sampled_synchronized_resource = resource<sampled_synchronized_heap>;
using sampled_segment_resource = resource<sampled_segment_heap>;

template <class T, class Heap = thread_heap> class allocator;

template <class Heap> class ZMM_SHARED boost_resource;
template <class Heap> class ZMM_SHARED dual_resource;

}}  // namespace zmm

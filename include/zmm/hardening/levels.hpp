// The names of checked and paranoid heaps, and what is switched on in the latter. docs/hardening.md compares the levels.
#pragma once

#include <zmm/options.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Every check there is: also leaves nothing of a block to the next one, and notices writes to freed blocks and past the ends of
/// those that have pages of their own.
struct paranoid_options : hardened_options {
  static constexpr bool zero_on_free = true;
  static constexpr bool check_reuse = true;
  static constexpr bool page_canary = true;
};

using checked_heap = basic_heap<checked_options>;
using checked_request_heap = basic_request_heap<checked_options>;
using checked_synchronized_heap = basic_synchronized_heap<checked_options>;
using checked_segment_heap = basic_segment_heap<checked_options>;
using checked_heap_resource = resource<checked_heap>;
using checked_request_resource = resource<checked_request_heap>;
using checked_synchronized_resource = resource<checked_synchronized_heap>;
using checked_segment_resource = resource<checked_segment_heap>;

using paranoid_heap = basic_heap<paranoid_options>;
using paranoid_request_heap = basic_request_heap<paranoid_options>;
using paranoid_synchronized_heap = basic_synchronized_heap<paranoid_options>;
using paranoid_segment_heap = basic_segment_heap<paranoid_options>;
using paranoid_heap_resource = resource<paranoid_heap>;
using paranoid_request_resource = resource<paranoid_request_heap>;
using paranoid_synchronized_resource = resource<paranoid_synchronized_heap>;
using paranoid_segment_resource = resource<paranoid_segment_heap>;

}}  // namespace zmm

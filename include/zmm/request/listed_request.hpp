// Requests that their pool lists while they are in flight: what request heaps and pools know of that.
// request_journal.hpp, which debug.hpp and inspect.hpp include, has the rest.
#pragma once
#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What a pool holds for its listed requests; made when the first one is listed.
struct journal_base {
  void (*destroy)(journal_base*) noexcept;
};

class request_journal;

/// A base of request heaps; empty unless the options say list_requests.
template <class Options, bool = Options::list_requests> class listed_request;
template <class Options> class listed_request<Options, false> {};

}}}  // namespace zmm::detail

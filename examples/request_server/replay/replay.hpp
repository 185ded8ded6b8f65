// The recorded requests without sockets: the work of the server alone, and what its arena costs.
#pragma once

#include "../http/exchange.hpp"
#include "recorded.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shop {

/// One request through a whole exchange, from the beginning of its arena to the end. Its bytes are handed over in pieces
/// as a socket would, those of the response copied to `out` (replacing what it holds) as a socket would.
struct replayed {
  unsigned status;           ///< 0: the bytes were no whole request
  std::size_t held_at_most;  ///< as request_memory says
};
replayed replay(std::string_view wire, worker_memory&, service const&, request_limits const&, std::vector<char>& out);

/// What a timed replay cost, per request.
struct replay_cost {
  double cpu_microseconds;
  double page_faults;
};

/// `passes` times all requests, after some passes that are not counted. Throws std::runtime_error when an answer is not 200.
replay_cost time_replay(std::vector<recorded_request> const&, arena_kind, service const&, unsigned passes);

/// What a replay on several threads cost, a request, arenas of zmm only.
struct threads_cost {
  double wall_microseconds;  ///< from the beginning of all threads to the end of the last one
  double cpu_microseconds;   ///< of all threads together
};

/// Each of `threads` threads replays all requests `passes` times, after some passes that are not counted. `shared`: all
/// take their memory from one pool; else each from one of its own. Throws as time_replay().
threads_cost time_threads(std::vector<recorded_request> const&, service const&, unsigned threads, bool shared,
                          unsigned passes);

/// For each request, the most bytes its arena held at once: what it took from its upstream and, for monotonic and pool,
/// the whole buffer they keep for it. A pass of its own.
std::vector<std::size_t> count_held(std::vector<recorded_request> const&, arena_kind, service const&);

}  // namespace shop

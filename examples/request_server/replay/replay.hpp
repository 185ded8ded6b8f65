// The recorded requests without sockets: the server's work only, and the cost of its arena.
#pragma once

#include "../http/exchange.hpp"
#include "recorded.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shop {

/// One request through a whole exchange, from the beginning of its arena to the end. Its bytes arrive in pieces and those of
/// the response are copied to `out` (replacing its contents), as with a socket.
struct replayed {
  unsigned status;           ///< 0: the bytes were not a whole request
  std::size_t held_at_most;  ///< as request_memory says
};
replayed replay(std::string_view wire, worker_memory&, service const&, request_limits const&, std::vector<char>& out);

/// The costs of a timed replay, for each request.
struct replay_cost {
  double cpu_microseconds;
  double page_faults;
};

/// `passes` times all requests, after some passes that are not counted. Throws std::runtime_error when an answer is not 200.
replay_cost time_replay(std::vector<recorded_request> const&, arena_kind, service const&, unsigned passes);

/// The costs of a replay on several threads, for each request; arenas of zmm only.
struct threads_cost {
  double wall_microseconds;  ///< from the beginning of all threads to the end of the last one
  double cpu_microseconds;   ///< of all threads together
};

/// Each of `threads` threads replays all requests `passes` times, after some passes that are not counted. `shared`: all
/// use one pool; else each its own. Throws as time_replay().
threads_cost time_threads(std::vector<recorded_request> const&, service const&, unsigned threads, bool shared,
                          unsigned passes);

/// For each request, the most bytes its arena held at once: those from its upstream and, for monotonic and pool, the whole
/// buffer. Runs a separate pass.
std::vector<std::size_t> count_held(std::vector<recorded_request> const&, arena_kind, service const&);

}  // namespace shop

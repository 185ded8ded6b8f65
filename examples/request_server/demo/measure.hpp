// The demo's figures: every arena over sockets and in its own process without, in turn.
#pragma once

#include "../arena/arena.hpp"

#include <map>
#include <string>
#include <vector>

namespace shop {

struct demo_settings {
  std::string server, replay, data;  // programs and folder
  unsigned rounds = 9;               // each round runs every arena once
  unsigned connections = 4;
  unsigned threads = 2;
  unsigned socket_passes = 1;
  unsigned replay_passes = 6;
};

/// The figures of one arena: each the median over the rounds.
struct arena_figures {
  double requests_per_second = 0, p50 = 0, p99 = 0, server_rss = 0;                // over sockets
  double cpu = 0, faults = 0, held_mean = 0, held_p50 = 0, held_max = 0, rss = 0;  // in-process
};

/// Runs everything; calls `progress` for every round.
std::map<arena_kind, arena_figures> measure(demo_settings const&, void (*progress)(std::string const&));

}  // namespace shop

// The recorded requests, as the bytes a client sends.
#pragma once

#include <string>
#include <vector>

namespace shop {

struct recorded_request {
  std::string kind;  ///< "orders", "page" or "search"
  std::string wire;  ///< header and body
};

/// All recorded requests of a data folder, with kinds and sizes mixed, always in the same order.
std::vector<recorded_request> read_recorded(std::string const& data_folder);

}  // namespace shop

// Which version of each peer the program runs with.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

std::string compiler();
std::vector<std::pair<std::string, std::string>> versions();

}  // namespace bench

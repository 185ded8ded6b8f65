// The version of each other allocator that the program runs with.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

std::string compiler();
std::vector<std::pair<std::string, std::string>> versions();

}  // namespace bench

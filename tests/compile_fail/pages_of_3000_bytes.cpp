// expect: is_power_of_two
#include <zmm/zmm.hpp>

constexpr std::size_t pages = zmm::geometry<256 * 1024, 3000>::pages;

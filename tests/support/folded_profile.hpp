// Profiles as text, and what they say.
#pragma once
#include <zmm/profile.hpp>

#include <doctest/doctest.h>
#include <string>

namespace zmm_test { namespace folded {

template <class X> std::string profile(X const& x, zmm::profile_format as = zmm::profile_format::folded) {
  std::string text;
  CHECK(zmm::write_profile(x, as, [&](char const* bytes, std::size_t count) {
    text.append(bytes, count);
    return true;
  }));
  return text;
}
/// Live bytes that a folded profile tells of, in lines with `part` in them.
inline double bytes_of(std::string const& text, std::string const& part = "") {
  double sum = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t const end = text.find('\n', at);
    std::string const line = text.substr(at, end - at);
    if (line.find(part) != std::string::npos) sum += std::stod(line.substr(line.rfind(' ')));
    at = end + 1;
  }
  return sum;
}
inline bool is_within(double found, double truth, double part) {
  return found > truth * (1 - part) && found < truth * (1 + part);
}

}}  // namespace zmm_test::folded

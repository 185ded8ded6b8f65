// Numbers into text.
#pragma once

#include <charconv>
#include <cstddef>

namespace shop {

template <class String, class Number> void append_number(String& out, Number number) {
  char digits[32];
  auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace shop

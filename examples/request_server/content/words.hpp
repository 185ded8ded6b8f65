// Splitting text into words.
#pragma once

#include <cstddef>
#include <string_view>

namespace shop {

/// ASCII letters and digits make words; so does every byte of a multi-byte UTF-8 character.
constexpr bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
}

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Calls use(word, offset) for every word of `text`, in order.
template <class Use> void for_each_word(std::string_view text, Use use) {
  std::size_t i = 0;
  while (i < text.size()) {
    while (i < text.size() && !is_word_byte(text[i])) ++i;
    std::size_t const begin = i;
    while (i < text.size() && is_word_byte(text[i])) ++i;
    if (i > begin) use(text.substr(begin, i - begin), begin);
  }
}

/// Whether `word`, in any case, is `lowered`, which is lower case already.
inline bool is_same_word(std::string_view word, std::string_view lowered) noexcept {
  if (word.size() != lowered.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(word[i]) != lowered[i]) return false;
  return true;
}

}  // namespace shop

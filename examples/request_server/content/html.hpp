// Text into HTML.
#pragma once

#include <string_view>

namespace shop {

/// Appends `text` with the five special characters of HTML replaced. Text between them is copied in one piece.
template <class String> void append_escaped(String& out, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const* replacement;
    switch (text[i]) {
    case '&': replacement = "&amp;"; break;
    case '<': replacement = "&lt;"; break;
    case '>': replacement = "&gt;"; break;
    case '"': replacement = "&quot;"; break;
    case '\'': replacement = "&#39;"; break;
    default: continue;
    }
    out.append(text.data() + plain, i - plain);
    out.append(replacement);
    plain = i + 1;
  }
  out.append(text.data() + plain, text.size() - plain);
}

}  // namespace shop

// A small template language, compiled once at start, rendered from JSON.
#pragma once

#include "../http/types.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace shop {

/// Text with these parts in double braces:
///
///     {{name}}                the value, escaped for HTML; numbers and booleans as text, null and missing as nothing
///     {{#each name}}…{{/each}}  the part once for every element of an array; inside, names are looked up in the
///                             element first, then further out; {{.}} is the element itself,
///                             {{a.b}} the member b of a
///     {{#if name}}…{{/if}}      the part, unless the value is missing, null, false, "" or an empty array
///
/// Rendering only reads the template: any number of threads may do it.
class page_template {
public:
  /// Throws std::invalid_argument, naming the line, when the template is malformed.
  explicit page_template(std::string text);
  page_template(page_template const&) = delete;  // nodes are views of the text
  page_template& operator=(page_template const&) = delete;

  /// Appends the page for `data` to `out`; takes temporary memory from the resource of `out`.
  void render(boost::json::value const& data, arena_string& out) const;

private:
  enum class kind { text, value, each, if_ };
  struct node {
    kind what;
    std::string_view text;       // literal text, or the name
    std::vector<node> children;  // each, if_
  };
  struct parser;
  class renderer;

  std::string text_;
  std::vector<node> nodes_;
};

}  // namespace shop

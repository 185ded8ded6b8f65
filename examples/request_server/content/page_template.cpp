#include "page_template.hpp"

#include "html.hpp"
#include "numbers.hpp"

#include <algorithm>
#include <stdexcept>

namespace shop {

namespace json = boost::json;

// ---- Compiling -----------------------------------------------------------------------------------------------------

/// Recursive descent over the text: parts() reads until the closing tag it was called for.
struct page_template::parser {
  std::string_view whole;
  std::size_t at = 0;

  [[noreturn]] void fail(char const* what) const {
    auto const line = 1 + std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw std::invalid_argument("page template, line " + std::to_string(line) + ": " + what);
  }

  std::string_view tag() {
    auto const end = whole.find("}}", at);
    if (end == std::string_view::npos) fail("'{{' without '}}'");
    auto const name = whole.substr(at + 2, end - at - 2);
    at = end + 2;
    return name;
  }

  static bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
  }

  std::vector<node> parts(std::string_view closing) {
    std::vector<node> out;
    for (;;) {
      auto const open = std::min(whole.find("{{", at), whole.size());
      if (open > at) out.push_back({kind::text, whole.substr(at, open - at), {}});
      at = open;
      if (at == whole.size()) {
        if (!closing.empty()) fail("a part is not closed");
        return out;
      }
      auto name = tag();
      if (!closing.empty() && name == closing) return out;
      if (take_prefix(name, "#each ")) out.push_back({kind::each, name, parts("/each")});
      else if (take_prefix(name, "#if ")) out.push_back({kind::if_, name, parts("/if")});
      else if (name.empty() || name.find_first_of("#/ ") != std::string_view::npos)
        fail("unknown tag, or a closing tag that closes nothing");
      else out.push_back({kind::value, name, {}});
    }
  }
};

page_template::page_template(std::string text) : text_(std::move(text)), nodes_(parser{text_}.parts({})) {}

// ---- Rendering -----------------------------------------------------------------------------------------------------

namespace {

void append_value(arena_string& out, json::value const& value) {
  switch (value.kind()) {
  case json::kind::string: append_escaped(out, value.get_string()); break;
  case json::kind::int64: append_number(out, value.get_int64()); break;
  case json::kind::uint64: append_number(out, value.get_uint64()); break;
  case json::kind::double_: append_number(out, value.get_double()); break;
  case json::kind::bool_: out.append(value.get_bool() ? "true" : "false"); break;
  case json::kind::null:
  case json::kind::array:
  case json::kind::object: break;
  }
}

bool is_shown(json::value const* value) {
  if (value == nullptr || value->is_null()) return false;
  if (auto const* flag = value->if_bool()) return *flag;
  if (auto const* text = value->if_string()) return !text->empty();
  if (auto const* array = value->if_array()) return !array->empty();
  return true;
}

}  // namespace

/// One rendering: the values in which names are looked up, innermost last.
class page_template::renderer {
public:
  renderer(json::value const& data, arena_string& out) : out_(out), scopes_(out.get_allocator().resource()) {
    scopes_.push_back(&data);
  }

  void operator()(std::vector<node> const& nodes) {
    for (node const& n : nodes) {
      switch (n.what) {
      case kind::text: out_.append(n.text); break;
      case kind::value:
        if (auto const* value = find(n.text)) append_value(out_, *value);
        break;
      case kind::if_:
        if (is_shown(find(n.text))) (*this)(n.children);
        break;
      case kind::each: each(n); break;
      }
    }
  }

private:
  void each(node const& n) {
    auto const* value = find(n.text);
    auto const* array = value == nullptr ? nullptr : value->if_array();
    if (array == nullptr) return;
    for (json::value const& element : *array) {
      scopes_.push_back(&element);
      (*this)(n.children);
      scopes_.pop_back();
    }
  }

  /// "a.b" is b in the innermost a.
  json::value const* find(std::string_view name) const {
    if (name == ".") return scopes_.back();
    auto const dot = name.find('.');
    auto const* value = in_scope(name.substr(0, dot));
    if (dot == std::string_view::npos || value == nullptr) return value;
    return member(*value, name.substr(dot + 1));
  }

  json::value const* in_scope(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (auto const* value = member(**scope, name)) return value;
    }
    return nullptr;
  }

  static json::value const* member(json::value const& of, std::string_view name) {
    auto const* object = of.if_object();
    return object == nullptr ? nullptr : object->if_contains(json::string_view(name.data(), name.size()));
  }

  arena_string& out_;
  std::pmr::vector<json::value const*> scopes_;
};

void page_template::render(json::value const& data, arena_string& out) const { renderer{data, out}(nodes_); }

}  // namespace shop

// Index, template and target: the parts that answer requests.
#include "support.hpp"

#include "handlers/json_io.hpp"
#include "http/request_error.hpp"
#include "http/target.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace shop;

namespace {

std::string rendered(char const* text, char const* data) {
  arena_string out{arena_allocator<char>{std::pmr::get_default_resource()}};
  page_template{text}.render(boost::json::parse(data), out);
  return std::string(out.data(), out.size());
}

}  // namespace

TEST_CASE("a template renders values, loops and conditions") {
  CHECK(rendered("<{{a}}|{{b}}|{{c}}|{{d}}|{{e}}>", R"({"a":"x","b":-3,"c":true,"d":null})") == "<x|-3|true||>");
  CHECK(rendered("{{#each a}}[{{.}}]{{/each}}", R"({"a":[1,"two",2.5]})") == "[1][two][2.5]");
  CHECK(rendered("{{#each a}}{{n}}{{title}};{{/each}}", R"({"title":"t","a":[{"n":1},{"n":2,"title":"u"}]})") ==
        "1t;2u;");
  CHECK(rendered("{{#if a}}yes{{/if}}{{#if b}}no{{/if}}", R"({"a":1,"b":[]})") == "yes");
  CHECK(rendered("{{a.b}}{{a.c}}{{x.b}}", R"({"a":{"b":"deep"}})") == "deep");
  CHECK(rendered("", "[]").empty());
}

TEST_CASE("a template escapes what would be HTML") {
  CHECK(rendered("{{a}}", R"({"a":"<b a=\"1\">&'</b>"})") == "&lt;b a=&quot;1&quot;&gt;&amp;&#39;&lt;/b&gt;");
}

TEST_CASE("a malformed template is refused with its line") {
  for (char const* text : {"{{a", "{{#each a}}", "{{/each}}", "{{#if a}}{{/each}}", "{{}}", "{{#with a}}{{/with}}"})
    CHECK_THROWS_AS(page_template{text}, std::invalid_argument);
  CHECK_THROWS_WITH(page_template{"a\nb\n{{/if}}"}, doctest::Contains("line 3"));
}

TEST_CASE("search ranks by rarity and frequency, and marks what it found") {
  text_index const index{"Common apple here.\n\nCommon common pear.\n\nCommon <quince> & apple apple.\n\n"};
  auto* const memory = std::pmr::get_default_resource();
  auto const apple = text_index::words_of("APPLE apple, nowhere", memory);
  REQUIRE(apple.size() == 2);  // each word once
  auto const found = index.search(apple, 10, memory);
  REQUIRE(found.best.size() == 2);
  CHECK(found.matches == 2);
  CHECK(found.best[0].paragraph == 2);
  CHECK(found.best[0].score > found.best[1].score);
  CHECK(index.snippet(2, apple, memory) == "Common &lt;quince&gt; &amp; <b>apple</b> <b>apple</b>");
  CHECK(index.search(apple, 1, memory).best.size() == 1);
  CHECK(index.search(text_index::words_of("zebra", memory), 10, memory).best.empty());
  CHECK(text_index{""}.search(apple, 10, memory).best.empty());
}

TEST_CASE("query parameters are decoded") {
  auto* const memory = std::pmr::get_default_resource();
  CHECK(split_target("/search?q=1").path == "/search");
  CHECK(split_target("/search").query.empty());
  CHECK(query_parameter("a=1&q=b+c%20%41&q=second", "q", memory) == std::pmr::string("b c A"));
  CHECK(query_parameter("q", "q", memory) == std::pmr::string());
  CHECK(!query_parameter("a=1&&b=2", "q", memory));
  for (char const* broken : {"q=%", "q=%4", "q=%zz", "q=%-1"})
    CHECK_THROWS_AS((void)query_parameter(broken, "q", memory), request_error);
}

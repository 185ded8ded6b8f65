// nlohmann::basic_json default-constructs an allocator for each node it makes and for each it destroys.
#include <zmm/zmm.hpp>

#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {
template <class T> using of_heap = zmm::allocator<T, zmm::heap>;
template <class T> using of_debug = zmm::allocator<T, zmm::debug_heap>;
template <class T> using of_threads = zmm::allocator<T>;
template <template <class> class Allocator>
using text = std::basic_string<char, std::char_traits<char>, Allocator<char>>;
template <template <class> class Allocator>
using json_of =
    nlohmann::basic_json<std::map, std::vector, text<Allocator>, bool, std::int64_t, std::uint64_t, double, Allocator>;

constexpr char const* document =
    R"({"a":[1,2.5,{"b":"a text that is too long for the string itself"}],"c":null,"d":[[],{},true]})";

template <class Json> void work_with(Json& j) {
  CHECK(j["a"][2]["b"].template get_ref<typename Json::string_t const&>().size() == 45);
  j["e"] = {1, 2, 3};
  j["f"]["g"] = "another text that is too long for the string itself";
  Json copy = j;
  CHECK(copy == j);
  copy.erase("a");
  CHECK(copy != j);
  CHECK(j.dump() == R"({"a":[1,2.5,{"b":"a text that is too long for the string itself"}],"c":null,"d":[[],{},true],)"
                    R"("e":[1,2,3],"f":{"g":"another text that is too long for the string itself"}})");
  Json const merged = Json::parse(j.dump());
  CHECK(merged == j);
}

TEST_CASE("nlohmann: a document lives in the current heap") {
  zmm::heap heap;
  zmm::use_heap_of scope{heap};
  auto const before = zmm::thread_heap::stats().live_blocks;
  {
    auto j = json_of<of_heap>::parse(document);
    CHECK(heap.stats().live_blocks >= 10);
    work_with(j);
  }
  CHECK(heap.stats().live_blocks == 0);
  CHECK(zmm::thread_heap::stats().live_blocks == before);
  heap.verify();
}

TEST_CASE("nlohmann: in a debug heap nothing is left over, and a limit throws") {
  zmm::debug_heap heap;
  zmm::use_heap_of scope{heap};
  {
    auto j = json_of<of_debug>::parse(document);
    work_with(j);
    REQUIRE(heap.set_limit(heap.real_size() + (1 << 20)));
    auto const fill = [&j] {
      for (int i = 0; i < 1'000'000; ++i) j["list"].push_back("a text that is too long for the string itself");
    };
    CHECK_THROWS_AS(fill(), zmm::memory_limit_exceeded);
  }
  CHECK(heap.stats().live_blocks == 0);
}

TEST_CASE("nlohmann: without a scope nothing is made") {
  auto const make = [] {
    auto const j = json_of<of_heap>::parse(document);
    return j.size();
  };
  CHECK_THROWS_AS((void)make(), zmm::no_current_heap);
}

TEST_CASE("nlohmann: the process's heap needs no scope") {
  auto j = json_of<of_threads>::parse(document);
  work_with(j);
}
}  // namespace

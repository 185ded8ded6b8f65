// boost_resource: Boost.Container's pmr containers and Boost.JSON over an engine.
#include <zmm/boost.hpp>
#include <zmm/resource.hpp>

#include "support/checking_storage.hpp"
#include <boost/container/pmr/flat_map.hpp>
#include <boost/container/pmr/list.hpp>
#include <boost/container/pmr/map.hpp>
#include <boost/container/pmr/string.hpp>
#include <boost/container/pmr/vector.hpp>
#include <boost/json.hpp>
#include <doctest/doctest.h>
#include <string>

namespace {
using std::size_t;
namespace pmr = boost::container::pmr;

TEST_CASE("boost: a view of an engine, equal only to itself") {
  zmm::heap heap;
  zmm::boost_resource<zmm::heap> a{heap}, b{heap};
  pmr::memory_resource& base = a;
  CHECK(base.is_equal(a));
  CHECK_FALSE(base.is_equal(b));
  CHECK(&a.heap() == &heap);
  void* p = base.allocate(100, 64);
  CHECK(heap.owns(p));
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
  base.deallocate(p, 100, 64);
  CHECK(heap.stats().size == 0);
}

TEST_CASE("boost: a view has the engine's members") {
  zmm::request_heap request;
  zmm::boost_resource<zmm::request_heap> view{request};
  void* const p = view.try_allocate(3);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
  CHECK(view.usable_size(p, 3) == 16);
  CHECK(view.stats().live_blocks == 1);
  REQUIRE(view.set_limit(view.real_size()));
  CHECK(request.limit() == view.real_size());
  CHECK(view.try_allocate(1 << 20) == nullptr);
  {
    zmm::limit_lift lift{view};
    CHECK(view.try_allocate(1 << 20) != nullptr);
  }
  bool ended = false;
  view.on_end([&] { ended = true; });
  view.release();
  CHECK(ended);
  CHECK((view.trim() + view.collect() + view.real_size()) < (64 << 20));
  view.verify();
}

TEST_CASE("boost: the face of a resource's engine") {
  zmm::heap_resource resource;
  zmm::boost_resource<zmm::heap> view{resource.heap()};
  void* p = view.allocate(10);
  CHECK(resource.stats().live_blocks == 1);
  view.deallocate(p, 10);
}

template <class Heap> void containers(Heap& heap) {
  zmm::boost_resource<Heap> view{heap};
  {
    pmr::vector<pmr::string> words{&view};
    pmr::map<int, pmr::string> names{&view};
    pmr::flat_map<int, int> flat{&view};
    pmr::list<int> numbers{&view};
    for (int i = 0; i < 1000; ++i) {
      words.emplace_back("a word that does not fit into the string itself");
      names[i] = "another word that does not fit into the string itself";
      flat[i * 31 % 1000] = i;
      numbers.push_back(i);
    }
    CHECK(words.back().get_allocator().resource() == &view);
    CHECK(names.size() == 1000);
    pmr::vector<pmr::string> copy{words, &view};
    pmr::vector<pmr::string> moved{boost::move(words)};
    moved.swap(copy);
    CHECK(heap.stats().live_blocks > 3000);
  }
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("boost: containers over a heap and over a request") {
  zmm_test::checking_storage source;
  zmm::heap heap{source};
  containers(heap);
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  containers(request.heap());
}

std::string sample_text() {
  std::string text = "{\"orders\":[";
  for (int i = 0; i < 500; ++i) {
    if (i != 0) text += ',';
    text += "{\"id\":" + std::to_string(i) + ",\"customer\":\"customer number " + std::to_string(i % 17) +
            "\",\"price\":" + std::to_string(i * 3) + ".25,\"tags\":[\"a\",\"a longer tag than fits in place\",null,true]}";
  }
  return text + "]}";
}

TEST_CASE("boost: JSON parsed, changed and written in a request") {
  namespace json = boost::json;
  zmm_test::checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  zmm::boost_resource<zmm::request_heap> view{request.heap()};
  std::string const text = sample_text();
  {
    json::value document = json::parse(text, &view);
    CHECK(document.storage().get() == &view);
    json::array& orders = document.at("orders").as_array();
    CHECK(orders.size() == 500);
    CHECK(json::serialize(document).size() > 10000);
    for (size_t i = 0; i < 100; ++i) orders.erase(orders.begin());
    orders.push_back(json::value({{"id", 1000}, {"name", "new"}}, orders.storage()));
    json::value copy(document, &view);
    CHECK(copy == document);
    CHECK(request.stats().live_blocks > 1000);
    request.verify();
  }
  CHECK(request.stats().size == 0);
  {
    // A document that is dropped with the request, undestroyed.
    auto* kept = request.create<json::value>(json::parse(text, &view));
    CHECK(kept->at("orders").as_array().size() == 500);
  }
  request.release();
  CHECK(request.stats().size == 0);
  request.verify();
}

TEST_CASE("boost: a parse that meets the limit throws bad_alloc and frees what it had") {
  namespace json = boost::json;
  zmm::request_resource request;
  zmm::boost_resource<zmm::request_heap> view{request.heap()};
  REQUIRE(request.set_limit(32 * 1024));
  CHECK_THROWS_AS((void)json::parse(sample_text(), &view), std::bad_alloc);
  CHECK(request.stats().size == 0);
  request.verify();
  REQUIRE(request.set_limit(4 << 20));
  CHECK(json::parse(sample_text(), &view).is_object());
}
}  // namespace

// allocator<T, Heap> in Boost.Container's own containers.
#include <zmm/allocator.hpp>
#include <zmm/request_heap.hpp>

#include "support/checking_storage.hpp"
#include <boost/container/deque.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <doctest/doctest.h>

namespace {
namespace bc = boost::container;
template <class T, class Heap> using alloc = zmm::allocator<T, Heap>;

template <class Heap> void containers(Heap& heap) {
  {
    bc::vector<int, alloc<int, Heap>> v{alloc<int, Heap>{heap}};
    bc::stable_vector<int, alloc<int, Heap>> stable{alloc<int, Heap>{heap}};
    bc::list<int, alloc<int, Heap>> list{alloc<int, Heap>{heap}};
    bc::map<int, int, std::less<int>, alloc<std::pair<int const, int>, Heap>> map{alloc<int, Heap>{heap}};
    bc::flat_set<int, std::less<int>, alloc<int, Heap>> set{alloc<int, Heap>{heap}};
    bc::deque<int, alloc<int, Heap>> deque{alloc<int, Heap>{heap}};
    using small_vector = bc::small_vector<int, 4, alloc<int, Heap>>;
    small_vector small{typename small_vector::allocator_type{alloc<int, Heap>{heap}}};
    bc::basic_string<char, std::char_traits<char>, alloc<char, Heap>> text{alloc<char, Heap>{heap}};
    for (int i = 0; i < 3000; ++i) {
      v.push_back(i);
      stable.push_back(i);
      list.push_back(i);
      map[i] = i;
      set.insert(i * 7919 % 3000);
      deque.push_front(i);
      small.push_back(i);
      text.push_back('x');
    }
    for (int i = 0; i < 3000; i += 2) map.erase(i);
    auto node = map.extract(1);
    CHECK(!node.empty());
    list.erase(list.begin(), std::next(list.begin(), 1000));
    v.erase(v.begin(), v.begin() + 2500);
    v.shrink_to_fit();
    stable.clear();
    stable.shrink_to_fit();
    CHECK(v.size() == 500);
    CHECK(v[0] == 2500);
    CHECK(list.size() == 2000);
    CHECK(set.size() == 3000);
    auto copy = v;
    auto moved = boost::move(v);
    copy.swap(moved);
    CHECK(copy.get_allocator() == moved.get_allocator());
    heap.verify();
  }
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("boost containers: over a heap") {
  zmm_test::checking_storage source;
  zmm::heap heap{source};
  containers(heap);
}

TEST_CASE("boost containers: over a request") {
  zmm_test::checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_heap heap{pool};
  containers(heap);
}
}  // namespace

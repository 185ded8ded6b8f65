// Boost's sequences on every engine, beside the same containers on std::allocator. (static_vector has no allocator.)
#include "engines.hpp"
#include <boost/container/deque.hpp>
#include <boost/container/list.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/version.hpp>

namespace bc = boost::container;

namespace zmm_test {
// Boost 1.91 and later: shrink_to_fit of a string does not compile with an allocator of version 2.
template <class A>
constexpr bool can_shrink<bc::basic_string<char, std::char_traits<char>, A>> = BOOST_VERSION < 109100;

// Boost 1.74 to 1.81, and maybe others: what is move-assigned while its allocator changes hands memory it keeps, a pool of
// nodes or a buffer, to the other one, whose allocator is not that memory's. So it is to have none.
template <class C> struct without_spare_memory {
  static void prepare(C& c) {
    c.clear();
    c.shrink_to_fit();
  }
};
template <class T, class A>
struct before_move_from_another_heap<bc::stable_vector<T, A>> : without_spare_memory<bc::stable_vector<T, A>> {};
template <class T, class A>
struct before_move_from_another_heap<bc::deque<T, A>> : without_spare_memory<bc::deque<T, A>> {};
template <class T, class Traits, class A>
struct before_move_from_another_heap<bc::basic_string<T, Traits, A>>
    : without_spare_memory<bc::basic_string<T, Traits, A>> {};

// However it is moved or swapped, a small_vector takes the other's buffer and frees it to its own heap, or keeps a buffer
// of a heap it left.
template <class T, class A> constexpr bool can_move_across_heaps<bc::small_vector<T, 4, A>> = false;
}  // namespace zmm_test

namespace {
using namespace zmm_test;

template <class T, class A> using small_vector = bc::small_vector<T, 4, A>;

// An allocator that opts out of version 2.
template <class A> struct opted_out : A {
  using version = std::integral_constant<unsigned, 1>;
  template <class U> struct rebind { using other = opted_out<rebound<A, U>>; };
  opted_out() = default;
  template <class B> opted_out(B const& other) : A(other) {}
};
// Boost 1.74 to 1.81, and maybe others: with version 2, its own allocators' too, an slist reverses the ranges it is given,
// and those it copies.
struct slist_of_tracked {
  using ordered = void;
  template <class A> using with = bc::slist<tracked, opted_out<rebound<A, tracked>>>;
};

TEST_CASE_TEMPLATE("containers: Boost's vector, stable_vector and string", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<bc::vector, int>, Heap>("vector of int");
  walk_container<sequence_of<bc::vector, tracked>, Heap>("vector");
  walk_container<sequence_of<bc::stable_vector, tracked>, Heap>("stable_vector");
  walk_container<string_of<bc::basic_string>, Heap>("string");
}

TEST_CASE_TEMPLATE("containers: Boost's small_vector and deque", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<small_vector, tracked>, Heap>("small_vector");
  walk_container<sequence_of<bc::deque, tracked>, Heap>("deque");
}

TEST_CASE_TEMPLATE("containers: Boost's list and slist", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<bc::list, tracked>, Heap>("list");
  walk_container<slist_of_tracked, Heap>("slist");
}
}  // namespace

// Boost's devector on every engine, beside the same container on std::allocator.
#include "engines.hpp"
#include <boost/container/devector.hpp>

namespace bc = boost::container;

namespace zmm_test {
// However it is moved, a devector takes the other's buffer and frees it to its own heap: it says so itself, as something
// yet to be done.
template <class T, class A> constexpr bool can_move_across_heaps<bc::devector<T, A>> = false;

// An assertion of Boost 1.81's fails, of itself, when room is made at the front of an empty one.
template <class T, class A> constexpr bool can_push_front_of_empty<bc::devector<T, A>> = false;
}  // namespace zmm_test

namespace {
using namespace zmm_test;

TEST_CASE_TEMPLATE("containers: Boost's devector", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<bc::devector, tracked>, Heap>("devector");
}
}  // namespace

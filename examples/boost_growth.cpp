// Boost's containers on zmm::allocator: they grow and shrink their blocks in place, and allocate list nodes in bulk.
#include <zmm/allocator.hpp>

#include <boost/container/list.hpp>
#include <boost/container/vector.hpp>

#include <cstdio>
#include <vector>

namespace {
template <class T> using in_heap = zmm::allocator<T, zmm::heap>;

/// Pushes `count` numbers. Returns: how often they moved to another place once there were more than 10,000.
template <class Vector> int moves(Vector& numbers, int count) {
  int moves = 0;
  for (int i = 0; i < count; ++i) {
    int const* const before = numbers.data();
    numbers.push_back(i);
    if (i >= 10000 && numbers.data() != before) ++moves;
  }
  return moves;
}
}  // namespace

int main() {
  zmm::heap heap;
  boost::container::vector<int, in_heap<int>> grown{in_heap<int>{heap}};
  std::vector<int, in_heap<int>> copied{heap};  // std::vector cannot grow its block in place
  int const in_place = moves(grown, 400'000), elsewhere = moves(copied, 400'000);
  std::printf("numbers that grow where they are move less often: %s\n", in_place < elsewhere ? "yes" : "no");

  std::size_t const before = heap.stats().size;
  int const* const place = grown.data();
  grown.resize(100'000);
  grown.shrink_to_fit();  // gives the tail back
  std::size_t const freed = before - heap.stats().size;
  std::printf("shrunk in place: %s\n", grown.data() == place && freed >= 1'200'000 ? "yes" : "no");

  boost::container::list<int, in_heap<int>> list(copied.begin(), copied.end(), in_heap<int>{heap});  // one call for all
  bool is_ordered = true;
  for (auto it = list.begin(), next = std::next(it); next != list.end() && *next < 100; it = next++)
    is_ordered = is_ordered && &*it < &*next;
  std::printf("fresh nodes lie in order: %s\n", is_ordered ? "yes" : "no");
}

// prints: numbers that grow where they are move less often: yes
// prints: shrunk in place: yes
// prints: fresh nodes lie in order: yes

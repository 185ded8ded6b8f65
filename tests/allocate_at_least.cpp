// Where the standard library asks allocators for what they can spare (libc++ in C++23), its containers ask zmm's: counted.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <string>
#include <vector>
#include <version>

namespace {
int asked = 0, plain = 0;

template <class T> struct counted : zmm::allocator<T, zmm::heap> {
  using base = zmm::allocator<T, zmm::heap>;
  template <class U> struct rebind { using other = counted<U>; };
  using base::base;
  template <class U> counted(counted<U> const& other) : base(other) {}

  T* allocate(std::size_t n) { return ++plain, base::allocate(n); }
  auto allocate_at_least(std::size_t n) { return ++asked, base::allocate_at_least(n); }
};

#ifdef __cpp_lib_allocate_at_least
constexpr bool is_asked = true;
#else
constexpr bool is_asked = false;
#endif
}  // namespace

int main() {
  zmm::heap heap;
  bool uses_all = false;
  {
    std::vector<char, counted<char>> bytes(counted<char>{heap});
    std::basic_string<char, std::char_traits<char>, counted<char>> text(counted<char>{heap});
    for (int i = 0; i < 3000; ++i) bytes.push_back('x'), text.push_back('x');
    bytes.clear(), bytes.shrink_to_fit(), bytes.reserve(1025);
    uses_all = bytes.capacity() > 1025 && bytes.capacity() == heap.usable_size(bytes.data());  // the bin's size, not what was asked for
  }
  heap.verify();
  bool const right = is_asked ? asked > 10 && plain == 0 && uses_all : asked == 0 && plain > 10 && !uses_all;
  if (right && heap.stats().size == 0) return std::puts("ok") < 0;
  std::printf("allocate_at_least: asked %d times, plainly %d times, all used: %d\n", asked, plain, uses_all);
}

// A program that deletes with other sizes than it allocated, on replace_new_unsized.hpp.
#include <zmm/replace_new_unsized.hpp>
#include <zmm/zmm.hpp>

#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

namespace {
struct message {
  unsigned n;
  char text[4];
};
message* make(unsigned n, int value) {  // with room behind it
  auto* m = static_cast<message*>(::operator new(sizeof(message) + n));
  m->n = n;
  std::memset(m->text, value, n);
  return m;
}
struct alignas(64) wide {
  char bytes[64];
};
}  // namespace

int main() {
  std::vector<message*> kept;
  for (unsigned i = 0; i < 4000; ++i) {
    message* const m = make(i % 5000, 3);
    if (i % 2 == 0) ::operator delete(m, sizeof(message));
    else kept.push_back(m);
  }
  for (int i = 0; i < 1000; ++i) ::operator delete[](new char[8], std::size_t{3000});
  for (int i = 0; i < 1000; ++i) {
    wide* volatile const three = new wide[3];  // the compiler must not see that the forms do not match
    ::operator delete(three, sizeof(wide), std::align_val_t{64});
  }
  zmm::thread_heap::collect();
  for (unsigned i = 0; i < 4000; ++i) kept.push_back(make(200, 9));
  bool whole = true;
  for (std::size_t i = 0; i < 2000; ++i)
    for (unsigned k = 0; k < kept[i]->n; ++k) whole = whole && kept[i]->text[k] == 3;
  zmm::thread_heap::verify();
  for (message* m : kept) ::operator delete(m, sizeof(message));
  std::puts(whole ? "ok" : "a live block was handed out again");
  return whole ? 0 : 1;
}

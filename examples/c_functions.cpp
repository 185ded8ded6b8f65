// C code on a heap: its functions keep their form, forgotten blocks are reported by line, and all are freed at the end.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <cstring>

namespace {
/// As in C, but with emalloc and its relatives instead of malloc's.
struct line {
  char* text;
  line* next;
};
line* read_lines(char const* from) {
  line* newest = nullptr;
  while (*from != '\0') {
    std::size_t const length = std::strcspn(from, "\n");
    auto* const l = static_cast<line*>(zmm::emalloc(sizeof(line)));
    l->text = zmm::estrndup(from, length);
    l->next = newest;
    newest = l;
    from += length + (from[length] != '\0');
  }
  return newest;
}

void report(zmm::leak_report const& left) noexcept {
  for (std::size_t i = 0; i < left.count; ++i)
    std::printf("line %u: %zu blocks left\n", left.leaks[i].line, left.leaks[i].blocks);
}
}  // namespace

int main() {
  zmm::set_leak_sink(&report);
  zmm::debug_heap heap;
  zmm::mm_heap mm{heap};
  zmm::use_heap scope{mm};

  for (line* l = read_lines("one\ntwo\nthree"); l != nullptr; l = l->next) std::printf("%s\n", l->text);
  zmm::shutdown_memory_manager(false, false);
  std::printf("%zu bytes in use\n", zmm::memory_get_usage());
}

// prints: three
// prints: two
// prints: one
// prints: line 17: 3 blocks left
// prints: line 18: 3 blocks left
// prints: 0 bytes in use

#include "pair.hpp"

#include "../subjects/floor.hpp"
#include "../subjects/zmm.hpp"

namespace {

template <class Subject> void pairs(std::size_t bytes, std::size_t count) {
  static Subject subject;
  for (std::size_t i = 0; i < count; ++i) {
    void* p = subject.allocate(bytes, 8);
    bench::keep(p);
    subject.deallocate(p, bytes, 8);
  }
}

struct entry {
  char const* name;
  void (*pairs)(std::size_t bytes, std::size_t count);
};
constexpr entry entries[] = {{"floor", &pairs<bench::floor_pmr>},
                             {"zmm_heap", &pairs<bench::zmm_heap_pmr>},
                             {"zmm_synchronized", &pairs<bench::zmm_synchronized_pmr>},
                             {"zmm_thread_heap", &pairs<bench::zmm_thread_resource>}};

}  // namespace

char const* pair_subject_name(std::size_t subject) noexcept {
  return subject < sizeof entries / sizeof *entries ? entries[subject].name : nullptr;
}
void pair_subject_pairs(std::size_t subject, std::size_t bytes, std::size_t count) {
  entries[subject].pairs(bytes, count);
}

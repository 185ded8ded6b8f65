// How many pages does a request touch if there is no warm memory?
//
// memory/pages_touched <subject>: each subject in its own process; 20,000 mixed small blocks through pmr, half of them freed
// at once or with a lag, one word written into each; prints one JSON object for each way of freeing. Without arguments: names.
//
// Counts the anonymous pages that became resident in the process, with huge pages switched off: so the allocator's tables and
// headers count, too.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstring>

#include "../subjects/all.hpp"
#include "../support/child.hpp"
#include "../support/process.hpp"
#include "../support/thread_locals.hpp"
#include "../support/trace.hpp"

namespace {

using bench::freeing;

constexpr std::size_t blocks = 20'000;

// Untouched memory, unlike the buffers of the other questions.
class cold_monotonic {
public:
  static constexpr char const* name = "std_monotonic";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return own_.allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { own_.deallocate(p, n, a); }

private:
  static constexpr std::size_t bytes = std::size_t{16} << 20;
  void* buffer_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::pmr::monotonic_buffer_resource own_{buffer_, bytes};
};

using touched_subjects = bench::subjects<bench::zmm_request_pmr, bench::zmm_heap_pmr, cold_monotonic,
                                         bench::new_delete_pmr, bench::mimalloc_pmr, bench::php_pmr>;

template <class Subject>
void replay(Subject& subject, bench::request_trace const& trace, freeing how, std::vector<void*>& live) {
  auto const take = [&](std::size_t i) {
    live[i] = subject.allocate(trace.sizes[i], 8);
    *static_cast<std::size_t*>(live[i]) = i;
  };
  for (std::size_t i = 0; i + 1 < blocks; i += 2) {
    take(i);
    if (how == freeing::half_at_once) subject.deallocate(live[i], trace.sizes[i], 8);
    take(i + 1);
    if (how == freeing::half_at_once) continue;
    auto const victim = trace.victims[i / 2];
    subject.deallocate(live[victim], trace.sizes[victim], 8);
  }
}

template <class Subject> void measure() {
  for (auto const how : {freeing::half_at_once, freeing::half_with_lag}) {
    bench::in_child([&] {
      auto const trace = bench::make_trace(blocks, how);
      std::vector<void*> live(blocks);
      static_cast<void>(bench::anonymous_bytes());  // its own buffers
      auto const before = bench::anonymous_bytes();
      auto* const subject = new Subject;
      replay(*subject, trace, how, live);
      std::printf("{\"subject\": \"%s\", \"how\": \"%s\", \"pages\": %zu}\n", Subject::name, bench::name_of(how),
                  (bench::anonymous_bytes() - before) / 4096);
      std::fflush(stdout);
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::make_room_for_thread_locals(argv);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  bench::for_each_present(touched_subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    if (argc < 2) return static_cast<void>(std::puts(S::name));
    if (std::strcmp(argv[1], S::name) == 0) measure<S>();
  });
}

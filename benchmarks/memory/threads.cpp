// How much memory do threads leave behind?
//
// memory/threads <trace> <subject> [amount]: each subject runs in its own process; prints one JSON object for each phase,
// without arguments the names.
//
// pipe [seconds, 60]: one thread allocates blocks of 8 to 1024 bytes and sends them, another frees them; resident memory after
// a sixth of the time and at its end.
// leavers [threads, 10,000]: each thread allocates 1000 blocks and ends, eight at a time; the main thread frees them. Resident
// memory after the first 100 threads (the warm-up), at the end, and after the subject's own collect and trim; for zmm also the
// bytes taken from storage. At the end only the main thread is left.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "../subjects/all.hpp"
#include "../support/pipe.hpp"
#include "../support/process.hpp"
#include "../support/random.hpp"
#include "../support/thread_locals.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

template <class Subject> std::size_t real_bytes(Subject& subject) {
  if constexpr (std::is_same_v<Subject, bench::zmm_thread_heap>) {
    return zmm::thread_heap::real_size();
  } else if constexpr (std::is_same_v<Subject, bench::zmm_synchronized>) {
    return subject.engine.real_size();
  } else {
    return 0;
  }
}

template <class Subject> class measured {
public:
  explicit measured(char const* trace) : trace_{trace} {}

  void pipe(double seconds) {
    auto const line = std::make_unique<bench::pipe>();
    std::atomic<bool> over{false};
    std::atomic<std::size_t> blocks{0};
    std::thread sender{[&] {
      bench::random_source random{1};
      for (std::size_t sent = 0; !over; ++sent) {
        std::size_t const bytes = random.between(8, 1024);
        void* const p = subject_.allocate(bytes, 8);
        *static_cast<std::size_t*>(p) = bytes;
        line->send(p);
        blocks.store(sent, std::memory_order_relaxed);
      }
      void* const last = subject_.allocate(8, 8);
      *static_cast<std::size_t*>(last) = 0;
      line->send(last);
      line->show();
    }};
    std::thread receiver{[&] {
      for (;;) {
        auto* const p = static_cast<std::size_t*>(line->receive());
        std::size_t const bytes = *p;
        subject_.deallocate(p, bytes != 0 ? bytes : 8, 8);
        if (bytes == 0) return;
      }
    }};
    auto const start = clock_type::now();
    auto const until = [&](double at) {
      std::this_thread::sleep_until(
          start + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>{at}));
    };
    until(seconds / 6);
    report("a sixth", blocks);
    until(seconds);
    report("end", blocks);
    over = true;
    sender.join();
    receiver.join();
  }

  void leavers(std::size_t threads) {
    constexpr std::size_t at_once = 8, each = 1000;
    std::vector<std::array<void*, each>> left(at_once);
    auto const batches = [&](std::size_t count) {
      for (std::size_t batch = 0; batch < count; ++batch) {
        std::vector<std::thread> running;
        for (auto& mine : left)
          running.emplace_back([&] {
            for (std::size_t i = 0; i < each; ++i)
              std::memset(mine[i] = subject_.allocate(size_of(i), 8), 1, size_of(i));
          });
        for (auto& t : running) t.join();
        for (auto& theirs : left)
          for (std::size_t i = 0; i < each; ++i) subject_.deallocate(theirs[i], size_of(i), 8);
      }
    };
    batches(100 / at_once);
    subject_.trim();
    report("warm", 100);
    batches(threads / at_once);
    report("end", threads);
    subject_.trim();
    report("trimmed", threads);
  }

private:
  static std::size_t size_of(std::size_t i) { return 16 + i % 60 * 8; }

  void report(char const* phase, std::size_t amount) {
    std::printf("{\"trace\": \"%s\", \"subject\": \"%s\", \"phase\": \"%s\", \"amount\": %zu, \"resident\": %zu, "
                "\"real_size\": %zu}\n",
                trace_, Subject::name, phase, amount, bench::resident_bytes(), real_bytes(subject_));
    std::fflush(stdout);
  }

  char const* trace_;
  Subject subject_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::make_room_for_thread_locals(argv);
  bool done = false;
  bench::for_each_present(bench::direct_thread_subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    if (argc < 3) return static_cast<void>(std::puts(S::name));
    if (std::strcmp(argv[2], S::name) != 0) return;
    done = true;
    measured<S> subject{argv[1]};
    if (std::strcmp(argv[1], "pipe") == 0) subject.pipe(argc > 3 ? std::atof(argv[3]) : 60);
    if (std::strcmp(argv[1], "leavers") == 0) subject.leavers(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 10'000);
  });
  return argc < 3 || done ? 0 : 1;
}

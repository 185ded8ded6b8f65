// What does a request cost while another thread serves requests too: out of the same pool, out of a pool of its own, or
// not at all?
//
// threads/<request>/<where the other thread takes its memory>: the CPU time of the measured thread, a request. Requests:
// one block of 64 bytes; 100 blocks of 64 bytes; two blocks of 8 KiB, which have pages of their own.
// threads/handed_over/shared: the other thread ends what this one begins, one block of 64 bytes.
#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "../subjects/all.hpp"

namespace bench {
namespace {

struct kind {
  char const* name;
  std::size_t blocks, bytes;
};
constexpr kind kinds[] = {{"one_block", 1, 64}, {"100_blocks", 100, 64}, {"two_runs", 2, 8192}};

void serve(zmm::request_pool& pool, kind const& what) {
  zmm::request_heap request{pool};
  for (std::size_t i = 0; i < what.blocks; ++i) {
    void* p = request.allocate(what.bytes, 8);
    keep(p);
    *static_cast<std::size_t*>(p) = i;
  }
}

// Runs `body` over and over on another thread while this lives.
template <class Body> class meanwhile {
public:
  explicit meanwhile(Body body)
      : thread_{[this, body] {
          do {
            body();
            begun_ = true;
          } while (!done_.load(std::memory_order_relaxed));
        }} {
    while (!begun_) std::this_thread::yield();
  }
  meanwhile(meanwhile const&) = delete;
  meanwhile& operator=(meanwhile const&) = delete;
  ~meanwhile() {
    done_ = true;
    thread_.join();
  }

private:
  std::atomic<bool> begun_{false}, done_{false};
  std::thread thread_;
};

void alone(benchmark::State& state, kind const& what) {
  zmm::request_pool pool;
  for (auto _ : state) serve(pool, what);
}

void beside(benchmark::State& state, kind const& what, bool shared) {
  zmm::request_pool pool, own;
  zmm::request_pool& others = shared ? pool : own;
  meanwhile const other{[&] {
    for (int i = 0; i < 100; ++i) serve(others, what);
  }};
  for (auto _ : state) serve(pool, what);
}

// Requests on their way from the thread that begins them to the one that ends them, in a ring.
class handing_over {
public:
  void begin_one(zmm::request_pool& pool) {
    place& p = places_[begun_++ % count];
    while (p.full.load(std::memory_order_acquire)) std::this_thread::yield();
    auto* const request = ::new (p.room) zmm::request_heap{pool};
    *static_cast<std::size_t*>(request->allocate(64, 8)) = begun_;
    p.full.store(true, std::memory_order_release);
  }
  void end_some() {
    for (;; ++ended_) {
      place& p = places_[ended_ % count];
      if (!p.full.load(std::memory_order_acquire)) return;
      std::launder(reinterpret_cast<zmm::request_heap*>(p.room))->~basic_request_heap();
      p.full.store(false, std::memory_order_release);
    }
  }

private:
  static constexpr std::size_t count = 1024;
  struct alignas(128) place {
    std::atomic<bool> full{false};
    alignas(zmm::request_heap) unsigned char room[sizeof(zmm::request_heap)];
  };

  std::vector<place> places_{count};
  std::size_t begun_ = 0;
  alignas(128) std::size_t ended_ = 0;
};

void handed_over(benchmark::State& state) {
  zmm::request_pool pool;
  handing_over ring;
  {
    meanwhile const other{[&] { ring.end_some(); }};
    for (auto _ : state) ring.begin_one(pool);
  }
  ring.end_some();
}

}  // namespace

void register_question() {
  for (kind const& what : kinds) {
    std::string const question = std::string{"threads/"} + what.name;
    add(question, "alone", [what](benchmark::State& state) { alone(state, what); });
    add(question, "own_pools", [what](benchmark::State& state) { beside(state, what, false); });
    add(question, "shared_pool", [what](benchmark::State& state) { beside(state, what, true); });
  }
  add("threads/handed_over", "shared_pool", handed_over);
}

}  // namespace bench

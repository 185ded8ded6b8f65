// request_pool under threads: requests handed over, trims and limits meanwhile, storage that refuses, forks.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
using request_ptr = std::unique_ptr<zmm::request_resource>;

// The blocks of a request. Without memory of its own: the child of a fork cannot trust malloc, which a sanitizer may have
// replaced by one that does not survive it.
struct filled {
  unsigned char* p;
  size_t bytes;
  unsigned char mark;
};
class filled_blocks {
public:
  void push(filled block) { blocks_[count_++] = block; }
  filled take(size_t at) {
    filled const taken = blocks_[at];
    blocks_[at] = blocks_[--count_];
    return taken;
  }
  size_t size() const { return count_; }
  bool full() const { return count_ == capacity; }
  filled const* begin() const { return blocks_; }
  filled const* end() const { return blocks_ + count_; }

private:
  static constexpr size_t capacity = 800;
  filled blocks_[capacity];
  size_t count_ = 0;
};

// Fills a request with blocks of all kinds that carry `seed`. Returns: false if memory was refused on the way.
bool fill(zmm::request_resource& request, std::uint64_t seed, filled_blocks& blocks) {
  random_source random{seed};
  size_t const count = random.one_in(8) ? 400 : 20;
  for (size_t i = 0; i < count && !blocks.full(); ++i) {
    size_t const bytes = random.one_in(60)   ? random.between(chunk, 2 * chunk)
                         : random.one_in(10) ? random.between(3000, 40000)
                                             : random.between(1, 600);
    auto* const p = static_cast<unsigned char*>(request.try_allocate(bytes, 8));
    if (p == nullptr) return false;
    auto const mark = static_cast<unsigned char>(seed + i);
    p[0] = p[bytes - 1] = mark;
    blocks.push({p, bytes, mark});
    if (!random.one_in(3)) continue;
    filled const freed = blocks.take(random.below(blocks.size()));
    request.deallocate(freed.p, freed.bytes, 8);
  }
  return true;
}
bool intact(filled_blocks const& blocks) {
  for (filled const& b : blocks)
    if (b.p[0] != b.mark || b.p[b.bytes - 1] != b.mark) return false;
  return true;
}

struct job {
  request_ptr request;
  std::unique_ptr<filled_blocks> blocks = std::make_unique<filled_blocks>();
};

// A place where requests change hands.
class exchange {
public:
  void put(job&& one) {
    std::lock_guard<std::mutex> const lock(mutex_);
    jobs_.push_back(std::move(one));
  }
  bool take(job& one) {
    std::lock_guard<std::mutex> const lock(mutex_);
    if (jobs_.empty()) return false;
    one = std::move(jobs_.back());
    jobs_.pop_back();
    return true;
  }
  void clear() { jobs_.clear(); }

private:
  std::mutex mutex_;
  std::vector<job> jobs_;
};

// Begins requests, hands some over, goes on with others' and ends them. Returns: whether all contents were kept.
bool work(zmm::request_pool& pool, exchange& handed, std::uint64_t seed, size_t rounds) {
  random_source random{seed};
  bool kept = true;
  for (size_t i = 0; i < rounds; ++i) {
    job mine;
    if (random.one_in(2) || !handed.take(mine)) mine.request = std::make_unique<zmm::request_resource>(pool);
    (void)fill(*mine.request, random.next(), *mine.blocks);
    if (random.one_in(2)) handed.put(std::move(mine));
    else kept = kept && intact(*mine.blocks);
  }
  return kept;
}

template <class Body> void on_threads(size_t count, Body body) {
  std::vector<std::thread> threads;
  for (size_t t = 0; t < count; ++t) threads.emplace_back([&body, t] { body(t); });
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("pool threads: requests begun on one thread and ended on another, with trims and limits meanwhile") {
  checking_storage checked;
  counting_storage source{checked};
  {
    zmm::request_pool pool{source};
    exchange handed;
    std::atomic<bool> kept{true};
    on_threads(5, [&](size_t t) {
      if (t != 0) {
        if (!work(pool, handed, t, scaled(150))) kept = false;
        return;
      }
      for (size_t i = 0; i < scaled(150); ++i) {
        (void)pool.trim();
        (void)pool.set_limit(i % 3 == 0 ? 40 * chunk : ~size_t{0});
        zmm::pool_statistics const s = pool.stats();
        if (s.used > s.real_size || s.in_flight > 100000) kept = false;
        std::this_thread::yield();
      }
    });
    CHECK(kept);
    handed.clear();
    pool.verify();
    zmm::pool_statistics const s = pool.stats();
    CHECK(s.in_flight == 0);
    CHECK(s.used == 0);
    CHECK(s.real_size == source.live());
    (void)pool.trim();
    CHECK(pool.stats().slabs_free == 0);
    CHECK(source.live() == 0);
  }
}

TEST_CASE("pool threads: storage that refuses") {
  checking_storage checked;
  failing_storage source{checked};  // called under the pool's lock
  zmm::request_pool pool{source};
  for (std::uint64_t round = 0; round < 3; ++round) {
    source.fail_one_in(2 + round, round);
    exchange handed;
    std::atomic<bool> kept{true};
    on_threads(4, [&](size_t t) {
      if (!work(pool, handed, 10 * round + t, scaled(80))) kept = false;
      (void)pool.trim();
    });
    CHECK(kept);
    source.disarm();
    handed.clear();
    pool.verify();
    CHECK(pool.stats().used == 0);
    CHECK(pool.stats().in_flight == 0);
    CHECK(pool.set_limit(chunk * 8));
    (void)pool.trim();
    CHECK(checked.empty());
  }
}

TEST_CASE("pool threads: a limit is exact while threads end and begin requests") {
  counting_storage source;
  zmm::request_pool pool{source};
  size_t const limit = 5 * chunk;
  REQUIRE(pool.set_limit(limit));
  exchange handed;
  on_threads(4, [&](size_t t) { (void)work(pool, handed, 77 + t, scaled(150)); });
  CHECK(source.peak() <= limit);
  handed.clear();
  pool.verify();
  // What other threads left warm is there for one that needs all of it.
  zmm::request_resource last{pool};
  CHECK(last.try_allocate(limit - chunk, 8) != nullptr);
}

TEST_CASE("pool threads: what one thread left warm, another takes before storage is asked") {
  counting_storage source;
  zmm::request_pool pool{source};
  auto const serve = [&pool] {
    zmm::request_resource request{pool};
    for (int i = 0; i < 300; ++i) (void)request.allocate(2000, 8);
    (void)request.allocate(70000, 8);
  };
  std::thread(serve).join();
  size_t const before = source.takings();
  for (int i = 0; i < 40; ++i) std::thread(serve).join();  // more threads than any pool has places for
  CHECK(source.takings() == before);
  pool.verify();
}

TEST_CASE("pool threads: trim reaches what ended threads left warm") {
  counting_storage source;
  zmm::request_pool pool{source};
  on_threads(20, [&](size_t t) {
    filled_blocks blocks;
    zmm::request_resource request{pool};
    (void)fill(request, t, blocks);
  });
  CHECK(source.live() > 0);
  (void)pool.trim();
  CHECK(source.live() == 0);
  CHECK(pool.stats().real_size == 0);
}

TEST_CASE("pool threads: warm memory that nobody uses any more goes back while others go on") {
  counting_storage source;
  zmm::request_pool pool{source};
  std::atomic<int> full{0};
  on_threads(12, [&](size_t) {
    zmm::request_resource request{pool};
    for (int i = 0; i < 700; ++i) (void)request.allocate(2000, 8);
    for (int i = 0; i < 8; ++i) (void)request.allocate(50000, 8);
    ++full;
    while (full != 12) std::this_thread::yield();  // all hold memory at once
  });
  size_t const after_peak = pool.real_size();
  CHECK(after_peak >= 8 * chunk);
  for (int i = 0; i < 256 * 12; ++i) {
    zmm::request_resource request{pool};
    (void)request.allocate(100, 8);
  }
  CHECK(pool.real_size() <= 3 * chunk);
  pool.verify();
}

TEST_CASE("pool threads: requests that one thread begins and another ends do not make it grow") {
  counting_storage source;
  zmm::request_pool pool{source};
  std::atomic<zmm::request_resource*> slot{nullptr};
  std::atomic<bool> done{false};
  std::thread ends([&] {
    for (;;) {
      bool const last = done;
      delete slot.exchange(nullptr);
      if (last) return;
    }
  });
  size_t const rounds = scaled(20000);
  size_t early = 0;
  for (size_t i = 0; i < rounds; ++i) {
    auto request = std::make_unique<zmm::request_resource>(pool);
    (void)request->allocate(100, 8);
    (void)request->allocate(9000, 8);
    delete slot.exchange(request.release());
    if (i == rounds / 4) early = source.peak();
  }
  done = true;
  ends.join();
  CHECK(source.peak() <= early + chunk);
  CHECK(pool.stats().in_flight == 0);
  CHECK(pool.stats().ended == rounds);
  pool.verify();
}

// What the child of a fork does with a pool that other threads were working with. Returns: its exit status.
int live_on(zmm::request_pool& pool, std::uint64_t seed) {
  pool.verify();
  for (std::uint64_t i = 0; i < 20; ++i) {
    filled_blocks blocks;
    zmm::request_resource request{pool};
    if (!fill(request, seed + i, blocks) || !intact(blocks)) return 1;
    request.verify();
  }
  (void)pool.trim();
  pool.verify();
  if (pool.stats().used > pool.real_size()) return 2;
  pool.~basic_request_pool();  // requests of threads that are not there never end
  return 0;
}

TEST_CASE("pool threads: the child of a fork goes on while other threads were in the pool") {
  zmm::request_pool pool;
  exchange handed;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; !done; ++i) {
        (void)work(pool, handed, 1000 * t + i, 5);
        if (i % 32 == 0) (void)pool.trim();
        filled_blocks blocks;
        zmm::request_resource other;  // of the default pool
        (void)fill(other, i, blocks);
      }
    });
  int failed = 0;
  for (std::uint64_t i = 0; i < scaled(30); ++i) {
    pid_t const child = ::fork();
    if (child == 0) {
      int const status = live_on(pool, i);
      if (status != 0) ::_exit(status);
      filled_blocks blocks;
      zmm::request_resource request;
      ::_exit(fill(request, i, blocks) && intact(blocks) ? 0 : 3);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    failed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  CHECK(failed == 0);
  done = true;
  for (std::thread& t : threads) t.join();
  handed.clear();
  pool.verify();
  CHECK(pool.stats().in_flight == 0);
}
}  // namespace

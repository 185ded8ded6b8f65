// What do blocks of whole pages and of whole chunks cost: allocating and freeing one, and a queue of 32 live blocks?
//
// large/pair/<bytes>: allocate, write the first word of every page, free. A program would write to such a block, too, and
// the writes show whether its memory was kept or has to be faulted in again.
// large/queue/<range>: free the oldest of 32 blocks, allocate one of a random size in the range, and write its first word.
#include "../subjects/all.hpp"
#include "../support/random.hpp"

namespace bench {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

using large_subjects = subjects<zmm_heap, zmm_request, new_delete, mimalloc_heap, jemalloc, tcmalloc, php_emalloc>;

template <class Subject> void pair(benchmark::State& state, std::size_t bytes) {
  Subject subject;
  for (auto _ : state) {
    void* p = subject.allocate(bytes, 8);
    for (std::size_t at = 0; at < bytes; at += page) *(static_cast<unsigned char*>(p) + at) = 1;
    keep(p);
    subject.deallocate(p, bytes, 8);
  }
}

struct block {
  void* address;
  std::size_t bytes;
};

template <class Subject> void queue(benchmark::State& state, std::size_t first, std::size_t last) {
  constexpr std::size_t live_blocks = 32;
  Subject subject;
  random_source random{10};
  std::vector<std::size_t> sizes(4096);
  for (auto& s : sizes) s = random.between(first, last);
  std::vector<block> live(live_blocks);
  std::size_t next = 0;
  for (auto& b : live) {
    b = {nullptr, sizes[next++]};
    b.address = subject.allocate(b.bytes, 8);
  }
  for (auto _ : state) {
    auto& b = live[next % live_blocks];
    subject.deallocate(b.address, b.bytes, 8);
    b.bytes = sizes[next++ % sizes.size()];
    b.address = subject.allocate(b.bytes, 8);
    keep(b.address);
    *static_cast<std::size_t*>(b.address) = next;
  }
  for (auto& b : live) subject.deallocate(b.address, b.bytes, 8);
}

}  // namespace

void register_question() {
  for (std::size_t const bytes : {page, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib, 64 * mib}) {
    for_each_present(large_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("large/pair/" + std::to_string(bytes), S::name, [=](benchmark::State& state) { pair<S>(state, bytes); });
    });
  }
  struct range {
    char const* name;
    std::size_t first, last;
  };
  for (range const r :
       {range{"4k-32k", 4 * kib, 32 * kib}, range{"4k-512k", 4 * kib, 512 * kib}, range{"2m-16m", 2 * mib, 16 * mib}}) {
    for_each_present(large_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add(std::string{"large/queue/"} + r.name, S::name,
          [=](benchmark::State& state) { queue<S>(state, r.first, r.last); });
    });
  }
}

}  // namespace bench

// What does it cost to replace a random one of 10,000 live blocks by a block of another size?
//
// One iteration is one step: free a block, allocate another, write one word into it. Slots and sizes come from a table of
// 65,536 steps, over and over.
#include "../subjects/all.hpp"
#include "../support/sizes.hpp"

namespace bench {
namespace {

constexpr std::size_t live_blocks = 10'000;
constexpr std::size_t table_steps = 65'536;

struct step {
  std::uint32_t slot;
  std::uint32_t bytes;
};

std::vector<step> const& table() {
  static std::vector<step> const steps = [] {
    std::vector<step> result(table_steps);
    random_source random{4};
    for (auto& s : result) s = {static_cast<std::uint32_t>(random.between(0, live_blocks - 1)), mixed_small(random)};
    return result;
  }();
  return steps;
}

struct live_block {
  void* address;
  std::size_t bytes;
};

template <class Subject> void churn(benchmark::State& state) {
  Subject subject;
  auto const& steps = table();
  random_source random{5};
  std::vector<live_block> live(live_blocks);
  for (auto& b : live) {
    b.bytes = mixed_small(random);
    b.address = subject.allocate(b.bytes, 8);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    auto const s = steps[next++ % table_steps];
    auto& b = live[s.slot];
    subject.deallocate(b.address, b.bytes, 8);
    b.bytes = s.bytes;
    b.address = subject.allocate(s.bytes, 8);
    keep(b.address);
    *static_cast<std::size_t*>(b.address) = next;
  }
  for (auto& b : live) subject.deallocate(b.address, b.bytes, 8);
}

}  // namespace

void register_question() {
  for_each_present(direct_subjects{}, [](auto tag) {
    using S = typename decltype(tag)::type;
    add("churn/direct", S::name, churn<S>);
  });
  add("churn/pmr", floor_pmr::name, churn<floor_pmr>);  // the cost of the loop and two virtual calls alone
  for_each_present(pmr_subjects{}, [](auto tag) {
    using S = typename decltype(tag)::type;
    add("churn/pmr", S::name, churn<S>);
  });
}

}  // namespace bench

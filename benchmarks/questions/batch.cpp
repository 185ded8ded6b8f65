// What does an operation cost if 1000 blocks are allocated and then freed: newest first, oldest first, or in random order?
#include <algorithm>
#include <numeric>

#include "../subjects/all.hpp"
#include "../support/sizes.hpp"

namespace bench {
namespace {

constexpr std::size_t blocks = 1000;

std::vector<std::uint32_t> order_of(std::string const& order) {
  std::vector<std::uint32_t> result(blocks);
  std::iota(result.begin(), result.end(), 0u);
  random_source random{2};
  if (order == "lifo") std::reverse(result.begin(), result.end());
  if (order == "random") shuffle(result, random);
  return result;
}

template <class Subjects> void batch(std::string const& face, std::string const& order, bool mixed) {
  std::vector<std::uint32_t> sizes(blocks, 64);
  random_source random{3};
  if (mixed) std::generate(sizes.begin(), sizes.end(), [&] { return mixed_small(random); });
  auto const question = "batch/" + face + "/" + (mixed ? "mixed/" : "64/") + order;
  for_each_present(Subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    add(question, S::name, [sizes, freed = order_of(order)](benchmark::State& state) {
      S subject;
      std::vector<void*> live(blocks);
      for (auto _ : state) {
        for (std::size_t i = 0; i < blocks; ++i) {
          live[i] = subject.allocate(sizes[i], 8);
          keep(live[i]);
          *static_cast<std::size_t*>(live[i]) = i;
        }
        for (auto const i : freed) subject.deallocate(live[i], sizes[i], 8);
      }
      count_operations(state, 2 * blocks);
    });
  });
}

}  // namespace

void register_question() {
  for (bool const mixed : {false, true}) {
    for (char const* order : {"lifo", "fifo", "random"}) {
      batch<direct_subjects>("direct", order, mixed);
      batch<pmr_subjects>("pmr", order, mixed);
    }
  }
}

}  // namespace bench

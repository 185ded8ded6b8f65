// How well the page layer packs: chunks held over a walk, against best fit over every gap of every chunk.
#include "layer_with_source.hpp"

#include "../support/plain_best_fit.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <map>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using geometry = zmm::geometry<256 * 1024, 4096>;
using layer = layer_with_source<geometry>;
using chunk = layer::chunk_type;
using zmm::detail::admission;
using zmm::detail::page_entry;

struct both {
  void* mine;
  page_run models;
};

// The mean number of chunks held by the layer, over that of the model, for runs of 1 to `largest` pages.
double held_against_best_fit(size_t largest, std::uint64_t seed) {
  layer pages{zmm::os_storage()};
  plain_best_fit<geometry::pages, 1> model;
  std::map<std::uintptr_t, size_t> used;  // live pages of each of the layer's chunks
  std::vector<both> live;
  random_source random{seed};
  size_t total = 0, target = 0;
  double mine = 0, models = 0;
  for (size_t step = 0; step < scaled(20000); ++step) {
    if (step % 4000 == 0) target = random.between(4, 40) * zmm::detail::usable_pages<geometry>;
    if (total < target) {
      size_t const count = random.between(1, largest);
      admission asked;
      void* const run = pages.take_pages(count, 1, asked);
      REQUIRE(run != nullptr);
      chunk::of(run)->map[chunk::page_of(run)] = page_entry::large(count);
      live.push_back({run, model.take(count)});
      used[reinterpret_cast<std::uintptr_t>(chunk::of(run))] += count;
      total += count;
    } else {
      size_t const i = random.below(live.size());
      both const gone = live[i];
      live[i] = live.back();
      live.pop_back();
      pages.give_pages(gone.mine, gone.models.count);
      model.give(gone.models);
      auto const of = used.find(reinterpret_cast<std::uintptr_t>(chunk::of(gone.mine)));
      if ((of->second -= gone.models.count) == 0) used.erase(of);
      total -= gone.models.count;
    }
    mine += static_cast<double>(used.size());
    models += static_cast<double>(model.held());
  }
  pages.verify(nullptr);
  for (both const& b : live) pages.give_pages(b.mine, b.models.count);
  return mine / models;
}

TEST_CASE("packing: chunks are held as by best fit over every gap of every chunk") {
  for (size_t largest : {size_t{3}, size_t{8}, size_t{20}, size_t{60}}) {
    for (std::uint64_t seed : {71u, 72u}) {
      double const ratio = held_against_best_fit(largest, seed);
      INFO("runs of up to ", largest, " pages: ", ratio);
      CHECK(ratio < 1.05);
    }
  }
}

}  // namespace

// The hot operations, each repeated a known number of times inside one function called `measured`, so that callgrind
// counts that and nothing else.
//
// hot_operations <operation>: prints how many times the operation was done. See check for the rest.
#include <zmm/zmm.hpp>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <vector>

#include "../support/address_storage.hpp"
#include "../support/keep.hpp"
#include "../support/sizes.hpp"
#include "../support/trace.hpp"

namespace {

using bench::keep;

struct node {
  void* links[8];
};

// Everything counted runs in here: body is called `times` times.
template <class Body> [[gnu::noinline]] void measured(std::size_t times, Body body) {
  for (std::size_t i = 0; i < times; ++i) body(i);
}

// Runs once to warm up, uncounted, then counted.
template <class Body> std::size_t count(std::size_t times, Body body) {
  for (std::size_t i = 0; i < times; ++i) body(i);
  measured(times, body);
  return times;
}

std::size_t typed_pair() {
  zmm::heap heap;
  zmm::allocator<node, zmm::heap> allocator{heap};
  return count(10'000, [&](std::size_t) {
    node* p = allocator.allocate(1);
    keep(p);
    allocator.deallocate(p, 1);
    keep(p);  // or the next allocation is known to find what was just freed
  });
}

template <class Resource> std::size_t pmr_pair(std::size_t bytes = 64, std::size_t alignment = 8) {
  Resource own;
  auto* const resource = bench::opaque<std::pmr::memory_resource>(&own);
  return count(10'000, [&](std::size_t) {
    void* p = resource->allocate(bytes, alignment);
    keep(p);
    resource->deallocate(p, bytes, alignment);
  });
}

std::size_t churn_step() {
  zmm::heap_resource own;
  auto* const resource = bench::opaque<std::pmr::memory_resource>(&own);
  bench::random_source random{1};
  struct block {
    void* address;
    std::uint32_t bytes;
  };
  std::vector<block> live(1000);
  for (auto& b : live) b = {resource->allocate(64, 8), 64};
  std::vector<block*> order(10'000);
  std::vector<std::uint32_t> sizes(order.size());
  for (auto& b : order) b = &live[random.between(0, live.size() - 1)];
  for (auto& s : sizes) s = bench::mixed_small(random);
  return count(order.size(), [&](std::size_t i) {
    auto& b = *order[i];
    resource->deallocate(b.address, b.bytes, 8);
    b = {resource->allocate(sizes[i], 8), sizes[i]};
  });
}

std::size_t request_create_end() {
  return count(2000, [](std::size_t) {
    zmm::request_resource request;
    void* p = request.allocate(64, 8);
    keep(p);
  });
}

std::size_t request_replay(std::size_t blocks, std::size_t times) {
  auto const trace = bench::make_trace(blocks, bench::freeing::half_with_lag);
  std::vector<void*> live(blocks);
  zmm::request_resource own;
  auto* const resource = bench::opaque<std::pmr::memory_resource>(&own);
  return count(times, [&](std::size_t) {
    for (std::size_t i = 0; i + 1 < blocks; i += 2) {
      live[i] = resource->allocate(trace.sizes[i], 8);
      live[i + 1] = resource->allocate(trace.sizes[i + 1], 8);
      auto const victim = trace.victims[i / 2];
      resource->deallocate(live[victim], trace.sizes[victim], 8);
    }
    own.release();
  });
}

// The first pages of a chunk that would be empty without them, behind 1000 full ones.
std::size_t page_allocation() {
  bench::address_storage addresses{1100};
  zmm::heap heap{addresses};
  for (int i = 0; i < 1000; ++i) static_cast<void>(heap.allocate(511 * 4096, 8));
  return count(2000, [&](std::size_t i) {
    std::size_t const bytes = (i % 8 + 1) * 4096;
    void* p = heap.allocate(bytes, 8);
    keep(p);
    heap.deallocate(p, bytes, 8);
  });
}

// A run of 1 to 8 pages among 1000 chunks of which every second run is free.
std::size_t fragmented_page_allocation() {
  bench::address_storage addresses{1100};
  zmm::heap heap{addresses};
  bench::random_source random{12};
  struct run {
    void* address;
    std::size_t bytes;
  };
  std::vector<run> live;
  for (std::size_t pages = 0; pages < 1000 * 511;) {
    auto const n = random.between(1, 8);
    live.push_back({heap.allocate(n * 4096, 8), n * 4096});
    pages += n;
  }
  for (std::size_t i = 0; i < live.size(); i += 2) heap.deallocate(live[i].address, live[i].bytes, 8);
  return count(2000, [&](std::size_t i) {
    std::size_t const bytes = (i % 8 + 1) * 4096;
    void* p = heap.allocate(bytes, 8);
    keep(p);
    heap.deallocate(p, bytes, 8);
  });
}

constexpr std::size_t huge_bytes = std::size_t{2} << 20;

std::size_t huge_pair() {
  bench::address_storage addresses{10'100};
  zmm::heap heap{addresses};
  std::vector<void*> live(10'000);
  for (auto& p : live) p = heap.allocate(huge_bytes, 8);
  return count(2000, [&](std::size_t i) {
    auto& p = live[i * 7919 % live.size()];
    heap.deallocate(p, huge_bytes, 8);
    p = heap.allocate(huge_bytes, 8);
  });
}

std::size_t huge_free() {
  bench::address_storage addresses{10'100};
  zmm::heap heap{addresses};
  std::vector<void*> live(10'000);
  for (auto& p : live) p = heap.allocate(huge_bytes, 8);
  constexpr std::size_t times = 1000;
  measured(times, [&](std::size_t i) { heap.deallocate(live[i * 7919 % live.size()], huge_bytes, 8); });
  return times;
}

std::size_t request_paged_pair() {
  zmm::request_resource own;
  auto* const resource = bench::opaque<std::pmr::memory_resource>(&own);
  static_cast<void>(resource->allocate(64, 8));
  return count(2000, [&](std::size_t) {
    void* p = resource->allocate(16'384, 8);
    keep(p);
    resource->deallocate(p, 16'384, 8);
  });
}

struct operation {
  char const* name;
  std::size_t (*run)();
};
constexpr operation operations[] = {
    {"typed_pair", typed_pair},
    {"heap_pmr_pair", [] { return pmr_pair<zmm::heap_resource>(); }},
    {"request_pmr_pair", [] { return pmr_pair<zmm::request_resource>(); }},
    {"request_pmr_pair_aligned_64", [] { return pmr_pair<zmm::request_resource>(64, 64); }},
    {"churn_step", churn_step},
    {"request_create_end", request_create_end},
    {"request_of_100", [] { return request_replay(100, 200); }},
    {"request_of_1000", [] { return request_replay(1000, 20); }},
    {"request_paged_pair", request_paged_pair},
    {"page_allocation_at_1000_chunks", page_allocation},
    {"fragmented_page_allocation_at_1000_chunks", fragmented_page_allocation},
    {"huge_pair_at_10000_blocks", huge_pair},
    {"huge_free_at_10000_blocks", huge_free},
};

}  // namespace

int main(int argc, char** argv) {
  for (auto const& o : operations) {
    if (argc < 2) std::puts(o.name);
    if (argc == 2 && std::strcmp(argv[1], o.name) == 0) return std::printf("%zu\n", o.run()) < 0;
  }
  return argc < 2 ? 0 : 1;
}

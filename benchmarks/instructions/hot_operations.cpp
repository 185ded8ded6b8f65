// The hot operations, each repeated a known number of times inside one function called `measured`, so that callgrind
// counts only that.
//
// hot_operations <operation>: prints how many times the operation was done. The script `check` runs this.
#include <zmm/zmm.hpp>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <utility>
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

template <class Allocator> std::size_t typed_pair_with(Allocator allocator) {
  return count(10'000, [&](std::size_t) {
    auto* p = allocator.allocate(1);
    keep(p);
    allocator.deallocate(p, 1);
    keep(p);  // else the compiler knows that the next allocation finds what was just freed
  });
}
std::size_t typed_pair() {
  zmm::heap heap;
  return typed_pair_with(zmm::allocator<node, zmm::heap>{heap});
}
std::size_t thread_heap_typed_pair() { return typed_pair_with(zmm::allocator<node>{}); }

template <class Resource> std::size_t pmr_pair(std::size_t bytes = 64, std::size_t alignment = 8) {
  Resource own;
  auto* const resource = bench::opaque<std::pmr::memory_resource>(&own);
  return count(10'000, [&](std::size_t) {
    void* p = resource->allocate(bytes, alignment);
    keep(p);
    resource->deallocate(p, bytes, alignment);
  });
}

// The same while sampling is switched on.
constexpr std::size_t often = std::size_t{512} << 10;
std::size_t thread_heap_typed_pair_switched_on() {
  static_cast<void>(zmm::set_sampling(often));
  return thread_heap_typed_pair();
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

// Blocks above 3072 bytes take pages, as in the original.
struct paged_above_3072 : zmm::default_options {
  static constexpr std::size_t largest_slot = 3072;
};

// The first pages of a chunk that would be empty without them, behind 1000 full ones.
std::size_t page_allocation() {
  bench::address_storage addresses{1100};
  zmm::basic_heap<paged_above_3072> heap{addresses};
  for (int i = 0; i < 1000; ++i) static_cast<void>(heap.allocate(511 * 4096, 8));
  return count(2000, [&](std::size_t i) {
    std::size_t const bytes = (i % 8 + 1) * 4096;
    void* p = heap.allocate(bytes, 8);
    keep(p);
    heap.deallocate(p, bytes, 8);
  });
}

// A run of 1 to 8 pages in 1000 chunks in which every second run is free.
std::size_t fragmented_page_allocation() {
  bench::address_storage addresses{1100};
  zmm::basic_heap<paged_above_3072> heap{addresses};
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

// A refusal at a limit with 400,000 free blocks in random order, and one live block in a thousand. The first one, which looks
// at all of them, is counted. `between` runs between two refusals.
template <class Heap, class Between> std::size_t refusals_with(Heap& heap, Between between) {
  bench::random_source random{3};
  std::vector<void*> blocks(400'000);
  for (auto& p : blocks) p = heap.allocate(64, 8);
  static_cast<void>(heap.set_limit(heap.real_size()));
  for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.between(0, i - 1)]);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 1000 != 0) heap.deallocate(blocks[i], 64, 8);
  }
  constexpr std::size_t times = 2000;
  measured(times, [&](std::size_t i) {
    void* p = heap.try_allocate(std::size_t{1} << 30, 8);
    keep(p);
    between(heap, i);
  });
  return times;
}
struct nothing {
  template <class Heap> void operator()(Heap&, std::size_t) const {}
};
// Frees a block and allocates another; now and then many.
struct pairs {
  template <class Heap> void operator()(Heap& heap, std::size_t i) const {
    void* held[100];
    std::size_t const count = i % 10 == 0 ? 100 : 2;
    for (std::size_t k = 0; k < count; ++k) held[k] = heap.allocate(64, 8);
    for (std::size_t k = 0; k < count; ++k) heap.deallocate(held[k], 64, 8);
  }
};
template <class Heap, class Between = nothing> std::size_t refusals() {
  Heap heap;
  return refusals_with(heap, Between{});
}
// With paged blocks, too, more than a request has places for in its own object.
std::size_t refusals_beside_paged_blocks() {
  zmm::request_heap heap;
  for (int i = 0; i < 20; ++i) static_cast<void>(heap.allocate(16'384, 8));
  return refusals_with(heap, nothing{});
}

// A page in a segment heap among free blocks of all sizes, none of which touch.
std::size_t segment_page_pair(std::size_t blocks) {
  zmm::segment_heap heap;
  bench::random_source random{20};
  std::vector<std::pair<void*, std::size_t>> live;
  for (std::size_t i = 0; i < blocks; ++i) {
    std::size_t const bytes = random.between(280, 20'000);
    live.emplace_back(heap.allocate(bytes, 8), bytes);
    static_cast<void>(heap.allocate(24, 8));
  }
  for (auto const& b : live) heap.deallocate(b.first, b.second, 8);
  return count(1000, [&](std::size_t) {
    void* p = heap.allocate(4096, 8);
    keep(p);
    heap.deallocate(p, 4096, 8);
  });
}

struct operation {
  char const* name;
  std::size_t (*run)();
};
constexpr operation operations[] = {
    {"typed_pair", typed_pair},
    {"heap_pmr_pair", [] { return pmr_pair<zmm::heap_resource>(); }},
    {"thread_heap_typed_pair", thread_heap_typed_pair},
    {"heap_pmr_pair_of_5000", [] { return pmr_pair<zmm::heap_resource>(5000); }},
    {"synchronized_pmr_pair_of_5000", [] { return pmr_pair<zmm::synchronized_resource>(5000); }},
    {"synchronized_pmr_pair", [] { return pmr_pair<zmm::synchronized_resource>(); }},
    {"request_pmr_pair", [] { return pmr_pair<zmm::request_resource>(); }},
    {"thread_heap_typed_pair_switched_on", thread_heap_typed_pair_switched_on},
    {"request_pmr_pair_aligned_64", [] { return pmr_pair<zmm::request_resource>(64, 64); }},
    {"segment_pmr_pair", [] { return pmr_pair<zmm::segment_resource>(); }},
    {"checked_heap_pmr_pair", [] { return pmr_pair<zmm::checked_heap_resource>(); }},
    {"checked_request_pmr_pair", [] { return pmr_pair<zmm::checked_request_resource>(); }},
    {"checked_synchronized_pmr_pair", [] { return pmr_pair<zmm::checked_synchronized_resource>(); }},
    {"hardened_heap_pmr_pair", [] { return pmr_pair<zmm::hardened_heap_resource>(); }},
    {"segment_page_pair_among_10_free", [] { return segment_page_pair(10); }},
    {"segment_page_pair_among_100000_free", [] { return segment_page_pair(100'000); }},
    {"churn_step", churn_step},
    {"request_create_end", request_create_end},
    {"request_of_100", [] { return request_replay(100, 200); }},
    {"request_of_1000", [] { return request_replay(1000, 20); }},
    {"request_paged_pair", request_paged_pair},
    {"page_allocation_at_1000_chunks", page_allocation},
    {"fragmented_page_allocation_at_1000_chunks", fragmented_page_allocation},
    {"huge_pair_at_10000_blocks", huge_pair},
    {"huge_free_at_10000_blocks", huge_free},
    {"heap_refusal_among_400000_free", refusals<zmm::heap>},
    {"synchronized_refusal_among_400000_free", refusals<zmm::synchronized_heap>},
    {"segment_refusal_among_400000_free", refusals<zmm::segment_heap>},
    {"request_refusal_beside_paged_blocks", refusals_beside_paged_blocks},
    {"request_refusal_between_pairs", refusals<zmm::request_heap, pairs>},
};

}  // namespace

int main(int argc, char** argv) {
  for (auto const& o : operations) {
    if (argc < 2) std::puts(o.name);
    if (argc == 2 && std::strcmp(argv[1], o.name) == 0) return std::printf("%zu\n", o.run()) < 0;
  }
  return argc < 2 ? 0 : 1;
}

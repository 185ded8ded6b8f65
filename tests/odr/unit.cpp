#include "unit.hpp"

#include <zmm/zmm.hpp>

#include <cstring>
#include <vector>

namespace ZMM_ODR_UNIT {

void const* default_pool() noexcept { return &zmm::default_request_pool(); }

bool heaps_work() {
  zmm::heap heap;
  void* small = heap.allocate(100);
  void* run = heap.allocate(100'000);
  void* huge = heap.allocate(5'000'000);
  std::memset(small, 1, 100);
  std::memset(run, 2, 100'000);
  std::memset(huge, 3, 5'000'000);
  heap.verify();
  bool const owned = heap.owns(small) && heap.owns(run) && heap.owns(huge);
  heap.deallocate(small, 100);
  heap.deallocate(run, 100'000);
  heap.deallocate(huge, 5'000'000);
  heap.verify();

  bool const limited = heap.set_limit(8u << 20) && !heap.try_allocate(std::size_t{64} << 20);

  zmm::request_resource request;
  std::pmr::vector<std::pmr::vector<int>> rows{&request};
  for (int i = 0; i < 100; ++i) rows.emplace_back(std::size_t{50}, i);
  request.verify();
  return owned && limited && heap.stats().live_blocks == 0 && rows[99][49] == 99;
}

std::pmr::memory_resource* lend() {
  static zmm::heap_resource resource;
  return &resource;
}

}  // namespace ZMM_ODR_UNIT

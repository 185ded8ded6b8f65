// What the threads of a heap share: magazines in depots, the rest on the core's lists; each slot counted once.
#include <zmm/threads/synchronized_heap.hpp>

#include <doctest/doctest.h>
#include <set>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::admission;
using zmm::detail::bin_index;
using zmm::detail::magazine_slots;
using central = zmm::detail::central<zmm::default_options>;
using cache = central::cache_type;

void* take(central& from, cache& own, bin_index bin) {
  admission asked;
  void* slot = own.pop(bin);
  if (slot == nullptr) slot = own.bump(bin);
  if (slot == nullptr) slot = own.go_on(bin);
  return slot != nullptr ? slot : from.refill(own, bin, asked);
}
void give(central& to, cache& own, bin_index bin, void* slot) {
  if (own.push(bin, slot)) return;
  if (zmm::detail::free_slot* const magazine = own.look(bin)) to.give(bin, magazine);
  REQUIRE(own.push(bin, slot));
}
size_t magazines(central& of, bin_index bin) {
  size_t count = 0;
  of.for_each_magazine(bin, [&](void*) { ++count; });
  return count;
}

TEST_CASE("central: depots hold 32 magazines of slots up to 128 bytes and 8 of larger ones, and every slot is found again") {
  for (std::uint8_t i = 0; i < cache::bins; i = static_cast<std::uint8_t>(i + 3)) {
    bin_index const bin{i};
    CAPTURE(zmm::detail::slot_bytes(bin));
    central shared{zmm::os_storage()};
    cache producer, consumer;
    std::vector<void*> slots(40 * magazine_slots(bin));
    for (void*& slot : slots) REQUIRE((slot = take(shared, producer, bin)) != nullptr);
    for (void* const slot : slots) give(shared, consumer, bin, slot);
    CHECK(magazines(shared, bin) == (zmm::detail::slot_bytes(bin) <= 128 ? 32 : 8));
    size_t size = 0, live = 0;
    shared.count_live(&consumer, size, live);
    CHECK(live == producer.free_slots(bin));  // what another cache holds counts as live
    CHECK(size == live * zmm::detail::slot_bytes(bin));
    shared.verify(&shared);

    size_t const carved = shared.blocks().carved();
    std::set<void*> again;
    for (size_t n = 0; n < slots.size(); ++n) CHECK(again.insert(take(shared, producer, bin)).second);
    size_t const missing = producer.free_slots(bin) + consumer.free_slots(bin);  // the rest of the last run, or in the other cache
    CHECK(shared.blocks().carved() - carved <= missing * zmm::detail::slot_bytes(bin));
    shared.verify(&shared);
  }
}
}  // namespace

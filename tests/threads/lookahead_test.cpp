// Addresses in the free slots of a magazine.
#include <zmm/threads/lookahead.hpp>
#include <zmm/threads/thread_cache.hpp>

#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using namespace zmm::detail;
using std::size_t;

/// A magazine of a bin, its slots in random order.
class magazine {
public:
  explicit magazine(bin_index bin, size_t slots) : bytes_(slot_bytes(bin)), memory_((slots + 1) * bytes_ / sizeof(size_t), filling) {
    std::vector<size_t> order(slots);
    std::iota(order.begin(), order.end(), size_t{0});
    random_source random{bin.value + slots};
    for (size_t i = slots; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (size_t const at : order) slots_.push_back(::new (&memory_[at * bytes_ / sizeof(size_t)]) free_slot{nullptr});
    for (size_t i = 0; i + 1 < slots; ++i) slots_[i]->next = slots_[i + 1];
  }
  free_slot* first() const { return slots_.empty() ? nullptr : slots_[0]; }
  free_slot* slot(size_t i) const { return slots_[i]; }
  size_t word(size_t slot, size_t at) const {
    size_t value;
    std::memcpy(&value, reinterpret_cast<char const*>(slots_[slot]) + at * sizeof(size_t), sizeof value);
    return value;
  }
  bool is_linked() const {
    size_t i = 0;
    for (free_slot* s = first(); s != nullptr; s = s->next, ++i)
      if (i == slots_.size() || s != slots_[i]) return false;
    return i == slots_.size();
  }
  bool is_end_untouched() const {
    for (size_t i = memory_.size() - bytes_ / sizeof(size_t); i < memory_.size(); ++i)
      if (memory_[i] != filling) return false;
    return true;
  }

  static constexpr size_t filling = static_cast<size_t>(0xA5A5A5A5A5A5A5A5);

private:
  size_t bytes_;
  std::vector<size_t> memory_;
  std::vector<free_slot*> slots_;
};

TEST_CASE("lookahead: every slot but the first is told of once, in a slot in front of it") {
  for (std::uint8_t i = 0; i < most_bins; ++i) {
    bin_index const bin{i};
    size_t const slots = magazine_slots(bin), words = slot_bytes(bin) / sizeof(size_t);
    CAPTURE(slot_bytes(bin));
    magazine all(bin, slots);
    lookahead::write(all.first(), bin, slots);
    CHECK(all.is_linked());
    CHECK(all.is_end_untouched());
    std::map<size_t, size_t> told;  // slot -> where it is told of
    for (size_t at = 0; at < slots; ++at) {
      for (size_t word = 1; word < words; ++word) {
        if (all.word(at, word) == magazine::filling) continue;
        for (size_t further = 0; further < slots; ++further) {
          if (all.word(at, word) != address_of(all.slot(further))) continue;
          CHECK(further > at);
          CHECK(told.emplace(further, at).second);
        }
      }
    }
    CHECK(told.size() == (words > 2 ? slots - 1 : 0));
  }
}

TEST_CASE("lookahead: chains of any length, and words that are no addresses, do no harm") {
  for (std::uint8_t i = 0; i < most_bins; ++i) {
    bin_index const bin{i};
    for (size_t slots = 0; slots <= magazine_slots(bin); ++slots) {
      magazine some(bin, slots);
      lookahead::fetch(some.first(), bin, magazine_slots(bin));  // the words hold what the last owner of the slot left
      if (slots != 0) lookahead::write(some.first(), bin, slots);
      lookahead::fetch(some.first(), bin, magazine_slots(bin));
      CHECK(some.is_linked());
      CHECK(some.is_end_untouched());
    }
  }
}
}  // namespace

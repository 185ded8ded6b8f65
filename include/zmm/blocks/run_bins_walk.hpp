// Which slots of a heap's runs are free: for visits, which do not happen on any path that is measured.
#pragma once
#include <zmm/blocks/run_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Visits the slots of a run of this bin that were never handed out. Complexity: linear in the run's slots, times those
/// of its open segment where slots are handed out in random order.
template <class Geometry, class FreshRun, class Visit>
void for_each_fresh(FreshRun const& fresh, bin_index bin, Visit visit) {
  using chunk_type = chunk<Geometry>;
  if (fresh.empty()) return;
  std::size_t const page = chunk_type::page_of(fresh.place());
  chunk_type* const c = chunk_type::of(fresh.place());
  char* const run = static_cast<char*>(c->page(page - c->map[page].distance()));
  std::size_t const slots = run_layout<Geometry::page_bytes>::slots(bin, c->map[page].is_short());
  for (std::size_t i = 0; i < slots; ++i) {
    if (char* const slot = run + i * slot_bytes(bin); fresh.contains(slot, slot_bytes(bin))) visit(slot);
  }
}

template <class Layer, class Links, std::size_t Bins>
template <class Visit>
void run_bins<Layer, Links, Bins>::for_each_free_slot(Visit visit) const {
  std::size_t const no_bound = ~std::size_t{0};
  for (std::uint8_t i = 0; i < Bins; ++i) {
    bin_index const bin{i};
    if (carved_[i] == 0) continue;
    for_each_linked(bin, Links::are_plain ? no_bound : carved_[i], [&](void* slot) { visit(slot); });
    for_each_fresh<geometry>(bins_[i].fresh, bin, visit);
  }
}

}}}  // namespace zmm::detail

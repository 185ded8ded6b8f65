// The executable twin of the bins' invariants.
#pragma once

#include <zmm/blocks/run_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Layer, class Links, std::size_t Bins>
void run_bins<Layer, Links, Bins>::verify(Layer const& pages, void const* heap) const noexcept {
  std::size_t slots[Bins] = {}, counted[Bins] = {}, chunks[Bins] = {};
  pages.for_each_chunk([&](chunk_type* c) {
    for (std::size_t i = header_pages<geometry>; i < geometry::pages; ++i) {
      page_entry const entry = c->map[i];
      if (entry.kind() != page_kind::small) continue;
      bin_index const bin = entry.bin();
      bool const is_short = entry.is_short();
      check(bin.value < Bins && (!is_short || has_short(bin)), "a run is one of a bin", c->page(i), heap);
      check(entry.distance() < layout::pages(bin, is_short), "a page lies inside its run", c->page(i), heap);
      page_entry const first = c->map[i - entry.distance()];
      check(first == page_entry::small(bin, 0, is_short), "a page's run starts where its entry says", c->page(i), heap);
      if (entry.distance() + 1 < layout::pages(bin, is_short)) {
        check(i + 1 < geometry::pages && c->map[i + 1] == page_entry::small(bin, entry.distance() + 1, is_short),
              "a run is whole", c->page(i), heap);
      }
      if (entry.distance() != 0) continue;
      check(i % layout::alignment(bin) == 0, "a run begins where its slots are aligned", c->page(i), heap);
      slots[bin.value] += layout::slots(bin, is_short);
      counted[bin.value] += c->free_slots[i];
      check(c->free_slots[i] < layout::slots(bin, is_short), "a run of free slots goes back", c->page(i), heap);
    }
  });

  std::size_t carved_bytes = 0;
  for (std::uint8_t i = 0; i < Bins; ++i) {
    bin_index const bin{i};
    bin_state const& b = bins_[i];
    check(carved_[i] == slots[i], "a bin counts the slots of its runs", nullptr, heap);
    carved_bytes += carved_[i] * slot_bytes(bin);

    std::size_t const fresh = unbumped(bin);
    check(b.fresh.is_whole(slot_bytes(bin)) && fresh <= layout::slots(bin), "what is fresh is whole slots of one run",
          nullptr, heap);
    std::size_t count = 0, spare = 0;
    auto const check_slot = [&](free_slot* slot) {
      check(++count + fresh <= carved_[i], "a free list ends", slot, heap);
      check(pages.source().find(slot).is_chunk(), "a free slot lies in a chunk of this heap", slot, heap);
      page_entry const& entry = entry_of(slot);
      check(entry.kind() == page_kind::small && entry.bin().value == i, "a free slot lies in a run of its bin", slot,
            heap);
      std::size_t const at = entry.distance() * geometry::page_bytes + address_of(slot) % geometry::page_bytes;
      check(at % slot_bytes(bin) == 0 && at / slot_bytes(bin) < slots_beside(slot), "a free slot is a slot of its run",
            slot, heap);
      check(!b.fresh.contains(slot, slot_bytes(bin)), "a free slot is not fresh", slot, heap);
    };
    for (free_slot* slot = lists_[i]; slot != nullptr; slot = links().next(slot, bin)) check_slot(slot);
    b.spare.for_each_chunk(bin, [&](chunk_type* c) {
      check(c->spare_head[i] != 0 && ++chunks[i] <= pages.chunks(), "chunks with spare slots are listed once", c,
            heap);
      check(c->next_to_sweep == nullptr && c->gone_slots == 0, "nothing is left to sweep", c, heap);
    });
    b.spare.for_each(links(), bin, carved_[i], [&](free_slot* slot) {
      ++spare;
      check_slot(slot);
    });
    check(spare == counted[i], "runs count their spare slots", nullptr, heap);
  }
  check(carved_bytes == carved_bytes_, "carved bytes are counted", nullptr, heap);
}

}}}  // namespace zmm::detail

// Free slots of a bin that a collection has seen: one list in each chunk, and a list of the chunks that have one.
#pragma once

#include <zmm/blocks/free_links.hpp>
#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Each slot is counted in its run, in the header of its chunk, while it is here. When a run goes back, its slots are
/// looked for in the list of its own chunk only: what that costs does not grow with the heap.
///
/// Invariants: a chunk is on the list exactly if its list of this bin is not empty; each run's count == its slots there.
/// Chunks know the next one only: a header of one page has no room for more, and only sweep() takes one off that is not
/// the first.
template <class Layer, class Links> class spare_slots {
public:
  using geometry = typename Layer::geometry;
  using chunk_type = chunk<geometry>;

  bool empty() const noexcept { return first_ == nullptr; }

  static page_entry& entry_of(void* slot) noexcept { return chunk_type::of(slot)->map[chunk_type::page_of(slot)]; }
  /// The count of the run that `slot` lies in.
  static std::uint16_t& count_of(void* slot) noexcept {
    return chunk_type::of(slot)->free_slots[chunk_type::page_of(slot) - entry_of(slot).distance()];
  }

  /// Effects: adds the slots of `c` that are linked from `first` to `last`, in this order. Their runs have counted them.
  void push_chain(Links const& links, bin_index bin, chunk_type* c, free_slot* first, free_slot* last,
                  Layer const& pages) noexcept {
    free_slot* const head = head_of(bin, c);
    if (head == nullptr) insert(bin, c, pages);
    links.link(last, bin, head);
    set_head(bin, c, first);
  }

  /// Effects: takes up to `most` slots out of one chunk. Returns: the chain of them; `last` is its last one, null if there
  /// are none.
  free_slot* take(Links const& links, bin_index bin, std::size_t most, Layer const& pages, free_slot*& last,
                  std::size_t& count) noexcept {
    last = nullptr;
    if (first_ == nullptr) return nullptr;
    chunk_type* const c = first_;
    free_slot *const first = head_of(bin, c), *slot = first;
    while (slot != nullptr && count != most) {
      last = slot;
      slot = links.next(last, bin);
      --count_of(last);
      ++count;
    }
    set_head(bin, c, slot);
    if (slot == nullptr) unlink(first_, bin, pages);
    return last != nullptr ? first : nullptr;
  }

  /// Notes that a run of `c` has gone back, `slots` of which are on the list of the chunk until it is swept.
  void note_gone(chunk_type* c, std::size_t slots) noexcept {
    c->gone_slots += static_cast<std::uint32_t>(slots);
    if (c->next_to_sweep != nullptr) return;
    c->next_to_sweep = to_sweep_ != nullptr ? to_sweep_ : c;  // the last one is in front of itself
    to_sweep_ = c;
  }
  /// Effects: slots of runs that have gone back are on no list. Their pages are free and have no entry in the map.
  /// Complexity: linear in the spare slots of those chunks; what was freed last is in front, so most often less. Where
  /// none is left in a chunk, linear in its pages, and in the chunks that have some.
  void sweep(Links const& links, bin_index bin, Layer const& pages) noexcept {
    std::size_t emptied = 0;
    while (to_sweep_ != nullptr) {
      chunk_type* const c = to_sweep_;
      to_sweep_ = c->next_to_sweep != c ? c->next_to_sweep : nullptr;
      c->next_to_sweep = nullptr;
      if (c->gone_slots == 0) continue;
      sweep_chunk(links, bin, c);
      emptied += c->spare_head[bin.value] == 0;
    }
    for (chunk_type** place = &first_; emptied != 0;) {
      check_chunk(*place, pages);
      if ((*place)->spare_head[bin.value] != 0) {
        place = &(*place)->spare_next[bin.value];
      } else {
        unlink(*place, bin, pages);
        --emptied;
      }
    }
  }

  template <class Visit> void for_each(Links const& links, bin_index bin, std::size_t most, Visit visit) const {
    for_each_chunk(bin, [&](chunk_type* c) { for_each_free(links, head_of(bin, c), bin, most, visit); });
  }
  template <class Visit> void for_each_chunk(bin_index bin, Visit visit) const {
    for (chunk_type* c = first_; c != nullptr; c = c->spare_next[bin.value]) visit(c);
  }

private:
  static free_slot* head_of(bin_index bin, chunk_type* c) noexcept {
    std::size_t const at = c->spare_head[bin.value];
    if constexpr (checks_chunks<geometry>)
      check(at < geometry::chunk_bytes, "a chunk's spare slots lie in it", c);
    return at != 0 ? static_cast<free_slot*>(offset(c, at)) : nullptr;
  }
  static void set_head(bin_index bin, chunk_type* c, free_slot* head) noexcept {
    c->spare_head[bin.value] = static_cast<std::uint32_t>(address_of(head) & (geometry::chunk_bytes - 1));
  }

  /// Whether a run of the chunk that did not go back has slots here. Complexity: linear in pages.
  static bool has_counted(bin_index bin, chunk_type const* c) noexcept {
    for (std::size_t i = header_pages<geometry>; i < geometry::pages; ++i) {
      if (c->free_slots[i] != 0 && c->map[i].kind() == page_kind::small && c->map[i].bin().value == bin.value) return true;
    }
    return false;
  }

  void sweep_chunk(Links const& links, bin_index bin, chunk_type* c) noexcept {
    if (c->gone_slots >= geometry::pages && !has_counted(bin, c)) {  // no need to look at any of them
      c->gone_slots = 0;
      c->spare_head[bin.value] = 0;
      return;
    }
    free_slot *first = nullptr, *last = nullptr, *slot = head_of(bin, c);
    for (bool cut = false; slot != nullptr && c->gone_slots != 0;) {
      free_slot* const next = links.next(slot, bin);
      if (c->map[chunk_type::page_of(slot)].kind() == page_kind::none) {
        --c->gone_slots;
        cut = true;
      } else {
        if (last == nullptr) first = slot;
        else if (cut) links.link(last, bin, slot);
        cut = false;
        last = slot;
      }
      slot = next;
    }
    if (last != nullptr) links.link(last, bin, slot);
    c->gone_slots = 0;
    set_head(bin, c, last != nullptr ? first : slot);
  }

  void insert(bin_index bin, chunk_type* c, Layer const& pages) noexcept {
    if (first_ != nullptr) check_chunk(first_, pages);
    c->spare_next[bin.value] = first_;
    first_ = c;
  }
  /// Takes the chunk that `place` points to off the list.
  void unlink(chunk_type*& place, bin_index bin, Layer const& pages) noexcept {
    chunk_type* const c = place;
    chunk_type* const next = c->spare_next[bin.value];
    if (next != nullptr) check_chunk(next, pages);
    place = next;
    c->spare_next[bin.value] = nullptr;
  }
  /// Where links are checked: stops unless `c` is a chunk, before anything is read there.
  static void check_chunk([[maybe_unused]] chunk_type const* c, [[maybe_unused]] Layer const& pages) noexcept {
    if constexpr (checks_chunks<geometry>)
      check(pages.source().has_chunk(c), "the neighbours of a chunk are chunks", c);
  }

  chunk_type* first_ = nullptr;
  chunk_type* to_sweep_ = nullptr;
};

}}}  // namespace zmm::detail

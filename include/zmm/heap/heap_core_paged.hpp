// The core's paged blocks: taking, freeing, changing size. A slot stays a slot of its bin, and a paged block stays paged:
// every size that the block may be freed with has to lead to the same place.
#pragma once

#include <zmm/chunk/resize_plan.hpp>
#include <zmm/heap/heap_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Runs that have become empty serve no other size until a collection finds them. One runs here, before another chunk comes
/// into use or storage gives a huge block, if what was taken since the last one is a quarter of what is carved: so it is
/// paid for, and memory does not grow by the sum of the peaks of all sizes. Runs of slots of 1 KiB and more are looked for
/// each time a chunk is to come into use: a look at such a slot costs less than the page faults of another. Returns:
/// whether it found something.
template <class Options, class Source>
ZMM_NOINLINE bool heap_core<Options, Source>::collect_to_grow(std::size_t bytes, bool due) noexcept {
  if (bytes > large_limit<geometry>) grown_ += bytes;
  bool const all = due || grown_ > bins_.carved_bytes() / 4;
  if (!all && bytes > geometry::chunk_bytes) return false;
  constexpr std::size_t bin_of_1k = size_classes<8>::bin_of_bytes(1024).value;
  std::size_t const won = bins_.worth_collecting() ? bins_.collect_from(all ? 0 : bin_of_1k, pages_) : 0;
  if (won != 0) {
    pages_.source().expect(won);
    pages_.retire_empty();
  }
  if (all) note_collected();
  return won != 0;
}

/// Takes a run of pages or a huge block, and counts it. From here on the address, not the size, says which of them a block is.
/// Requires: bytes > 0.
template <class Options, class Source>
void* heap_core<Options, Source>::take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  if (bytes > ~std::size_t{0} / 2) return asked.refuse_address();
  std::size_t const count = run_pages(bytes);
  std::size_t const aligned = alignment <= page ? 1 : alignment / page;
  if (!layer::fits_chunk(count, aligned)) return pages_.source().take_huge(bytes, alignment, 0, asked);
  if (pages_.maps_apart(count, aligned, asked)) {
    void* const apart = pages_.source().take_huge(count * page, alignment, 0, asked);
    if (apart != nullptr || asked.at_hand) return apart;
  }
  void* const block = pages_.take_pages(count, aligned, asked);
  if (block == nullptr) return pages_.take_rest(count, aligned, asked);
  if constexpr (!links_type::are_plain) allow(block, count * page);  // the sanitizer may still forbid what lay here before
  wipe_taken(block, count);
  if constexpr (!links_type::are_plain) links().hand_out(block, bin_index{1});
  if constexpr (Options::page_canary) seal_run(block, count);
  entry_of(block) = page_entry::large(count);
  large_bytes_ += count * page;
  ++large_blocks_;
  return block;
}

/// Pages that were just taken, and in use before, are zero, if the options say so. When they are taken, because not only
/// frees give them back: release() does, and a run that shrinks.
template <class Options, class Source>
void heap_core<Options, Source>::wipe_taken([[maybe_unused]] void* first, [[maybe_unused]] std::size_t count) noexcept {
  if constexpr (Options::zero_on_free) {
    if (pages_.took_reused()) zero_bytes(first, count * geometry::page_bytes);
  }
}

template <class Options, class Source>
ZMM_NOINLINE std::size_t heap_core<Options, Source>::free_paged(void* block) noexcept {
  if (is_huge(block)) return pages_.source().give_huge(block);
  page_entry const entry = entry_of(block);
  check(entry.kind() == page_kind::large, "a freed paged block is live", block, this);
  if constexpr (Options::page_canary) check_run(block, entry.tag());
  std::size_t const bytes = entry.tag() * geometry::page_bytes;
  large_bytes_ -= bytes;
  --large_blocks_;
  pages_.give_pages(block, entry.tag());
  return bytes;
}

/// Makes a block `pages` long: gives its tail back, or takes free pages behind it. Returns: whether it could.
template <class Options, class Source>
bool heap_core<Options, Source>::resize_run(void* block, std::size_t pages) noexcept {
  std::size_t const now = entry_of(block).tag();
  if constexpr (Options::page_canary) check_run(block, now);
  if (pages < now) {
    pages_.give_pages(offset(block, pages * geometry::page_bytes), now - pages);
  } else if (pages > now && !pages_.extend_pages(block, now, pages - now)) {
    return false;
  } else if (pages > now) {
    wipe_taken(offset(block, now * geometry::page_bytes), pages - now);
    zero_bytes(offset(block, run_bytes(now)), behind);
  }
  if constexpr (Options::page_canary) seal_run(block, pages);
  entry_of(block) = page_entry::large(pages);
  large_bytes_ += (pages - now) * geometry::page_bytes;
  return true;
}

template <class Options, class Source>
bool heap_core<Options, Source>::resize_large(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > largest_run || rank_of(bytes, alignment) < classes::limit || !is_aligned(block, alignment)) return false;
  return resize_run(block, run_pages(bytes));
}

/// Whether a huge block of `now` bytes stays huge when it gets `bytes`: if a fresh block of that size would be huge, or have
/// its own mapping.
template <class Options, class Source>
bool heap_core<Options, Source>::stays_huge(Source const& from, std::size_t bytes, std::size_t alignment,
                                            std::size_t now) noexcept {
  if (bytes > largest_run) return true;
  std::size_t const pages = run_pages(bytes);
  return rank_of(bytes, alignment) >= classes::limit && Source::packs_badly(pages) &&
         (now <= large_limit<geometry> || from.may_map_apart(pages));
}

template <class Options, class Source>
void* heap_core<Options, Source>::resize_or_move_huge(Source& from, void* block, std::size_t bytes,
                                                      std::size_t alignment, admission& asked) noexcept {
  if (bytes > ~std::size_t{0} / 2) return nullptr;
  std::size_t const now = from.find_huge(block).bytes;
  check(now != 0, "a resized huge block belongs to this heap", block, &from);
  if (!stays_huge(from, bytes, alignment, now)) return nullptr;
  if (is_aligned(block, alignment) && from.resize_huge(block, bytes, asked) != 0) return block;
  return from.move_huge(block, bytes, alignment, asked);
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::fit_in_place(Source const& from, void* block, std::size_t old_bytes,
                                                     std::size_t min_bytes) noexcept {
  if (!is_small(block)) {
    // The smallest size the block may then be freed with must lead to a paged free: sizes above the small limit do, and
    // so does, by its alignment, whatever is no smaller than a size that did before.
    if (min_bytes < old_bytes && min_bytes <= classes::limit) return 0;
    std::size_t const usable = usable_size(from, block);
    return min_bytes <= usable ? usable : 0;
  }
  // The slot may be larger than the bin of min_bytes, because of an alignment that is not known here. Sizes from
  // old_bytes up lead to this slot at that alignment; smaller ones surely do if they lead to it at any.
  bin_index const bin = entry_of(block).bin();
  if (min_bytes > slot_bytes(bin)) return 0;
  if (min_bytes < old_bytes && (min_bytes == 0 || classes::bin_of_bytes(min_bytes).value != bin.value)) return 0;
  return slot_bytes(bin);
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                        std::size_t preferred_bytes, admission& asked) noexcept {
  if (is_small(block)) return fit_in_place(pages_.source(), block, old_bytes, min_bytes);
  if (min_bytes < old_bytes && min_bytes <= classes::limit) return 0;
  return is_huge(block) ? resize_huge(pages_.source(), block, min_bytes, preferred_bytes, asked)
                        : resize_run_within(block, min_bytes, preferred_bytes);
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::resize_huge(Source& from, void* block, std::size_t min_bytes,
                                                    std::size_t preferred_bytes, admission& asked) noexcept {
  return resize_huge_within(from.find_huge(block), min_bytes, preferred_bytes,
                            [&](std::size_t bytes) { return from.resize_huge(block, bytes, asked); });
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::resize_run_within(void* block, std::size_t min_bytes,
                                                          std::size_t preferred_bytes) noexcept {
  std::size_t const now = entry_of(block).tag();
  std::size_t const wanted = plan_run<geometry, behind>(
      now, min_bytes, preferred_bytes, [&] { return pages_.free_behind(block, now); });
  return wanted != 0 && resize_run(block, wanted) ? run_bytes(wanted) : 0;
}

template <class Options, class Source> void heap_core<Options, Source>::verify(void const* heap) const noexcept {
  pages_.verify(heap);
  bins_.verify(pages_, heap);
  std::size_t bytes = 0, blocks = 0;
  pages_.for_each_chunk([&](chunk_type* c) {
    for (std::size_t i = header_pages<geometry>; i < geometry::pages;) {
      page_entry const entry = c->map[i];
      if (entry.kind() != page_kind::large) {
        check(c->taken.test(i) == (entry.kind() == page_kind::small), "a taken page belongs to a run or a large block",
              c->page(i), heap);
        ++i;
        continue;
      }
      check(entry.tag() != 0 && i + entry.tag() <= geometry::pages, "a large block lies in its chunk", c->page(i),
            heap);
      check(c->taken.all(i, entry.tag()), "the pages of a large block are taken", c->page(i), heap);
      for (std::size_t k = 1; k < entry.tag(); ++k) {
        check(c->map[i + k] == page_entry{}, "no entry lies inside a large block", c->page(i + k), heap);
      }
      if constexpr (Options::page_canary) check_run(c->page(i), entry.tag());
      bytes += entry.tag() * geometry::page_bytes;
      ++blocks;
      i += entry.tag();
    }
  });
  check(bytes == large_bytes_ && blocks == large_blocks_, "large blocks are counted", nullptr, heap);
}

}}}  // namespace zmm::detail

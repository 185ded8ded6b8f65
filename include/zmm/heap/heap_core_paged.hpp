// The core's paged blocks: taking, freeing, changing size. The kinds rule: a slot stays a slot of its bin, a paged
// block stays paged; what is granted is such that every size the block may be freed with leads to the same place.
#pragma once

#include <zmm/heap/heap_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A run of pages, or a huge block; counted. Requires: bytes > 0.
template <class Options, class Source>
void* heap_core<Options, Source>::take_paged(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  if (bytes > ~std::size_t{0} / 2) return asked.refuse_address();
  std::size_t const count = divide_up(bytes, page);
  std::size_t const aligned = alignment <= page ? 1 : alignment / page;
  if (!layer::fits_chunk(count, aligned)) return pages_.source().take_huge(bytes, alignment, 0, asked);
  void* const block = pages_.take_pages(count, aligned, asked);
  if (block == nullptr) return nullptr;
  if constexpr (!links_type::are_plain) allow(block, count * page);  // what lay here before may still be forbidden
  wipe_taken(block, count);
  if constexpr (!links_type::are_plain) links().hand_out(block, bin_index{1});
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
  std::size_t const bytes = entry.tag() * geometry::page_bytes;
  large_bytes_ -= bytes;
  --large_blocks_;
  pages_.give_pages(block, entry.tag());
  return bytes;
}

/// Makes a run `pages` long: gives the tail back, or takes free pages behind it. Returns: whether it could.
template <class Options, class Source>
bool heap_core<Options, Source>::resize_run(void* block, std::size_t pages) noexcept {
  std::size_t const now = entry_of(block).tag();
  if (pages < now) {
    pages_.give_pages(offset(block, pages * geometry::page_bytes), now - pages);
  } else if (pages > now && !pages_.extend_pages(block, now, pages - now)) {
    return false;
  } else if (pages > now) {
    wipe_taken(offset(block, now * geometry::page_bytes), pages - now);
  }
  entry_of(block) = page_entry::large(pages);
  large_bytes_ += (pages - now) * geometry::page_bytes;
  return true;
}

template <class Options, class Source>
bool heap_core<Options, Source>::resize_large(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > large_limit<geometry> || rank_of(bytes, alignment) < small_limit || !is_aligned(block, alignment))
    return false;
  return resize_run(block, divide_up(bytes, geometry::page_bytes));
}

template <class Options, class Source>
void* heap_core<Options, Source>::resize_or_move_huge(Source& from, void* block, std::size_t bytes,
                                                      std::size_t alignment, admission& asked) noexcept {
  if (bytes > ~std::size_t{0} / 2 || bytes <= large_limit<geometry>) return nullptr;
  check(from.find_huge(block).start != nullptr, "a resized huge block belongs to this heap", block, &from);
  if (is_aligned(block, alignment) && from.resize_huge(block, bytes, asked) != 0) return block;
  return from.move_huge(block, bytes, alignment, asked);
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::fit_in_place(Source const& from, void* block, std::size_t old_bytes,
                                                     std::size_t min_bytes) noexcept {
  if (!is_small(block)) {
    // The smallest size the block may then be freed with must lead to a paged free: sizes above the small limit do, and
    // so does, by its alignment, whatever is no smaller than a size that did before.
    if (min_bytes < old_bytes && min_bytes <= small_limit) return 0;
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
  if (min_bytes < old_bytes && min_bytes <= small_limit) return 0;
  return is_huge(block) ? resize_huge(pages_.source(), block, min_bytes, preferred_bytes, asked)
                        : resize_run_within(block, min_bytes, preferred_bytes);
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::resize_huge(Source& from, void* block, std::size_t min_bytes,
                                                    std::size_t preferred_bytes, admission& asked) noexcept {
  std::size_t const usable = from.find_huge(block).bytes;
  bool const fits = min_bytes <= usable;
  if (fits && preferred_bytes >= usable) return usable;
  if (min_bytes > ~std::size_t{0} / 2) return 0;
  if (preferred_bytes > ~std::size_t{0} / 2) preferred_bytes = min_bytes;
  preferred_bytes = from.find_huge(block).next_step(min_bytes, preferred_bytes);
  if (std::size_t const got = from.resize_huge(block, preferred_bytes, asked)) return got;
  if (std::size_t const got = from.resize_huge(block, min_bytes, asked)) return got;
  return fits ? usable : 0;
}

template <class Options, class Source>
std::size_t heap_core<Options, Source>::resize_run_within(void* block, std::size_t min_bytes,
                                                          std::size_t preferred_bytes) noexcept {
  constexpr std::size_t page = geometry::page_bytes;
  std::size_t const now = entry_of(block).tag(), usable = now * page;
  if (min_bytes <= usable && preferred_bytes >= usable) return usable;
  if (min_bytes > large_limit<geometry>) return 0;
  if (preferred_bytes > large_limit<geometry>) preferred_bytes = large_limit<geometry>;
  std::size_t wanted = divide_up(preferred_bytes != 0 ? preferred_bytes : 1, page);
  if (wanted > now) {
    std::size_t const reach = now + pages_.free_behind(block, now);
    if (divide_up(min_bytes, page) > reach) return 0;
    if (wanted > reach) wanted = reach;
  }
  return resize_run(block, wanted) ? wanted * page : 0;
}

template <class Options, class Source>
void heap_core<Options, Source>::verify(std::size_t adopted, void const* heap) const noexcept {
  pages_.verify(heap);
  bins_.verify(pages_, adopted, heap);
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
      bytes += entry.tag() * geometry::page_bytes;
      ++blocks;
      i += entry.tag();
    }
  });
  check(bytes == large_bytes_ && blocks == large_blocks_, "large blocks are counted", nullptr, heap);
}

}}}  // namespace zmm::detail

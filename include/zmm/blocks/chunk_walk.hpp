// A walk over chunks, a few at a time: what lies in them is copied at one moment, and told of afterwards, when no other
// thread has to wait.
//
//     run ─ (look) select, mark ─ tell_chunk ─ tell_run | tell_pages
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/blocks/lowest_items.hpp>
#include <zmm/chunk/chunk_source.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What is copied of a chunk: its page map, and a bit for each place where something may start, set if it is known to be
/// free though its pages are taken.
template <class Geometry> struct chunk_copy {
  static constexpr std::size_t grain = 8;  ///< bytes of the smallest slot
  static constexpr std::size_t words_of_page = Geometry::page_bytes / grain / 64;
  static_assert(words_of_page != 0);

  page_entry map[Geometry::pages];
  bitmap<Geometry::pages> taken;
  std::uint64_t free[Geometry::pages * words_of_page];

  void take(chunk<Geometry> const& c) noexcept {
    copy_bytes(map, c.map, sizeof map);
    taken = c.taken;
    zero_bytes(free, sizeof free);
  }
  void mark(void const* slot) noexcept {
    std::size_t const at = (address_of(slot) & (Geometry::chunk_bytes - 1)) / grain;
    free[at / 64] |= std::uint64_t{1} << at % 64;
  }
  bool is_free(std::size_t offset) const noexcept {
    return (free[offset / grain / 64] >> offset / grain % 64 & 1) != 0;
  }
  std::size_t free_in(std::size_t page, std::size_t pages) const noexcept {
    std::size_t sum = 0;
    for (std::size_t w = page * words_of_page; w < (page + pages) * words_of_page; ++w) sum += popcount(free[w]);
    return sum;
  }
};

/// Memory for the copies: from the system, not from any heap; for one chunk, or if there is none, on the stack.
template <class Geometry> class copy_room {
public:
  static constexpr std::size_t most = 64;  ///< copies
  explicit copy_room(std::size_t wanted) noexcept {
    count_ = wanted < most ? wanted : most;
    bytes_ = align_up(count_ * sizeof(chunk_copy<Geometry>), os_page_size());
    if (count_ > 1) mapped_ = os_storage().allocate(bytes_, os_page_size(), bytes_);
    if (mapped_ == nullptr) count_ = 1;
  }
  ~copy_room() {
    if (mapped_ != nullptr) os_storage().deallocate(mapped_, bytes_, bytes_);
  }
  copy_room(copy_room const&) = delete;
  copy_room& operator=(copy_room const&) = delete;
  std::size_t size() const noexcept { return count_; }
  chunk_copy<Geometry>& operator[](std::size_t i) noexcept {
    return mapped_ != nullptr ? static_cast<chunk_copy<Geometry>*>(mapped_)[i] : one_;
  }

private:
  std::size_t count_, bytes_;
  void* mapped_ = nullptr;
  chunk_copy<Geometry> one_;
};

/// What holds for all blocks of a walk.
struct walk_facts {
  std::size_t overhead = 0;  ///< bytes of a slot that are not its block's
  std::size_t behind = 0;    ///< the same of a run of pages
  bool certain = true;       ///< as block_info::certain, of small blocks
  bool tells_blocks = true;
};

template <class Geometry> class chunk_walk {
public:
  using chunk_type = chunk<Geometry>;

  /// `chunks`: about how many there are.
  explicit chunk_walk(std::size_t chunks) noexcept : room_(chunks), part_(room_.size()) {}

  /// Effects: tells of all chunks. `look(part)` calls part.select() with all of them, then part.mark(slot) for every free
  /// slot, at one moment; it is called for each part. Chunks come in the order of their addresses, each once; what comes
  /// into use meanwhile may be left out. Returns: false if the visitor had enough.
  template <class Tell, class Look> bool run(Tell& tell, walk_facts const& facts, Look look) {
    return part_.walk([&] { look(*this); },
                      [&](item& chosen) { return tell_chunk(tell, facts, chosen.c, copy_of(chosen)); });
  }

  /// Effects: the chunks of this part are chosen from all there are; to be called first by look().
  template <class ForEachChunk> void select(ForEachChunk for_each_chunk) noexcept {
    for_each_chunk([&](chunk_type* c) { part_.offer({c}); });
    part_.sort();
    for (item& chosen : part_) copy_of(chosen).take(*chosen.c);
  }
  void mark(void const* slot) noexcept {
    if (item* const chosen = part_.find(address_of(chunk_type::of(slot)))) copy_of(*chosen).mark(slot);
  }

private:
  struct item {
    chunk_type* c = nullptr;
    std::uint64_t key() const noexcept { return address_of(c); }
  };
  using layout = run_layout<Geometry::page_bytes>;

  chunk_copy<Geometry>& copy_of(item& chosen) noexcept {
    return room_[static_cast<std::size_t>(&chosen - part_.begin())];
  }

  /// Reads the copy only.
  template <class Tell>
  static bool tell_chunk(Tell& tell, walk_facts const& facts, chunk_type* c, chunk_copy<Geometry> const& copy) {
    for (std::size_t i = header_pages<Geometry>; i < Geometry::pages;) {
      page_entry const entry = copy.map[i];
      std::size_t pages = 1;
      if (entry.kind() == page_kind::small) {
        pages = layout::pages(entry.bin(), entry.is_short());
        if (i + pages <= Geometry::pages && !tell_run(tell, facts, c, copy, i)) return false;
      } else if (entry.kind() != page_kind::none) {
        // Not every owner's map entries tell how long an area is: it reaches to the next page that is free or has an
        // entry.
        while (i + pages < Geometry::pages && copy.taken.test(i + pages) && copy.map[i + pages] == page_entry{})
          ++pages;
        bool const is_free = copy.is_free(i * Geometry::page_bytes);
        if (!tell_pages(tell, facts, c->page(i), entry.kind(), pages, is_free)) return false;
      }
      i += pages;
    }
    return true;
  }

  template <class Tell>
  static bool tell_run(Tell& tell, walk_facts const& facts, chunk_type* c, chunk_copy<Geometry> const& copy,
                       std::size_t page) {
    bin_index const bin = copy.map[page].bin();
    bool const is_short = copy.map[page].is_short();
    std::size_t const slots = layout::slots(bin, is_short), pages = layout::pages(bin, is_short), each = slot_bytes(bin);
    char* const start = static_cast<char*>(c->page(page));
    area_info area;
    area.address = start;
    area.bytes = pages * Geometry::page_bytes;
    area.bin = bin.value;
    area.slot_bytes = each;
    area.slots = slots;
    area.live = slots - copy.free_in(page, pages);
    area.live_bytes = area.live * each;
    if (!tell(area)) return false;
    if (!Tell::of_blocks || !facts.tells_blocks || area.live == 0) return true;
    block_info block;
    block.bin = bin.value;
    block.bytes = block.usable = each - facts.overhead;
    block.certain = facts.certain;
    for (std::size_t i = 0; i < slots; ++i) {
      if (copy.is_free(page * Geometry::page_bytes + i * each)) continue;
      block.address = start + i * each;
      if (!tell(block)) return false;
    }
    return true;
  }

  template <class Tell>
  static bool tell_pages(Tell& tell, walk_facts const& facts, void const* start, page_kind kind, std::size_t pages,
                         bool is_free) {
    area_kind const as = kind == page_kind::large ? area_kind::large : area_kind::slab;
    return tell_whole(tell, start, pages * Geometry::page_bytes, as, facts.tells_blocks, is_free, facts.behind);
  }

  copy_room<Geometry> room_;
  lowest_items<item, copy_room<Geometry>::most> part_;
};

/// Tells of the huge blocks of a source, a few at a time, in the order of their addresses. `locked(work)` calls work(source)
/// at a moment when nobody changes it.
template <class Tell, class Locked> bool walk_huge(Tell& tell, walk_facts const& facts, Locked locked) {
  struct item {
    void* start = nullptr;
    std::size_t bytes = 0;
    std::uint64_t key() const noexcept { return address_of(start); }
  };
  constexpr std::size_t most = 128;
  lowest_items<item, most> part(most);
  auto const look = [&] {
    locked([&](auto const& source) { source.for_each_huge([&](extent const& e) { part.offer({e.start, e.bytes}); }); });
  };
  return part.walk(look, [&](item const& huge) {
    return tell_whole(tell, huge.start, huge.bytes, area_kind::huge, facts.tells_blocks);
  });
}

}}}  // namespace zmm::detail

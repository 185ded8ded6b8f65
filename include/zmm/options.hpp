// What can be chosen about a heap: constants of its type, so that what is off costs nothing.
#pragma once

#include <zmm/fwd.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Where an allocation was made. Empty: default heaps do not ask.
struct no_site {
  static constexpr no_site here() noexcept { return {}; }
};

/// Where an allocation was made, for debug heaps: the source line of the call whose default argument here() is.
struct call_site {
  static constexpr call_site here(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
  char const* file = nullptr;
  unsigned line = 0;
};

/// The options of a heap and their defaults. Derive to change some:
///
///     struct compact : zmm::default_options { using geometry = zmm::geometry<256 * 1024, 4096>; };
///     zmm::basic_heap<compact> h;
struct default_options {
  /// Sizes of chunks and pages. Smaller chunks: less address space a heap; larger blocks become huge sooner.
  using geometry = default_geometry;

  /// The type that says where an allocation was made; `site::here()` is the default argument of `allocate`.
  using site = no_site;

  /// Bytes of the smallest slot: 8, or 16 where a free slot has to hold two words.
  static constexpr std::size_t min_slot = 8;

  /// Bytes of the largest slot of engines over runs (heap, synchronized_heap, thread_heap); larger blocks take whole pages.
  /// 3072, with the original's bins, or a larger bin's, with those between. From 1 KiB on a slot takes a seventh more than
  /// its block at most then, where the original's take a quarter and pages up to twice as much; a pair of calls takes a
  /// tenth of the time of pages. No more than a 64th of a chunk counts.
  static constexpr std::size_t largest_slot = std::size_t{32} << 10;

  /// Update live and peak bytes on each call. Without it `statistics::peak` is the peak of carved bytes, an upper
  /// bound.
  static constexpr bool exact_peak = false;

  /// Segment heaps: bytes of a usual segment, rounded up to the operating system's page; larger requests have one of their
  /// own. Less is taken where limit or storage have less left.
  static constexpr std::size_t segment_bytes = std::size_t{256} << 10;

  /// Segment heaps: bytes that are set aside once a segment has four times as much to spare, and are free when limit or
  /// storage refuse, before the limit hook is asked: what handles the error finds memory. 0: none.
  static constexpr std::size_t reserve_bytes = std::size_t{8} << 10;

  // What follows hardens a heap: corruption and misuse end at the stop handler, which is told what rule was broken and
  // where. checked_options, hardened_options and paranoid_options have more and more of it; each costs what it says, and
  // nothing when it is off.

  /// A free slot proves itself: beside its link it has a second word, made of the link, a key of the heap and the slot's
  /// address. A link that was overwritten or copied is noticed before it is followed; a block freed twice, when it is
  /// freed. The key is random, and a new one after each release(). Requires min_slot == 16, so that a free slot holds
  /// two words: blocks of up to 8 bytes take 16. Bytes: 24 in the heap and in each thread's cache, 504 in a request.
  static constexpr bool encode_links = false;

  /// A free asks the heap's own books before it reads anything at the pointer: memory that is not this heap's, the
  /// inside of a block, a slot of another size are noticed. Asked likewise: usable_size() without a size, reallocate() and
  /// resize_in_place(). Requests have no such books: there a word in front of each packed block says that it is live, and in
  /// which bin. Requires encode_links. Bytes: 1320 in the heap object, 296 in each thread's cache; in a request 536, and 8 a
  /// packed block.
  static constexpr bool check_frees = false;

  /// Each small block has a word that binds it to the heap, its address, the size and alignment it was asked for and
  /// that it is live; a free compares. A size or alignment that is not the block's, an overflow or underrun into that
  /// word, a block of an ended request or of another heap are noticed. The word is the slot's last, in a request heap
  /// the one that check_frees has in front of the block: 8 bytes a small block, the largest one less. Only what was asked for may be used:
  /// usable_size() says no more. A free then asks the books only if the word is not what it should be. Requires
  /// check_frees.
  static constexpr bool tag_blocks = false;

  /// The tag lies right behind what was asked for (behind the first 8 bytes of a smaller block), so that an overflow by one
  /// byte is noticed; once more at the slot's end, if that leaves 8 to 15 bytes free. In a request heap it stays in front,
  /// and the 8 bytes behind are filled and compared where the slot has them; where not, what lies behind is the next
  /// block's tag. No bytes. A free by address alone looks for the tag: linear in the block's size. Requires tag_blocks.
  static constexpr bool tail_canary = false;

  /// Behind each block that has pages of its own, in its last page, lie two words that are compared when the block is freed or
  /// resized, when its request ends, and by verify(). Huge blocks have guard_pages. Not in segment heaps, whose tags lie behind
  /// every block. Requires tag_blocks. Bytes: 16 a paged block, and so a page for one whose size is a multiple of pages.
  static constexpr bool page_canary = false;

  /// What was freed, or live at release(), is overwritten with zero before it is handed out again: what a slot or a packed
  /// block had in it, when it is freed; a slot or run of pages that was in use before release(), when it is handed out
  /// again, and so a huge block that was kept; a request's slabs, at its end. What goes back to storage goes as it is. No
  /// bytes; time for every byte.
  static constexpr bool zero_on_free = false;

  /// A freed block holds zeros until it is handed out again, which is looked at then: a write to it after it was freed is
  /// noticed. Not in segment heaps. Requires zero_on_free and tag_blocks. No bytes; time for every byte.
  static constexpr bool check_reuse = false;

  /// Each KiB of a fresh run of slots (but at least four of them) is handed out from a random slot on with a random
  /// stride, and a request's slab from a random place on: where a block lies is not foretold by the one before. Requires
  /// encode_links. Bytes: 512 in the heap and in each thread's cache; up to 240 a slab.
  static constexpr bool random_runs = false;

  /// Behind each huge block lies an OS page that nothing can be read from or written to, where storage has address space
  /// to reserve: no memory, but a mapping of the system, of which it has a limited number. The block does not grow
  /// in place, but into address space that was reserved for that. Requires check_frees.
  static constexpr bool guard_pages = false;

  /// The links of chunks are checked against the heap's books before they are followed, and the books' own entries
  /// before they are used. Chunks of a request are its pool's, which knows no options; what a request heap checks are
  /// its own lists of slabs and paged blocks. Requires encode_links. Bytes: 32 in the heap.
  static constexpr bool check_chunks = false;

  /// Pointers to code that lie in memory of the heap or of the request (what runs at a request's end) or in the heap
  /// object (the limit hook) are stored encoded, and checked before they are called. Requires encode_links. Bytes: 24 in the heap, 8 an
  /// entry.
  static constexpr bool encode_calls = false;

  // What follows makes a debug heap; debug_options has it.

  /// The heap knows each block: its size, where it was allocated, what is beside it. What is wrong ends at the stop handler,
  /// and what is left over is reported. Needs <zmm/debug.hpp>. Bytes: 32 a block beside it, aligned ones more, and up to 144 in
  /// a table. All calls take the watch's path; a block has exactly the bytes asked for.
  static constexpr bool watch_blocks = false;
  /// With watch_blocks: bytes of freed blocks that are kept from reuse, so that a write after a free is noticed.
  static constexpr std::size_t quarantine = 0;

  /// The pool of a request lists it while it is in flight, with its label and figures, and adds up what ended requests took,
  /// by label and, in debug heaps, by place: inspect.hpp's visit_requests() and its relatives. Needs <zmm/inspect.hpp>. Bytes:
  /// 64 a request; two pages for the pool, and what tables of labels and places take. Time: a lock at the request's first block
  /// and at its end.
  static constexpr bool list_requests = false;

  /// Mean number of bytes from one sample to the next; 0: nothing is sampled. Where an allocation falls on a sample, the stack of
  /// the call, its place and label are noted, and the block is followed to its free: what write_profile() then tells. Needs
  /// <zmm/sampled.hpp>; not with encode_links or watch_blocks. Bytes: a page for each live small block that is sampled, and 32 beside
  /// it; 1 in the heap. Time: five instructions for an allocation and its free; some thousands a sample.
  static constexpr std::size_t sample_every = 0;
};

/// For production: profiles of who has the memory, for next to nothing. See docs/profiling.md.
struct sampled_options : default_options { static constexpr std::size_t sample_every = std::size_t{512} << 10; };

/// For development: finds who misuses memory, and where it was allocated. See docs/debugging.md.
struct debug_options : default_options {
  using site = call_site;
  static constexpr bool watch_blocks = true, list_requests = true;
  static constexpr std::size_t quarantine = std::size_t{1} << 20;
};

/// For production, to be left on: what frees a block twice, or a pointer that is none, and what overwrites the link of a free
/// block or a pointer to code, ends there. Blocks of up to 8 bytes take 16. What it catches and costs: docs/hardening.md.
struct checked_options : default_options {
  static constexpr std::size_t min_slot = 16;
  static constexpr bool encode_links = true, check_frees = true, check_chunks = true, encode_calls = true;
};

/// For production where misuse must not become an exploit: also notices writes past the ends of small and huge blocks, and a
/// size or alignment that is not the block's; and where a block lies is not foretold.
struct hardened_options : checked_options {
  static constexpr bool tag_blocks = true, tail_canary = true, random_runs = true, guard_pages = true;
};

namespace detail {
/// Complete where what these options need is included.
template <class Options, bool = Options::encode_links> struct hardening;
template <class Options> struct hardening<Options, false> {};

/// The same of a debug heap.
template <class Options, bool = Options::watch_blocks> struct debugging;
template <class Options> struct debugging<Options, false> {};

/// The same of a sampled heap.
template <class Options, bool = Options::sample_every != 0> struct sampling;
template <class Options> struct sampling<Options, false> {};

template <class T, class = void> inline constexpr bool is_complete = false;
template <class T> inline constexpr bool is_complete<T, decltype(static_cast<void>(sizeof(T)))> = true;

template <class Options> constexpr bool are_options_built() noexcept {
  static_assert(is_complete<hardening<Options>>, "zmm: for a hardened heap, include <zmm/hardened.hpp>");
  static_assert(is_complete<debugging<Options>>, "zmm: for a debug heap, include <zmm/debug.hpp>");
  static_assert(is_complete<sampling<Options>>, "zmm: for a sampled heap, include <zmm/sampled.hpp>");
  static_assert(Options::sample_every == 0 || !(Options::encode_links || Options::watch_blocks),
                "zmm: a hardened or a debug heap is not sampled");
  static_assert(!Options::encode_links || Options::min_slot == 16,
                "zmm: encode_links needs slots of at least 16 bytes");
  static_assert(Options::encode_links || !(Options::check_frees || Options::zero_on_free || Options::random_runs ||
                                           Options::check_chunks || Options::encode_calls),
                "zmm: the other hardening options build on encode_links");
  static_assert(Options::check_frees || !(Options::tag_blocks || Options::guard_pages),
                "zmm: tag_blocks and guard_pages build on check_frees");
  static_assert(Options::tag_blocks || !(Options::tail_canary || Options::page_canary), "zmm: canaries build on tag_blocks");
  static_assert(Options::watch_blocks || Options::quarantine == 0, "zmm: quarantine builds on watch_blocks");
  return true;
}
}  // namespace detail

}}  // namespace zmm

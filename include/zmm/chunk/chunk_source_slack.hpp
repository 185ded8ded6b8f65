// Slack: what is kept behind a huge block in use, because the kept block that it was made of was larger.
//
//     reuse_huge ─ leave_slack
//     give_huge, resize_huge, move_huge ─ join_slack
//     drop_cached, end_window ─ drop_slack
#pragma once

#include <zmm/chunk/chunk_source.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Cutting a block down costs a call now and page faults later, when a larger one is asked for. So the tail of a kept
/// block that is used again stays, without belonging to the block: it counts as kept, belongs to the block again when
/// that is freed or changes its size, and goes back to storage with the rest of what is kept. Not in checked heaps,
/// whose index entries hold a seal in its place.
/// Returns: bytes.
template <class Geometry> std::size_t chunk_source<Geometry>::slack_of(extent const& e) noexcept {
  return checks_chunks<Geometry> ? 0 : (e.tag >> extent::number_bits) * 4096;
}
template <class Geometry> void chunk_source<Geometry>::set_slack(extent& e, std::size_t bytes) noexcept {
  slack_bytes_ += bytes - slack_of(e);
  if (slack_bytes_ < least_slack_) least_slack_ = slack_bytes_;
  e.tag = e.number() | (bytes / 4096) << extent::number_bits;
}

/// Makes a block that was just taken from what was kept one of `size` bytes; the rest is its slack. Returns: false if
/// the slack would be more than four times as large as the block.
template <class Geometry> bool chunk_source<Geometry>::leave_slack(extent& e, std::size_t size) noexcept {
  std::size_t const slack = e.bytes - size, most = ~std::size_t{0} >> extent::number_bits;
  if (checks_chunks<Geometry> || e.reserve != e.bytes || slack / 4 > size || slack / 4096 > most) return false;
  e.tag = 0;
  e.bytes = size;
  set_slack(e, slack);
  forbid(offset(e.start, size), slack);
  return true;
}

/// Effects: counts the slack as the block's. Returns: the entry as it was before.
template <class Geometry> ZMM_COLD extent chunk_source<Geometry>::join_slack(extent& e) noexcept {
  extent const before = e;
  std::size_t const slack = slack_of(e);
  if (slack == 0) return before;
  allow(offset(e.start, e.bytes), slack);
  set_slack(e, 0);
  forget_roots(e.start, e.bytes);  // roots are known by their size
  e.bytes += slack;
  note_roots(e.start, e.bytes);
  huge_bytes_ += slack;
  return before;
}
/// As give_huge(), for a block that has slack.
template <class Geometry> ZMM_COLD std::size_t chunk_source<Geometry>::give_with_slack(extent& e) noexcept {
  std::size_t const bytes = join_slack(e).bytes;
  give_huge(e.start);
  return bytes;
}
/// Effects: undoes join_slack(), unless the slack went back to storage meanwhile.
template <class Geometry> void chunk_source<Geometry>::part_again(extent& e, extent const& before) noexcept {
  std::size_t const slack = slack_of(before);
  if (slack == 0) return;
  forget_roots(e.start, e.bytes);
  e.bytes -= slack;
  note_roots(e.start, e.bytes);
  huge_bytes_ -= slack;
  set_slack(e, slack);
  forbid(offset(e.start, e.bytes), slack);
}

/// Effects: gives slack back to storage, until that is `at_least` bytes or all. Returns: bytes. Complexity: linear in
/// the blocks, if there is any.
template <class Geometry> ZMM_COLD std::size_t chunk_source<Geometry>::drop_slack(std::size_t at_least) noexcept {
  std::size_t dropped = 0;
  if (slack_bytes_ == 0 || at_least == 0) return 0;
  for_each_huge([&](extent const& found) {
    auto& e = const_cast<extent&>(found);  // it lies in this source's own index
    std::size_t const slack = slack_of(e);
    if (slack == 0 || dropped >= at_least) return;
    allow(offset(e.start, e.bytes), slack);
    if (!storage_->truncate(e.start, e.bytes + slack, e.bytes)) return forbid(offset(e.start, e.bytes), slack);
    e.reserve = e.bytes;
    set_slack(e, 0);
    book_.subtract(slack);
    keeping_.on_give(slack);
    dropped += slack;
  });
  return dropped;
}

}}}  // namespace zmm::detail

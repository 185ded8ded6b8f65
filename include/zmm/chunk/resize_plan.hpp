// How large a paged block becomes when it is resized in place. Engines know who owns it, whom to charge and how to
// resize it.
#pragma once

#include <zmm/chunk/address_index.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How many pages a run of `now` pages is to have, so that it holds `min_bytes`, better `preferred_bytes`, and the `Behind`
/// bytes that the block does not use; `free_behind()`: the number of free pages behind it. 0: it cannot hold `min_bytes`.
template <class Geometry, std::size_t Behind, class FreeBehind>
std::size_t plan_run(std::size_t now, std::size_t min_bytes, std::size_t preferred_bytes, FreeBehind free_behind) noexcept {
  constexpr std::size_t page = Geometry::page_bytes, most = large_limit<Geometry> - Behind;
  if (min_bytes <= now * page - Behind && preferred_bytes >= now * page - Behind) return now;
  if (min_bytes > most) return 0;
  min_bytes += Behind;
  preferred_bytes = (preferred_bytes < most ? preferred_bytes : most) + Behind;
  std::size_t const wanted = divide_up(preferred_bytes != 0 ? preferred_bytes : 1, page);
  std::size_t const reach = wanted > now ? now + free_behind() : now;
  if (divide_up(min_bytes, page) > reach) return 0;
  return wanted < reach ? wanted : reach;
}

/// The same for a huge block, which resize(bytes) resizes: that returns the bytes it has then, or 0. Returns: the bytes
/// that may be used; 0: it cannot hold `min_bytes`.
template <class Resize>
std::size_t resize_huge_within(extent const& now, std::size_t min_bytes, std::size_t preferred_bytes,
                               Resize resize) noexcept {
  bool const fits = min_bytes <= now.bytes;
  if (fits && preferred_bytes >= now.bytes) return now.bytes;
  if (min_bytes > ~std::size_t{0} / 2) return 0;
  if (preferred_bytes > ~std::size_t{0} / 2) preferred_bytes = min_bytes;
  std::size_t const tries[] = {now.next_step(min_bytes, preferred_bytes), min_bytes};
  for (std::size_t bytes : tries) {
    if (std::size_t const got = resize(bytes)) return got;
  }
  return fits ? now.bytes : 0;
}

}}}  // namespace zmm::detail

// The figures of a watch, place by place, while other threads may be inside.
#pragma once
#include <zmm/watch/site_ledger.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Effects: calls visit(item) for each of count() items, at(number), until it returns false. A few items at a time are
/// copied inside locked(); visit() is called outside, so that it may use what is looked at. Returns: whether it came to
/// the end.
template <class Item, class Locked, class Count, class At, class Visit>
bool for_each_copied(Locked locked, Count count, At at, Visit visit) {
  constexpr std::size_t most = 16;
  Item some[most];
  for (std::size_t first = 0;; first += most) {
    std::size_t copied = 0;
    locked([&] {
      std::size_t const all = count();
      for (; copied < most && first + copied < all; ++copied) some[copied] = at(first + copied);
    });
    for (std::size_t i = 0; i < copied; ++i) {
      if (!visit(static_cast<Item const&>(some[i]))) return false;
    }
    if (copied < most) return true;
  }
}

template <class Watch, class Count, class At, class Visit>
void for_each_figures(Watch const& watch, Count count, At at, Visit& visit) {
  for_each_copied<site_figures>([&](auto look) { watch.inspect(look); }, count, at,
                                [&](site_figures const& f) {
                                  if (f.blocks != 0) visit(f);
                                  return true;
                                });
}

/// Effects: calls visit(site_figures const&) for each place that has allocated, as for_each_copied().
template <class Watch, class Visit> void for_each_site_of(Watch const& watch, Visit&& visit) {
  auto const& all = watch.sites();
  for_each_figures(
      watch, [&] { return all.sites(); }, [&](std::size_t number) { return all.site_at(number); }, visit);
}
/// The same for each label.
template <class Watch, class Visit> void for_each_label_of(Watch const& watch, Visit&& visit) {
  auto const& all = watch.sites();
  for_each_figures(
      watch, [&] { return all.labels(); }, [&](std::size_t number) { return all.label_at(number); }, visit);
}

}}}  // namespace zmm::detail

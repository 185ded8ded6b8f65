#include "order_totals.hpp"

namespace shop {

namespace {

/// The value of a key, made first where it is missing. The key is copied into the map's memory at most once.
template <class Map> typename Map::mapped_type& at_or_new(Map& map, std::string_view key) {
  return map[typename Map::key_type(key, map.get_allocator())];
}

}  // namespace

order_totals::customer& order_totals::begin_order(std::int64_t id, std::string_view name) {
  ++orders_;
  customer& buyer = at_or_new(customers_, name);
  ++buyer.orders;
  buyer.order_id = id;
  buyer.order_cents = 0;
  return buyer;
}

void order_totals::add_line(customer& buyer, line const& item) {
  std::int64_t const cents = item.quantity * item.price;
  cents_ += cents;
  buyer.cents += cents;
  buyer.order_cents += cents;

  product& sold = at_or_new(products_, item.sku);
  if (sold.name.empty()) sold.name = item.name;
  sold.quantity += item.quantity;
  sold.cents += cents;

  auto const before = buyer.bought.size();
  at_or_new(buyer.bought, item.sku) += item.quantity;
  sold.customers += buyer.bought.size() > before;
}

void order_totals::end_order(customer& buyer) {
  if (buyer.order_cents <= buyer.largest_cents) return;
  buyer.largest_cents = buyer.order_cents;
  buyer.largest_order = buyer.order_id;
}

std::pmr::vector<std::pmr::string const*> order_totals::favourites_of(customer const& buyer) const {
  using entry = std::pair<std::pmr::string const, std::int64_t>;
  std::pmr::vector<entry const*> rows{buyer.bought.get_allocator().resource()};
  rows.reserve(buyer.bought.size());
  for (entry const& row : buyer.bought) rows.push_back(&row);
  auto const kept = rows.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, rows.size()));
  std::partial_sort(rows.begin(), kept, rows.end(), [](entry const* a, entry const* b) {
    return a->second != b->second ? a->second > b->second : a->first < b->first;
  });
  std::pmr::vector<std::pmr::string const*> out{rows.get_allocator()};
  for (auto row = rows.begin(); row != kept; ++row) out.push_back(&(*row)->first);
  return out;
}

}  // namespace shop

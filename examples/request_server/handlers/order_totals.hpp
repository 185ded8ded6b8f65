// The sums of the order report: pmr containers, one inside the other, all in the request's memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shop {

/// Totals by customer and by product. Ties are broken by name, so that equal orders give equal reports.
class order_totals {
public:
  /// The allocator comes last and is passed to the members: nested containers use the same memory as the outermost.
  struct customer {
    using allocator_type = std::pmr::polymorphic_allocator<std::byte>;
    explicit customer(allocator_type allocator) : bought(allocator) {}

    std::int64_t orders = 0;
    std::int64_t cents = 0;
    std::int64_t largest_order = 0;                                  // its id
    std::pmr::unordered_map<std::pmr::string, std::int64_t> bought;  // sku → quantity

    std::int64_t largest_cents = -1;
    std::int64_t order_cents = 0;  // of the order being read
    std::int64_t order_id = 0;
  };

  struct product {
    using allocator_type = std::pmr::polymorphic_allocator<std::byte>;
    explicit product(allocator_type allocator) : name(allocator) {}

    std::pmr::string name;
    std::int64_t quantity = 0;
    std::int64_t cents = 0;
    std::int64_t customers = 0;
  };

  struct line {
    std::string_view sku, name;
    std::int64_t quantity, price;
  };

  explicit order_totals(std::pmr::memory_resource* memory) : customers_(memory), products_(memory) {}

  customer& begin_order(std::int64_t id, std::string_view name);
  void add_line(customer&, line const&);
  void end_order(customer&);

  std::int64_t orders() const noexcept { return orders_; }
  std::int64_t cents() const noexcept { return cents_; }
  std::size_t customers() const noexcept { return customers_.size(); }
  std::size_t products() const noexcept { return products_.size(); }

  /// Up to three skus the customer bought most of, most first.
  std::pmr::vector<std::pmr::string const*> favourites_of(customer const&) const;

  /// Calls use(name, totals) for each, highest total first.
  template <class Use> void for_each_customer(Use use) const { for_each_by_total(customers_, use); }
  template <class Use> void for_each_product(Use use) const { for_each_by_total(products_, use); }

private:
  template <class Value> using map = std::pmr::unordered_map<std::pmr::string, Value>;
  template <class Value, class Use> static void for_each_by_total(map<Value> const&, Use&);

  map<customer> customers_;
  map<product> products_;
  std::int64_t orders_ = 0;
  std::int64_t cents_ = 0;
};

template <class Value, class Use> void order_totals::for_each_by_total(map<Value> const& totals, Use& use) {
  std::pmr::vector<typename map<Value>::value_type const*> rows{totals.get_allocator().resource()};
  rows.reserve(totals.size());
  for (auto const& row : totals) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](auto const* a, auto const* b) {
    return a->second.cents != b->second.cents ? a->second.cents > b->second.cents : a->first < b->first;
  });
  for (auto const* row : rows) use(row->first, row->second);
}

}  // namespace shop

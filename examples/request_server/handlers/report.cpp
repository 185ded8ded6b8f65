// POST /orders/report: sums of the orders by customer and by product.
//
//   {"orders": [{"id": 17, "customer": "…", "lines": [{"sku": "…", "name": "…", "quantity": 2, "price": 1999}, …]}, …]}
//
// Prices and totals are whole cents.
#include "../arena/boost_view.hpp"
#include "../http/request_error.hpp"
#include "handlers.hpp"
#include "json_io.hpp"
#include "order_totals.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace shop {

namespace json = boost::json;

namespace {

// ---- Reading: every fault of the data is a 400 that says what was expected ------------------------------------------

constexpr std::int64_t most_items = 100'000;         // of one line
constexpr std::int64_t highest_price = 100'000'000;  // with most_items and the body's limit, no sum can overflow

json::object const& object_of(json::value const& value, char const* otherwise) {
  auto const* object = value.if_object();
  if (object == nullptr) throw_bad_request(otherwise);
  return *object;
}

json::array const& array_in(json::object const& object, char const* name, char const* otherwise) {
  auto const* value = object.if_contains(name);
  auto const* array = value == nullptr ? nullptr : value->if_array();
  if (array == nullptr) throw_bad_request(otherwise);
  return *array;
}

std::string_view text_in(json::object const& object, char const* name, char const* otherwise) {
  auto const* value = object.if_contains(name);
  auto const* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->empty()) throw_bad_request(otherwise);
  return {text->data(), text->size()};
}

std::int64_t number_in(json::object const& object, char const* name, std::int64_t at_most, char const* otherwise) {
  auto const* value = object.if_contains(name);
  auto const* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number < 0 || *number > at_most) throw_bad_request(otherwise);
  return *number;
}

void read_orders(json::value const& body, order_totals& totals) {
  auto const& whole = object_of(body, "the body is an object");
  for (json::value const& entry : array_in(whole, "orders", "orders is an array")) {
    auto const& order = object_of(entry, "an order is an object");
    auto const id = number_in(order, "id", INT64_MAX, "an order's id is a whole number");
    auto& customer = totals.begin_order(id, text_in(order, "customer", "an order's customer is a text"));
    for (json::value const& item : array_in(order, "lines", "an order's lines are an array")) {
      auto const& line = object_of(item, "a line is an object");
      totals.add_line(customer,
                      {text_in(line, "sku", "a line's sku is a text"), text_in(line, "name", "a line's name is a text"),
                       number_in(line, "quantity", most_items, "a line's quantity is 0 to 100000"),
                       number_in(line, "price", highest_price, "a line's price is 0 to 100000000 cents")});
    }
    totals.end_order(customer);
  }
}

// ---- Writing --------------------------------------------------------------------------------------------------------

json::string_view view_of(std::pmr::string const& text) { return {text.data(), text.size()}; }

json::array customers_of(order_totals const& totals, json::storage_ptr const& storage) {
  json::array rows(storage);
  rows.reserve(totals.customers());
  totals.for_each_customer([&](std::pmr::string const& name, order_totals::customer const& customer) {
    json::object row(storage);
    row.reserve(5);
    row.emplace("customer", view_of(name));
    row.emplace("orders", customer.orders);
    row.emplace("total", customer.cents);
    row.emplace("largest_order", customer.largest_order);
    json::array favourites(storage);
    for (auto const& favourite : totals.favourites_of(customer)) favourites.emplace_back(view_of(*favourite));
    row.emplace("favourites", std::move(favourites));
    rows.push_back(std::move(row));
  });
  return rows;
}

json::array products_of(order_totals const& totals, json::storage_ptr const& storage) {
  json::array rows(storage);
  rows.reserve(totals.products());
  totals.for_each_product([&](std::pmr::string const& sku, order_totals::product const& product) {
    json::object row(storage);
    row.reserve(5);
    row.emplace("sku", view_of(sku));
    row.emplace("name", view_of(product.name));
    row.emplace("quantity", product.quantity);
    row.emplace("total", product.cents);
    row.emplace("customers", product.customers);
    rows.push_back(std::move(row));
  });
  return rows;
}

}  // namespace

void report_orders(call const& asked, response& out) {
  boost_view view{asked.memory};
  json::storage_ptr const storage{&view};
  order_totals totals{asked.memory};
  read_orders(parse_json(asked.message.body(), storage), totals);

  json::object report(storage);
  report.reserve(4);
  report.emplace("orders", totals.orders());
  report.emplace("total", totals.cents());
  report.emplace("customers", customers_of(totals, storage));
  report.emplace("products", products_of(totals, storage));
  write_json(std::move(report), out.body());
}

}  // namespace shop

// GET, POST /page.
#include "../arena/boost_view.hpp"
#include "handlers.hpp"
#include "json_io.hpp"

#include <boost/beast/http/verb.hpp>

namespace shop {

void show_page(call const& asked, response& out) {
  out.set(http::field::content_type, "text/html; charset=utf-8");
  if (asked.message.method() == http::verb::get) {
    asked.from.loaded.page.render(asked.from.loaded.sample, out.body());
    return;
  }
  boost_view view{asked.memory};
  auto const data = parse_json(asked.message.body(), boost::json::storage_ptr(&view));
  asked.from.loaded.page.render(data, out.body());
}

}  // namespace shop

// GET /stats.
#include "../arena/boost_view.hpp"
#include "../http/request_error.hpp"
#include "handlers.hpp"
#include "json_io.hpp"

namespace shop {

void show_figures(call const& asked, response& out) {
  if (asked.from.statistics == nullptr) throw request_error(http::status::not_found, "no figures are kept here");
  boost_view view{asked.memory};
  write_json(asked.from.statistics->report(boost::json::storage_ptr(&view)), out.body());
}

}  // namespace shop

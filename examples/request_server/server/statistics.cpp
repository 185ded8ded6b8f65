#include "statistics.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace shop {

namespace json = boost::json;

namespace {

json::string_view text(std::string_view view) { return {view.data(), view.size()}; }

/// The pool of all zmm requests. Its sizes are those of recently ended requests.
json::object pool_figures(json::storage_ptr const& storage) {
  auto const pool = zmm::default_request_pool().stats();
  json::object out(storage);
  out.emplace("in_flight", pool.in_flight);
  out.emplace("slabs_free", pool.slabs_free);
  out.emplace("real_size", pool.real_size);
  out.emplace("real_peak", pool.real_peak);
  out.emplace("used", pool.used);
  out.emplace("ended", pool.ended);
  out.emplace("p50", pool.p50);
  out.emplace("p90", pool.p90);
  out.emplace("p99", pool.p99);
  return out;
}

json::object record_figures(request_record const& record, json::storage_ptr const& storage) {
  json::object out(storage);
  out.emplace("method", text(request_record::view(record.method)));
  out.emplace("target", text(request_record::view(record.target)));
  out.emplace("status", record.status);
  out.emplace("bytes_read", record.bytes_read);
  out.emplace("bytes_written", record.bytes_written);
  out.emplace("bytes_held", record.bytes_held);
  out.emplace("microseconds", record.microseconds);
  return out;
}

}  // namespace

void statistics::add(request_record const& record) {
  std::lock_guard const lock{mutex_};
  records_[added_++ % kept] = record;
  ++by_status_[record.status];
}

json::value statistics::report(json::storage_ptr storage) const {
  json::object out(storage);
  out.emplace("arena", name_of(arena_));
  if (is_zmm(arena_)) out.emplace("pool", pool_figures(storage));

  std::lock_guard const lock{mutex_};
  out.emplace("requests", added_);
  json::object statuses(storage);
  for (auto const& [status, count] : by_status_) statuses.emplace(std::to_string(status), count);
  out.emplace("by_status", std::move(statuses));

  std::size_t const known = static_cast<std::size_t>(std::min<std::uint64_t>(added_, kept));
  if (known != 0) {
    std::array<std::int64_t, kept> times;
    for (std::size_t i = 0; i < known; ++i) times[i] = records_[i].microseconds;
    std::sort(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(known));
    json::object latency(storage);
    latency.emplace("p50", times[known * 50 / 100]);
    latency.emplace("p90", times[known * 90 / 100]);
    latency.emplace("p99", times[known * 99 / 100]);
    out.emplace("latency_microseconds", std::move(latency));
  }
  json::array last(storage);
  for (std::size_t i = 0; i < std::min(known, shown); ++i)
    last.push_back(record_figures(records_[(added_ - 1 - i) % kept], storage));
  out.emplace("last_requests", std::move(last));
  return out;
}

}  // namespace shop

// Which requests of a pool are in flight, and how much memory ended ones took. For requests with the option list_requests, which
// debug requests have.
#pragma once
#include <zmm/blocks/lowest_items.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/request/request_journal.hpp>
#include <zmm/watch/watch_figures.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Effects: calls visit(request_info const&) for each listed request in flight, the largest first, until it returns false; for
/// the largest 4096 if there are more. Figures are of one moment; the visitor may use the pool. Any thread, while requests
/// work. Returns: whether visit() never returned false. Complexity: O(n log n).
template <class Geometry, class Visit> bool visit_requests(basic_request_pool<Geometry> const& pool, Visit visit) {
  struct item {
    request_info info;
    std::uint64_t key() const noexcept { return ~std::uint64_t{info.real_size}; }
  };
  detail::request_journal* const journal = detail::request_journal::find(pool);
  if (journal == nullptr) return true;
  std::size_t const most = 4096, in_flight = pool.stats().in_flight;
  detail::lowest_items<item> largest(in_flight < most ? in_flight : most);
  largest.start(0);
  journal->locked([&] {
    journal->for_each_request([&](detail::request_node const& n) {
      auto const read = [](auto const& figure) { return figure.load(detail::memory_order_relaxed); };
      largest.offer({{n.address, n.label, read(n.real_size), read(n.real_peak), read(n.limit)}});
    });
  });
  largest.sort();
  for (item const& request : largest) {
    if (!visit(request.info)) return false;
  }
  return true;
}

/// Effects: gives a listed request in flight a new label, for programs that learn what a request is about only after its first
/// block. No effect on other requests. `request`: the engine or a face, on the thread that uses it. Requires: `label` lives as
/// long as the pool.
template <class Request> void label_request(Request& request, char const* label) noexcept {
  auto const& engine = detail::inspected(request);
  using engine_type = std::remove_const_t<std::remove_reference_t<decltype(engine)>>;
  detail::inspection<engine_type>::set_label(const_cast<engine_type&>(engine), label);
}

/// A limit that applies to a request, and how much of it is used.
struct limit_info {
  limit_holder whose;   ///< the request's own (engine), an ancestor's or the pool's
  void const* address;  ///< of the request heap or of the pool
  std::size_t used;     ///< real bytes of the request with its children, or of the whole pool
  std::size_t limit;    ///< SIZE_MAX: none
};

/// Effects: calls visit(limit_info const&) for a request, each of its ancestors and its pool, in this order, until it returns
/// false. So the code that catches memory_limit_exceeded can print how full each limit is. `request`: the engine or a face, on
/// the thread that uses it. Returns: whether visit() never returned false.
template <class Request, class Visit> bool visit_limits(Request const& request, Visit visit) {
  auto const& engine = detail::inspected(request);
  using engine_type = std::remove_const_t<std::remove_reference_t<decltype(engine)>>;
  bool const goes_on = detail::inspection<engine_type>::for_each_book(engine, [&](auto const& book, void const* at) {
    limit_holder const whose = at == &engine ? limit_holder::engine : limit_holder::ancestor;
    return static_cast<bool>(visit(limit_info{whose, at, book.real_size(), book.limit()}));
  });
  auto const& pool = engine.pool();
  return goes_on && static_cast<bool>(visit(limit_info{limit_holder::pool, &pool, pool.real_size(), pool.limit()}));
}

namespace detail {
template <class Info, class Pool, class Count, class At, class Visit>
bool visit_ended(Pool const& pool, Count count, At at, Visit& visit) {
  request_journal* const journal = request_journal::find(pool);
  if (journal == nullptr) return true;
  return for_each_copied<Info>([&](auto look) { journal->locked(look); }, [&] { return count(*journal); },
                               [&](std::size_t i) { return at(*journal, i); },
                               [&](Info const& info) { return static_cast<bool>(visit(info)); });
}
}  // namespace detail

/// Effects: calls visit(ended_label_info const&) for each label of listed requests that have ended, until it returns false.
/// Any thread. Returns: whether visit() never returned false.
template <class Geometry, class Visit> bool visit_ended_labels(basic_request_pool<Geometry> const& pool, Visit visit) {
  return detail::visit_ended<ended_label_info>(
      pool, [](auto const& j) { return j.labels(); }, [](auto const& j, std::size_t i) { return j.label_at(i); },
      visit);
}

/// The same for each place that allocated in debug requests that have ended: visit(ended_site_info const&).
template <class Geometry, class Visit> bool visit_ended_sites(basic_request_pool<Geometry> const& pool, Visit visit) {
  return detail::visit_ended<ended_site_info>(
      pool, [](auto const& j) { return j.sites(); }, [](auto const& j, std::size_t i) { return j.site_at(i); }, visit);
}

}}  // namespace zmm

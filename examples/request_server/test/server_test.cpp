// The server over real sockets.
#include "support.hpp"

#include "demo/child.hpp"
#include "demo/driver.hpp"
#include "server/server.hpp"

#include <zmm/debug.hpp>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <thread>

using namespace shop;
using namespace shop_test;

namespace {

server_options options(arena_kind arena, std::size_t limit = no_limit) {
  server_options out;
  out.arena = arena;
  out.memory_limit = limit;
  return out;
}

}  // namespace

TEST_CASE("over a socket every arena answers as it does without") {
  for (arena_kind arena : all_arenas) {
    server running{options(arena), loaded()};
    client connection{running.port()};
    for (auto const& request : recorded()) {
      auto const expected = ask(request.wire, arena).bytes;
      connection.send(request.wire);
      CHECK(connection.receive_exactly(expected.size()) == expected);
    }
  }
}

TEST_CASE("requests that come at once are answered in order") {
  server running{options(arena_kind::zmm), loaded()};
  client connection{running.port()};
  std::string wire, expected;
  for (std::size_t i = 0; i < 40; ++i) {
    wire += recorded()[i].wire;
    expected += ask(recorded()[i].wire).bytes;
  }
  std::thread sender([&] { connection.send(wire); });
  auto const got = connection.receive_exactly(expected.size());
  sender.join();
  CHECK(got == expected);
}

TEST_CASE("many connections at once") {
  for (arena_kind arena : all_arenas) {
    server running{options(arena), loaded()};
    CHECK(drive(running.port(), recorded(), 6, 1).requests_per_second > 0);
  }
}

TEST_CASE("the server outlives requests that are no requests") {
  server running{options(arena_kind::zmm), loaded()};
  std::string const large(3 * 1024 * 1024, 'x');
  struct {
    std::string wire;
    unsigned status;
  } const cases[] = {{"nonsense\r\n\r\n", 400},
                     {"GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 431},
                     {post("/page", large), 413}};
  for (auto const& one : cases) {
    client connection{running.port()};
    CHECK(connection.ask(one.wire).result_int() == one.status);
    CHECK(connection.ended());
  }
  { client leaves_early{running.port()}; }
  {
    client leaves_in_the_middle{running.port()};
    leaves_in_the_middle.send(post("/page", large).substr(0, 1000));
  }
  CHECK(client{running.port()}.ask(get("/page")).result_int() == 200);
}

TEST_CASE("past the memory limit: 413, and the same connection is served on") {
  server running{options(arena_kind::zmm, 256 * 1024), loaded()};
  client connection{running.port()};
  auto const fits = post("/orders/report", orders(20));
  auto const grows_past = post("/orders/report", orders(2000));  // 120 KiB of body fit, but not what is made of it
  auto const never_fits = post("/orders/report", orders(12'000));
  for (int i = 0; i < 3; ++i) {
    CHECK(connection.ask(fits).result_int() == 200);
    CHECK(connection.ask(grows_past).result_int() == 413);
  }
  CHECK(connection.ask(fits).result_int() == 200);
  // A body that does not fit is not read to its end, so this connection is closed; others are not.
  CHECK(connection.ask(never_fits).result_int() == 413);
  CHECK(connection.ended());
  CHECK(client{running.port()}.ask(fits).result_int() == 200);
}

TEST_CASE("100-continue is sent to those who wait for it") {
  server running{options(arena_kind::zmm), loaded()};
  client connection{running.port()};
  auto wire = post("/orders/report", orders(3));
  auto const expected = ask(wire).bytes;
  auto const header_end = wire.find("\r\n\r\n");
  connection.send(wire.substr(0, header_end) + "\r\nExpect: 100-continue\r\n\r\n");
  std::string const go = "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(connection.receive_exactly(go.size()) == go);
  connection.send(wire.substr(header_end + 4));
  CHECK(connection.receive_exactly(expected.size()) == expected);
}

TEST_CASE("/stats tells of the pool and of the last requests") {
  for (arena_kind arena : all_arenas) {
    server running{options(arena), loaded()};
    client connection{running.port()};
    connection.ask(get("/page"));
    connection.ask(get("/nowhere"));
    auto const figures = boost::json::parse(connection.ask(get("/stats")).body());
    CHECK(figures.at("arena").as_string() == name_of(arena));
    CHECK(figures.at("requests") == 2);
    CHECK(figures.at("by_status").at("200") == 1);
    CHECK(figures.at("by_status").at("404") == 1);
    auto const& last = figures.at("last_requests").as_array();
    REQUIRE(last.size() == 2);
    CHECK(last[0].at("target").as_string() == "/nowhere");
    CHECK(last[1].at("bytes_read") == get("/page").size());
    CHECK(figures.as_object().contains("pool") == is_zmm(arena));
    if (!is_zmm(arena)) continue;
    CHECK(figures.at("pool").at("in_flight").to_number<std::size_t>() >= 1);  // this very request
    CHECK(last[1].at("bytes_held").to_number<std::size_t>() > 0);
  }
}

TEST_CASE("/heap and its relatives show the memory that requests live in") {
  for (arena_kind arena : all_arenas) {
    server running{options(arena), loaded()};
    client connection{running.port()};
    for (int i = 0; i < 5; ++i) CHECK(connection.ask(get("/page")).result_int() == 200);
    auto const page = connection.ask(get("/heap"));
    CHECK(page.result_int() == 200);
    CHECK(page[boost::beast::http::field::content_type] == "text/html; charset=utf-8");
    CHECK(page.body().find("requests in flight") != std::string::npos);
    if (arena == arena_kind::debug) {  // one pool for the process: pages of later servers show these requests, too
      CHECK(page.body().find("<td>/page<td>") != std::string::npos);  // it ended
      CHECK(page.body().find("<td>/heap<td>") != std::string::npos);  // itself
    }
    for (char const* of : {"", "?of=pool", "?of=process"}) {
      auto const map = connection.ask(get(std::string("/heap.svg") + of));
      CHECK(map[boost::beast::http::field::content_type] == "image/svg+xml");
      CHECK(map.body().find("</svg>") != std::string::npos);
      auto const figures = boost::json::parse(connection.ask(get(std::string("/heap.json") + of)).body());
      CHECK(figures.at("schema") == 1);
    }
    CHECK(connection.ask(get("/heap.svg?of=nothing")).result_int() == 400);
    auto const metrics = connection.ask(get("/metrics"));
    CHECK(metrics[boost::beast::http::field::content_type] == zmm::metrics_content_type);
    CHECK(metrics.body().find("zmm_pool_requests_ended_total{pool=\"requests\"} ") != std::string::npos);
    auto const profile = connection.ask(get("/debug/pprof/heap")).body();
    CHECK(profile.compare(0, 3, "\x1F\x8B\x08") == 0);
    CHECK(connection.ask(get("/debug/pprof/heap?of=process")).body().compare(0, 3, "\x1F\x8B\x08") == 0);
    CHECK(metrics.body().find("# EOF\n") == metrics.body().size() - 6);
    CHECK(connection.ask(post("/heap", "")).result_int() == 405);
  }
}

TEST_CASE("the page about memory shows a hundred places, and says that there are more") {
  for (unsigned line = 1; line <= 150; ++line) {
    zmm::debug_request_heap ended{zmm::default_request_pool()};
    static_cast<void>(ended.allocate(1, 1, zmm::call_site::here("many.cpp", line)));
  }
  server running{options(arena_kind::zmm), loaded()};
  client connection{running.port()};
  auto const page = connection.ask(get("/heap")).body();
  std::size_t rows = 0;
  for (auto at = page.find("Ended requests by place"); (at = page.find("<tr><td>", at)) != std::string::npos; ++at)
    ++rows;
  CHECK(rows == 100);
  CHECK(page.find("More places are in") != std::string::npos);
  auto const figures = boost::json::parse(connection.ask(get("/heap.json")).body());
  CHECK(figures.at("ended_sites").as_array().size() >= 150);
}

TEST_CASE("the page about memory is served while others are") {
  for (arena_kind arena : {arena_kind::zmm, arena_kind::debug}) {
    server running{options(arena), loaded()};
    std::atomic<bool> stop{false};
    std::thread looks([&] {
      client connection{running.port()};
      while (!stop) {
        auto const figures = boost::json::parse(connection.ask(get("/heap.json")).body());
        CHECK(figures.at("figures").at("in_flight").to_number<int>() >= 1);
        for (char const* path : {"/heap", "/heap.svg", "/metrics"}) CHECK(connection.ask(get(path)).result_int() == 200);
      }
    });
    CHECK(drive(running.port(), recorded(), 4, 1).requests_per_second > 0);
    stop = true;
    looks.join();
  }
}

TEST_CASE("a server with open connections stops at once; one with a request under way, after it") {
  auto running = std::make_unique<server>(options(arena_kind::zmm), loaded());
  client idle{running->port()}, busy{running->port()};
  CHECK(idle.ask(get("/page")).result_int() == 200);
  auto const wire = get("/page");
  busy.send(wire.substr(0, 10));
  while (boost::json::parse(idle.ask(get("/stats")).body()).at("pool").at("in_flight").to_number<int>() < 2)
    std::this_thread::yield();
  running->stop();
  CHECK(idle.ended());
  busy.send(wire.substr(10));
  CHECK(busy.receive().result_int() == 200);
  CHECK(busy.ended());
  running.reset();
}

TEST_CASE("SIGINT and SIGTERM end the program with status 0") {
  for (int signal : {SIGINT, SIGTERM}) {
    child process({SHOP_SERVER, "--port=0"});
    auto const line = process.read_line();
    auto const at = line.find("127.0.0.1:");
    REQUIRE(at != std::string::npos);
    client connection{static_cast<std::uint16_t>(std::stoul(line.substr(at + 10)))};
    CHECK(connection.ask(get("/page")).result_int() == 200);
    process.signal(signal);
    CHECK(process.wait() == 0);
  }
}

TEST_CASE("wrong options end the program with a reason and status 2") {
  for (char const* wrong : {"--arena=stack", "--port=x", "--threads=0", "--text=/nowhere", "--nonsense"})
    CHECK(child({SHOP_SERVER, "--port=0", wrong}).wait() == 2);
  CHECK(child({SHOP_SERVER, "--port=0", "--arena=new", "--memory-limit=1000000"}).wait() == 2);
  CHECK(child({SHOP_SERVER, "--help"}).wait() == 0);
}

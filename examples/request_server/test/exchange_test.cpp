// Requests without sockets: what is answered, in which arena, and what happens at the edges.
#include "support.hpp"

#include "arena/boost_view.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <random>

using namespace shop;
using namespace shop_test;

TEST_CASE("all arenas answer all recorded requests with the same bytes") {
  worker_memory zmm{arena_kind::zmm}, hardened{arena_kind::hardened}, none{arena_kind::new_};
  worker_memory monotonic{arena_kind::monotonic}, pool{arena_kind::pool};
  for (auto const& request : recorded()) {
    auto const expected = ask(request.wire, none);
    CHECK(expected.status == 200);
    CHECK(ask(request.wire, zmm).bytes == expected.bytes);
    CHECK(ask(request.wire, hardened).bytes == expected.bytes);
    CHECK(ask(request.wire, monotonic).bytes == expected.bytes);
    CHECK(ask(request.wire, pool).bytes == expected.bytes);
  }
}

TEST_CASE("an order report sums up by customer and product") {
  auto const body = R"({"orders":[
    {"id":7,"customer":"Ada","lines":[{"sku":"A","name":"apple","quantity":2,"price":100},
                                      {"sku":"B","name":"bear","quantity":1,"price":1000}]},
    {"id":8,"customer":"Bob","lines":[{"sku":"A","name":"apple","quantity":5,"price":100}]},
    {"id":9,"customer":"Ada","lines":[{"sku":"A","name":"apple","quantity":1,"price":100}]}]})";
  auto const expected = boost::json::parse(R"({"orders":4,"total":1800,
    "customers":[{"customer":"Ada","orders":2,"total":1300,"largest_order":7,"favourites":["A","B"]},
                 {"customer":"Bob","orders":1,"total":500,"largest_order":8,"favourites":["A"]}],
    "products":[{"sku":"B","name":"bear","quantity":1,"total":1000,"customers":1},
                {"sku":"A","name":"apple","quantity":8,"total":800,"customers":2}]})");
  auto answered = boost::json::parse(ask(post("/orders/report", body)).body());
  CHECK(answered.at("orders") == 3);
  answered.at("orders") = 4;
  CHECK(answered == expected);
}

TEST_CASE("faults of a request are told, and the connection goes on") {
  struct {
    std::string wire;
    unsigned status;
  } const cases[] = {
      {get("/"), 404},
      {get("/nowhere?x=1"), 404},
      {get("/orders/report"), 405},
      {post("/search", ""), 405},
      {"DELETE /page HTTP/1.1\r\n\r\n", 405},
      {"BREW /page HTTP/1.1\r\n\r\n", 405},
      {get("/search"), 400},
      {get("/search?q="), 400},
      {get("/search?q=%"), 400},
      {get("/search?q=a&limit=0"), 400},
      {get("/search?q=a&limit=51"), 400},
      {get("/search?q=a&limit=x"), 400},
      {post("/orders/report", ""), 400},
      {post("/orders/report", "{"), 400},
      {post("/orders/report", "{} {}"), 400},
      {post("/orders/report", std::string(5000, '[')), 400},
      {post("/orders/report", "[]"), 400},
      {post("/orders/report", R"({"orders":{}})"), 400},
      {post("/orders/report", R"({"orders":[1]})"), 400},
      {post("/orders/report", R"({"orders":[{"id":1,"customer":"a"}]})"), 400},
      {post("/orders/report", R"({"orders":[{"id":-1,"customer":"a","lines":[]}]})"), 400},
      {post("/orders/report", R"({"orders":[{"id":1,"customer":"","lines":[]}]})"), 400},
      {post("/orders/report",
            R"({"orders":[{"id":1,"customer":"a","lines":[{"sku":"s","name":"n","quantity":100001,"price":1}]}]})"),
       400},
      {post("/page", "\xff\xfe"), 400},
      {get("/page"), 200},
      {get("/stats"), 404},  // no server, no figures
      {"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n", 200},
  };
  for (arena_kind arena : all_arenas)
    for (auto const& one : cases) {
      CAPTURE(one.wire.substr(0, 100));
      auto const answered = ask(one.wire, arena);
      CHECK(answered.status == one.status);
      CHECK(!answered.has("Connection: close"));
      if (one.status != 200) CHECK(boost::json::parse(answered.body()).as_object().contains("error"));
      if (one.status == 405) CHECK(answered.has("Allow: "));
    }
}

TEST_CASE("what is not HTTP, or too much of it, is refused and the connection closed") {
  struct {
    std::string wire;
    unsigned status;
  } const cases[] = {
      {"\r\n\r\n\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET / HTTP/3.7\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400},
      {"GET /\x01 HTTP/1.1\r\n\r\n", 400},
      {"POST /page HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400},
      {"POST /page HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(20000, 'x'), 431},
      {"POST /page HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413},
      {"POST /page HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
  };
  for (arena_kind arena : all_arenas)
    for (auto const& one : cases) {
      CAPTURE(one.wire.substr(0, 100));
      auto const answered = ask(one.wire, arena);
      CHECK(answered.status == one.status);
      CHECK(answered.has("Connection: close"));
    }
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection after the answer") {
  CHECK(ask("GET /page HTTP/1.0\r\n\r\n").status == 200);
  CHECK(!ask("GET /page HTTP/1.0\r\n\r\n").has("keep-alive"));
  CHECK(ask("GET /page HTTP/1.1\r\nConnection: close\r\n\r\n").has("Connection: close"));
  auto const refused = ask("DELETE /page HTTP/1.1\r\nConnection: close\r\n\r\n");  // the answer with the most fields
  CHECK(refused.status == 405);
  CHECK((refused.has("Connection: close") && refused.has("Allow: ") && refused.body().size() > 2));
}

TEST_CASE("a request may come in pieces of any size") {
  auto const wire = post("/orders/report", orders(3));
  auto const expected = ask(wire).bytes;
  service const from{loaded(), nullptr};
  for (std::size_t piece : {1, 2, 7, 64, 1000}) {
    worker_memory worker{arena_kind::zmm};
    exchange one{worker, from, {}};
    for (std::size_t at = 0; !one.answered() && at < wire.size();) {
      auto const room = one.space();
      auto const bytes = std::min({piece, room.size(), wire.size() - at});
      std::memcpy(room.data(), wire.data() + at, bytes);
      one.received(bytes);
      at += bytes;
    }
    REQUIRE(one.answered());
    std::string got;
    for (auto part : one.output()) got.append(static_cast<char const*>(part.data()), part.size());
    CHECK(got == expected);
    CHECK(one.keep_alive());
    CHECK(one.left_over().empty());
  }
}

TEST_CASE("a key whose value never comes leaves the request's memory sound") {
  zmm::request_resource request;
  {
    boost_view view{&request};
    for (char const* text : {R"({"k":)", R"({"some key":)", R"({"a":{"some longer key here":!)"}) {
      boost::json::error_code error;
      boost::json::parse(text, error, boost::json::storage_ptr(&view));
      CHECK(error);
      CHECK_NOTHROW(request.verify());
    }
    auto const sound = boost::json::parse(R"({"a":[1,2],"b":{"c":"a text beyond the small buffer of a string"}})",
                                          boost::json::storage_ptr(&view));
    CHECK(sound.at("b").at("c").as_string().size() == 42);
  }
  request.verify();
  CHECK(request.stats().live_blocks == 0);
}

TEST_CASE("damaged requests never do more than get an answer") {
  std::mt19937 random{7};
  auto const wire = post("/orders/report", orders(8));
  std::size_t const limits[] = {no_limit, 4096, 16384, 65536};
  for (int i = 0; i < 4000; ++i) {
    auto damaged = wire;
    for (auto n = 1 + random() % 4; n != 0; --n) {
      auto const at = random() % damaged.size();
      switch (random() % 3) {
      case 0: damaged[at] = static_cast<char>(random()); break;
      case 1: damaged.erase(at, 1 + random() % 16); break;
      case 2: damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 64)); break;
      }
      if (damaged.empty()) damaged = "x";
    }
    auto const arena = i % 2 == 0 ? arena_kind::zmm : arena_kind::hardened;
    worker_memory zmm{arena, limits[random() % 4]}, none{arena_kind::new_};
    auto const in_zmm = ask(damaged, zmm);
    auto const in_new = ask(damaged, none);
    CHECK((in_zmm.bytes == in_new.bytes || in_zmm.status == 413));
  }
}

// libFuzzer target: the input is what a connection of the request server receives. Its requests go through the exchange
// that sessions use, in arenas of zmm over a pool, and again without an arena. Byte 0 chooses the arena, byte 1 the limit
// of a request in pages, byte 2 how often storage refuses and the pool's limit, byte 3 the size of the pieces; what
// follows is the wire.
//
// Every request gets the same answer in both, or 413 or 503 where memory was short. Its memory is sound when it has been
// answered, and the pool when it has ended. Anything else, and any stop of the heap's own, is a crash.
//
//     clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address -Iinclude -Iexamples/request_server
//       -DSHOP_DATA_FOLDER='"examples/request_server/data"' tests/fuzz/server.cpp
//       examples/request_server/{arena,content,handlers,http}/*.cpp -lboost_json -o server
//     ./server -max_len=4096 tests/fuzz/corpus/server
#include "fuzzed_storage.hpp"

#include "content/content.hpp"
#include "http/exchange.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {
using fuzz::expect;
using std::size_t;

struct answered {
  unsigned status;
  std::string bytes;
  bool keep_alive;
  std::string left_over;
};

// As a session: one request, from bytes that came with the one before and pieces of the wire.
answered ask(std::string_view first, std::string_view& wire, size_t piece, shop::worker_memory& worker) {
  static shop::content const loaded{SHOP_DATA_FOLDER, SHOP_DATA_FOLDER "/text.txt"};
  static shop::service const from{loaded, nullptr};
  shop::request_limits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 256 * 1024;
  shop::exchange one{worker, from, limits, first};
  while (!one.answered()) {
    if (one.take_continue()) continue;
    auto const room = one.space();
    if (one.answered()) break;
    expect(room.size() != 0, "there is room for more, or an answer");
    size_t const bytes = std::min({room.size(), piece, wire.size()});
    if (bytes == 0) break;
    std::memcpy(room.data(), wire.data(), bytes);
    wire.remove_prefix(bytes);
    one.received(bytes);
  }
  one.verify();
  if (!one.answered()) return {0, {}, false, {}};
  answered out{one.status(), {}, one.keep_alive(), std::string(one.left_over())};
  for (auto const part : one.output()) out.bytes.append(static_cast<char const*>(part.data()), part.size());
  expect(out.bytes.compare(0, 7, "HTTP/1.") == 0, "an answer is HTTP");
  expect(out.bytes.compare(9, 3, std::to_string(out.status)) == 0, "an answer has the status that is reported");
  expect(out.status != 500, "no request is the server's fault");
  expect(!one.method().empty() || out.status != 200, "what is answered has a method");
  one.verify();
  return out;
}

bool is_short_of_memory(unsigned status) { return status == 413 || status == 503; }

void connection(shop::worker_memory& worker, bool may_refuse, std::string_view wire, size_t piece) {
  std::string_view plain_wire = wire;
  shop::worker_memory plain{shop::arena_kind::new_};
  std::string first;
  for (int requests = 0; requests < 8; ++requests) {
    std::string_view const before = plain_wire;
    answered const in_arena = ask(first, wire, piece, worker);
    expect(worker.pages().stats().in_flight == 0, "a request that has ended is in flight no more");
    worker.pages().verify();
    answered const in_new = ask(first, plain_wire, piece, plain);
    if (may_refuse && is_short_of_memory(in_arena.status)) {
      // Refused in the middle, the connection would be closed: what follows later is asked anew, as on another one.
      first = in_arena.keep_alive ? in_arena.left_over : std::string{};
      if (!in_arena.keep_alive) wire = before.substr(std::min<size_t>(before.size(), 64));
      plain_wire = wire;
      if (wire.empty()) return;
      continue;
    }
    expect(in_arena.status == in_new.status && in_arena.bytes == in_new.bytes, "every arena answers the same");
    expect(in_arena.left_over == in_new.left_over && wire.size() == plain_wire.size(), "both read as much");
    if (!in_arena.keep_alive || (wire.empty() && in_arena.left_over.empty())) return;
    first = in_arena.left_over;
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, size_t bytes) {
  if (bytes < 4) return 0;
  size_t constexpr mib = size_t{1} << 20, chunk = 2 * mib;
  // None, no chunk, one, and a little more.
  size_t constexpr pool_limits[] = {shop::no_limit, mib, chunk, chunk + mib / 16};
  unsigned const arena = data[0], refusals = data[2] % 4;
  size_t const limit = data[1] * size_t{4096}, pool_limit = pool_limits[data[2] / 4 % 4];
  size_t const piece = data[3] == 0 ? bytes : size_t{data[3]} * data[3];

  fuzz::fuzzed_storage source{refusals};
  {
    zmm::request_pool pool{source};
    bool const is_limited = pool_limit != shop::no_limit && pool.set_limit(pool_limit);
    shop::worker_memory worker{arena % 2 == 0 ? shop::arena_kind::zmm : shop::arena_kind::hardened, limit};
    worker.use(pool);
    connection(worker, limit != shop::no_limit || is_limited || refusals != 0,
               {reinterpret_cast<char const*>(data) + 4, bytes - 4}, piece);
    expect(!is_limited || pool.real_peak() <= pool.limit(), "a pool keeps its limit");
  }
  return 0;
}

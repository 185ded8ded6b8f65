// Writes engines and pools in every format into a folder, for formats.sh, and checks that files add up to stats().
#include <zmm/zmm.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {
using std::size_t;

std::string folder;
bool fine = true;

template <class Write> void write_file(std::string const& name, Write write) {
  std::FILE* const file = std::fopen((folder + '/' + name).c_str(), "w");
  fine = file != nullptr && write(file) && std::fclose(file) == 0 && fine;
}

template <class X> void write_all(X const& x, char const* name) {
  write_file(std::string(name) + ".json", [&](std::FILE* to) { return zmm::write_json(x, to); });
  write_file(std::string(name) + ".metrics", [&](std::FILE* to) { return zmm::write_metrics(x, name, to); });
  write_file(std::string(name) + ".svg", [&](std::FILE* to) { return zmm::write_map(x, to); });
}

template <class Heap> void fill(Heap& heap, std::vector<std::pair<void*, size_t>>& blocks) {
  for (size_t i = 0; i < 3000; ++i) {
    size_t const bytes = i % 1000 == 500 ? 3000000 : i * 37 % 9000 + 1;
    blocks.emplace_back(heap.allocate(bytes), bytes);
  }
  for (size_t i = 0; i < blocks.size(); i += 3) {
    heap.deallocate(blocks[i].first, blocks[i].second);
    blocks[i].first = nullptr;
  }
}
template <class Heap> void one(char const* name) {
  Heap heap;
  std::vector<std::pair<void*, size_t>> blocks;
  write_all(heap, (std::string("empty_") + name).c_str());
  zmm::label const scope{"a \"label\"\\ of\nmany \x01 bytes \xFF"};
  fill(heap, blocks);
  write_all(heap, name);
  for (auto const& b : blocks) {
    if (b.first != nullptr) heap.deallocate(b.first, b.second);
  }
}
}  // namespace

int main(int, char** arguments) {
  folder = arguments[1];
  one<zmm::heap>("heap");
  one<zmm::hardened_heap>("hardened_heap");
  one<zmm::debug_heap>("debug_heap");
  one<zmm::synchronized_heap>("synchronized_heap");
  one<zmm::segment_heap>("segment_heap");
  one<zmm::debug_segment_heap>("debug_segment_heap");
  one<zmm::request_heap>("request_heap");
  one<zmm::debug_request_heap>("debug_request_heap");
  one<zmm::synchronized_resource>("face");
  write_all(zmm::thread_heap{}, "process");

  zmm::request_pool pool;
  if (!pool.set_limit(size_t{1} << 30)) fine = false;
  for (size_t i = 0; i < 100; ++i) {
    zmm::label const scope{i % 2 == 0 ? "GET /" : "POST /\"orders\""};
    zmm::debug_request_heap request{pool};
    (void)request.allocate(i * 1000 + 1);
  }
  for (char const* text : {static_cast<char const*>(nullptr), ""}) {  // printed alike
    zmm::label const scope{text};
    zmm::debug_request_heap request{pool};
    (void)request.allocate(1);
  }
  zmm::debug_request_heap in_flight{pool};
  for (char const* text : {static_cast<char const*>(nullptr), ""}) {
    zmm::label const scope{text};
    (void)in_flight.allocate(2500);
  }
  write_all(pool, "pool");
  zmm::heap heap;
  write_file("page.metrics", [&](std::FILE* to) {
    return zmm::write_metrics_page(to, zmm::named{heap, "a"}, zmm::named{pool, "requests"},
                                   zmm::named{zmm::thread_heap{}, "process"}, zmm::named{in_flight, "debug"});
  });
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}

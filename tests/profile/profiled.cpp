// profiled FOLDER [sampled]: writes a profile of a debug heap and of a plain one in every format into a folder, and says on standard
// output what stats() says: NAME BYTES BLOCKS, and of the debug heap how much was allocated in all.
// With "sampled", also those of a sampled heap.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include <cstdio>
#include <string>

namespace {

template <class Heap> bool write(std::string const& to, Heap const& heap) {
  using format = zmm::profile_format;
  struct {
    format as;
    char const* suffix;
  } const files[] = {{format::pprof, ".pb.gz"}, {format::folded, ".collapsedstack.txt"}, {format::heaptrack, ".heaptrack"},
                     {format::massif, ".massif"}, {format::gperftools, ".heap"}};
  bool is_written = true;
  for (auto const& file : files) {
    std::FILE* const out = std::fopen((to + file.suffix).c_str(), "wb");
    if (out == nullptr) return false;
    is_written = zmm::write_profile(heap, file.as, out) && is_written;
    is_written = std::fclose(out) == 0 && is_written;
  }
  return is_written;
}

std::size_t allocated = 0, allocations = 0;
void* take(zmm::debug_heap& heap, std::size_t bytes, zmm::call_site where = zmm::call_site::here()) {
  allocated += bytes;
  ++allocations;
  return heap.allocate(bytes, 16, where);
}

struct often : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t sample_every = 4096;
};
std::size_t take_small(zmm::basic_heap<often>& heap) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 60000; ++i) {
    static_cast<void>(heap.allocate(100 + i % 300));
    bytes += 100 + i % 300;
  }
  return bytes;
}
std::size_t take_large(zmm::basic_heap<often>& heap) {
  for (std::size_t i = 0; i < 300; ++i) static_cast<void>(heap.allocate(20000));
  return 300 * 20000;
}
/// What it says is what was asked for, which the samples only come near to.
bool sampled(std::string const& folder) {
  zmm::basic_heap<often> heap;
  std::size_t bytes = 0;
  {
    zmm::label const scope{"parse order"};
    bytes += take_small(heap);
  }
  bytes += take_large(heap);
  std::printf("sampled %zu\n", bytes);
  return write(folder + "/sampled", heap);
}

}  // namespace

int main(int argument_count, char** arguments) {
  zmm::set_leak_sink([](zmm::leak_report const&) noexcept {});
  std::string const folder = arguments[1];

  zmm::debug_heap debug;
  for (std::size_t i = 0; i < 1000; ++i) static_cast<void>(take(debug, 100 + i));
  {
    zmm::label const scope{"parse order"};
    for (std::size_t i = 0; i < 500; ++i) static_cast<void>(take(debug, 64));
    static_cast<void>(take(debug, 1000000));
  }
  {
    zmm::label const scope{"render; \"page\""};
    for (std::size_t i = 0; i < 100; ++i) debug.deallocate(take(debug, 5000), 5000);
    static_cast<void>(take(debug, 77, zmm::call_site{}));
  }
  zmm::heap plain;
  for (std::size_t i = 0; i < 20000; i += 7) static_cast<void>(plain.allocate(i));
  static_cast<void>(plain.allocate(9000000));

  if (!write(folder + "/debug", debug) || !write(folder + "/plain", plain)) return 1;
  std::printf("debug %zu %zu %zu %zu\n", debug.stats().size, debug.stats().live_blocks, allocated, allocations);
  std::printf("plain %zu %zu\n", plain.stats().size, plain.stats().live_blocks);
  return argument_count < 3 || sampled(folder) ? 0 : 1;
}

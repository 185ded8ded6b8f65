// Random walks through every member of the engines, with the default and the small geometry and every option.
#include "../support/checking_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/seeded_walk.hpp"
#include "../support/scale.hpp"
#include <vector>

namespace {
using namespace zmm_test;

template <class Options> using heap_with = zmm::basic_heap<Options>;
template <class Options> using request_with = zmm::basic_request_heap<Options>;

// A plain walk, one with limits and hook, one over a storage that refuses, and one with both, from `seeds` seeds.
template <class Heap> void walk(std::uint64_t first_seed) {
  walk_counts met;
  for (std::uint64_t seed = first_seed; seed < first_seed + walk_seeds(); ++seed) {
    seeded_walk<Heap>(seed, walk_steps(25000), met);
  }
  CHECK(met.failures > 0);
  CHECK(met.hook_calls > 0);
  CHECK(met.resizes > 0);
}

TEST_CASE("heap: random walk, 2 MiB chunks") { walk<zmm::heap>(1000); }
TEST_CASE("heap: random walk, 256 KiB chunks") { walk<heap_with<small_chunks>>(2000); }
TEST_CASE("heap: random walk, exact peak") { walk<heap_with<exact_peaks>>(3000); }
TEST_CASE("heap: random walk, slots of at least 16 bytes") { walk<heap_with<wide_slots>>(4000); }
TEST_CASE("heap: random walk, 256 KiB chunks and exact peak") { walk<heap_with<small_exact>>(5000); }

TEST_CASE("request_heap: random walk, 2 MiB chunks") { walk<zmm::request_heap>(6000); }
TEST_CASE("request_heap: random walk, 256 KiB chunks") { walk<request_with<small_chunks>>(7000); }
TEST_CASE("request_heap: random walk, exact peak") { walk<request_with<exact_peaks>>(8000); }
TEST_CASE("request_heap: random walk, slots of at least 16 bytes") { walk<request_with<wide_slots>>(9000); }
TEST_CASE("request_heap: random walk, 256 KiB chunks and exact peak") { walk<request_with<small_exact>>(10000); }

template <class Options> using synchronized_with = zmm::basic_synchronized_heap<Options>;
TEST_CASE("synchronized_heap: random walk of one thread, 2 MiB chunks") { walk<zmm::synchronized_heap>(11000); }
TEST_CASE("synchronized_heap: random walk of one thread, 256 KiB chunks") { walk<synchronized_with<small_chunks>>(12000); }
TEST_CASE("synchronized_heap: random walk of one thread, slots of at least 16 bytes") {
  walk<synchronized_with<wide_slots>>(13000);
}

TEST_CASE("heap: random walk, free slots that prove themselves") { walk<heap_with<proven_links>>(11000); }
TEST_CASE("heap: random walk, checked frees") { walk<heap_with<checked_frees>>(12000); }
TEST_CASE("heap: random walk, tagged blocks") { walk<heap_with<tagged_blocks>>(13000); }
TEST_CASE("heap: random walk, hardened") { walk<zmm::hardened_heap>(14000); }
TEST_CASE("heap: random walk, checked, 256 KiB chunks") { walk<heap_with<checked_small>>(15500); }
TEST_CASE("heap: random walk, hardened, 256 KiB chunks") { walk<heap_with<hardened_small>>(15000); }
TEST_CASE("heap: random walk, paranoid, 256 KiB chunks") { walk<heap_with<paranoid_small>>(15200); }

TEST_CASE("request_heap: random walk, free slots that prove themselves") { walk<request_with<proven_links>>(16000); }
TEST_CASE("request_heap: random walk, tagged blocks") { walk<request_with<tagged_blocks>>(17000); }
TEST_CASE("request_heap: random walk, hardened") { walk<zmm::hardened_request_heap>(18000); }
TEST_CASE("request_heap: random walk, checked, 256 KiB chunks") { walk<request_with<checked_small>>(19500); }
TEST_CASE("request_heap: random walk, hardened, 256 KiB chunks") { walk<request_with<hardened_small>>(19000); }
TEST_CASE("request_heap: random walk, paranoid, 256 KiB chunks") { walk<request_with<paranoid_small>>(19200); }

template <class Options> using segment_with = zmm::basic_segment_heap<Options>;
TEST_CASE("segment_heap: random walk") { walk<zmm::segment_heap>(20000); }
TEST_CASE("segment_heap: random walk, blocks of 256 KiB and more") { walk<segment_with<small_chunks>>(21000); }
TEST_CASE("segment_heap: random walk, segments of 4 KiB") { walk<segment_with<small_segments>>(22000); }
TEST_CASE("segment_heap: random walk, exact peak") { walk<segment_with<small_exact>>(23000); }
TEST_CASE("segment_heap: random walk, hardened") { walk<zmm::hardened_segment_heap>(24000); }
TEST_CASE("segment_heap: random walk, hardened, segments of 4 KiB, exact peak") {
  walk<segment_with<hardened_segments>>(25000);
}

TEST_CASE("a heap over a fixed buffer: random walk until it is full, and on") {
  constexpr std::size_t bytes = 2 << 20;
  std::vector<unsigned char> memory(bytes);
  for (std::uint64_t seed = 1; seed <= scaled(2); ++seed) {
    CAPTURE(seed);
    zmm::buffer_storage fixed{memory.data(), bytes};
    checking_storage checked{fixed};
    counting_storage counted{checked};
    engine<heap_with<small_chunks>> under_test{counted};
    random_walk<heap_with<small_chunks>> path{under_test, counted, seed, walk_options{true, false}};
    path.run(25000);
    CHECK(path.failures() > 0);
  }
}
}  // namespace

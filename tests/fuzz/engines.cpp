// libFuzzer target: the input is a sequence of operations, done to an engine and to a model of it, over storage that
// refuses now and then as the input says. The first byte chooses the engine, the second its options, the third how often
// storage refuses. Anything that differs from the model, and any stop of the heap's own, is a crash.
//
//     clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address -Iinclude tests/fuzz/engines.cpp -o engines
//     ./engines -max_len=800 tests/fuzz/corpus/engines
#include "session.hpp"

namespace {
using namespace fuzz;

struct small_chunks : zmm::default_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
  [[maybe_unused]] static constexpr size_t segment_bytes = 16 * 1024;
};
struct exact : small_chunks {
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct links : small_chunks {
  [[maybe_unused]] static constexpr size_t min_slot = 16;
  [[maybe_unused]] static constexpr bool encode_links = true;
};
struct wiped : links {
  [[maybe_unused]] static constexpr bool zero_on_free = true;
  [[maybe_unused]] static constexpr bool encode_calls = true;
};
struct sealed : links {
  [[maybe_unused]] static constexpr bool check_chunks = true;
  [[maybe_unused]] static constexpr bool random_runs = true;
};
struct checked : links {
  [[maybe_unused]] static constexpr bool check_frees = true;
  [[maybe_unused]] static constexpr bool guard_pages = true;
};
struct tagged : checked {
  [[maybe_unused]] static constexpr bool tag_blocks = true;
};
struct tagged_exact : tagged {
  [[maybe_unused]] static constexpr bool page_canary = true;
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct with_canaries : tagged {
  [[maybe_unused]] static constexpr bool tail_canary = true;
};
struct paranoid_small : zmm::paranoid_options {
  using geometry = small_chunks::geometry;
  [[maybe_unused]] static constexpr size_t segment_bytes = 16 * 1024;
};

template <class Options> void run_heap(fuzzed_storage& source, input& in) {
  zmm::basic_heap<Options> heap{source};
  session<zmm::basic_heap<Options>>{heap, in}.run();
}
template <class Options> void run_segment(fuzzed_storage& source, input& in) {
  zmm::basic_segment_heap<Options> heap{source};
  session<zmm::basic_segment_heap<Options>>{heap, in}.run();
}
template <class Options> void run_synchronized(fuzzed_storage& source, input& in) {
  if constexpr (!Options::exact_peak) {
    static other_thread other;
    zmm::basic_synchronized_heap<Options> heap{source};
    session<zmm::basic_synchronized_heap<Options>> s{heap, in};
    s.enable(other);
    s.run();
  } else {
    run_heap<Options>(source, in);  // it has no exact peak
  }
}
template <class Options> void run_request(fuzzed_storage& source, input& in) {
  using heap_type = zmm::basic_request_heap<Options>;
  typename heap_type::pool_type pool{source};
  heap_type request{pool};
  session<heap_type>{request, in}.run();
  request.release();
  pool.verify();
  expect(pool.stats().in_flight <= 1, "children have ended");
}
template <class Options> void run_on_buffer(fuzzed_storage& source, input& in) {
  using heap_type = zmm::basic_request_heap<Options>;
  typename heap_type::pool_type pool{source};
  alignas(16) static unsigned char buffer[5000];
  heap_type request{buffer, sizeof buffer, pool};
  session<heap_type>{request, in}.run();
}

template <class Options> void run(unsigned engine, fuzzed_storage& source, input& in) {
  switch (engine % 5) {
  case 0: return run_heap<Options>(source, in);
  case 1: return run_request<Options>(source, in);
  case 2: return run_on_buffer<Options>(source, in);
  case 4: return run_segment<Options>(source, in);
  default: return run_synchronized<Options>(source, in);
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, size_t bytes) {
  input in{data, bytes};
  unsigned const engine = in.byte(), options = in.byte(), refusals = in.byte();
  fuzzed_storage source{refusals % 4 * 3};
  switch (options % 14) {
  case 0: run<zmm::default_options>(engine, source, in); break;
  case 1: run<small_chunks>(engine, source, in); break;
  case 2: run<exact>(engine, source, in); break;
  case 3: run<links>(engine, source, in); break;
  case 4: run<wiped>(engine, source, in); break;
  case 5: run<sealed>(engine, source, in); break;
  case 6: run<checked>(engine, source, in); break;
  case 7: run<tagged>(engine, source, in); break;
  case 8: run<with_canaries>(engine, source, in); break;
  case 9: run<tagged_exact>(engine, source, in); break;
  case 10: run<zmm::hardened_options>(engine, source, in); break;
  case 11: run<zmm::checked_options>(engine, source, in); break;
  case 12: run<zmm::paranoid_options>(engine, source, in); break;
  default: run<paranoid_small>(engine, source, in); break;
  }
  return 0;
}

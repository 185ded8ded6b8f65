// libFuzzer target: the input is a sequence of operations, done to an engine and to a model of it, over storage that
// refuses now and then as the input says. The first byte chooses engine and options, the second how often storage
// refuses. Anything that differs from the model, and any stop of the heap's own, is a crash.
//
//     clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address -Iinclude tests/fuzz/engines.cpp -o engines
//     ./engines tests/fuzz/corpus/engines
#include <zmm/zmm.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {
using std::size_t;

[[noreturn]] void wrong(char const* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}
void expect(bool holds, char const* what) {
  if (!holds) wrong(what);
}

struct small_chunks : zmm::default_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};
struct small_exact : small_chunks {
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct proven : small_chunks {
  [[maybe_unused]] static constexpr size_t min_slot = 16;
  [[maybe_unused]] static constexpr bool encode_links = true;
};
struct checked : proven {
  [[maybe_unused]] static constexpr bool check_frees = true;
  [[maybe_unused]] static constexpr bool random_runs = true;
};
struct tagged : checked {
  [[maybe_unused]] static constexpr bool tag_blocks = true;
  [[maybe_unused]] static constexpr bool exact_peak = true;
};
struct hardened_small : zmm::hardened_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
};

class input {
public:
  input(unsigned char const* data, size_t bytes) : at_(data), end_(data + bytes) {}
  bool empty() const { return at_ == end_; }
  unsigned byte() { return empty() ? 0 : *at_++; }
  unsigned word() { return byte() | byte() << 8; }

private:
  unsigned char const *at_, *end_;
};

// Refuses what the input says, and holds its user to giving back what was taken.
class fuzzed_storage final : public zmm::storage {
public:
  explicit fuzzed_storage(unsigned one_in) : one_in_(one_in) {}
  ~fuzzed_storage() { expect(live_ == 0, "storage was given back"); }

  void* allocate(size_t bytes, size_t alignment, size_t reserve) override {
    if (refuses()) return nullptr;
    void* const p = zmm::os_storage().allocate(bytes, alignment, reserve);
    if (p != nullptr) live_ += bytes;
    return p;
  }
  void deallocate(void* p, size_t bytes, size_t reserve) noexcept override {
    live_ -= bytes;
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  bool extend(void* p, size_t from, size_t to) noexcept override {
    if (refuses() || !zmm::os_storage().extend(p, from, to)) return false;
    live_ += to - from;
    return true;
  }
  bool truncate(void* p, size_t from, size_t to) noexcept override {
    if (refuses() || !zmm::os_storage().truncate(p, from, to)) return false;
    live_ -= from - to;
    return true;
  }
  bool purge(void* p, size_t bytes) noexcept override { return !refuses() && zmm::os_storage().purge(p, bytes); }
  void* move(void* p, size_t from, size_t to, size_t alignment) noexcept override {
    if (refuses()) return nullptr;
    void* const q = zmm::os_storage().move(p, from, to, alignment);
    if (q != nullptr) live_ += to - from;
    return q;
  }
  size_t live() const { return live_; }

private:
  bool refuses() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return one_in_ != 0 && (state_ >> 33) % one_in_ == 0;
  }
  unsigned one_in_;
  std::uint64_t state_ = 1;
  size_t live_ = 0;
};

struct block {
  unsigned char* p;
  size_t least, most, alignment;
  unsigned char mark;
};

// Large blocks are marked at both ends only.
template <class Visit> void for_marked(size_t bytes, Visit visit) {
  for (size_t i = 0; i < bytes && i < 300; ++i) visit(i);
  for (size_t i = bytes > 600 ? bytes - 300 : 300; i < bytes; ++i) visit(i);
}

template <class Heap, class = void> constexpr bool by_address = false;
template <class Heap>
constexpr bool by_address<Heap, std::void_t<decltype(std::declval<Heap&>().owns(static_cast<void*>(nullptr)))>> = true;
template <class Heap, class = void> constexpr bool has_end = false;
template <class Heap> constexpr bool has_end<Heap, std::void_t<decltype(std::declval<Heap&>().pool())>> = true;

template <class Heap> class session {
public:
  session(Heap& heap, input& in) : heap_(heap), in_(in) {}

  void run() {
    while (!in_.empty()) step();
    while (!blocks_.empty()) free_at(blocks_.size() - 1);
    heap_.verify();
    expect(heap_.stats().live_blocks == live_entries(), "every block was freed");
    heap_.release();
    expect(ended_ == entries_, "what is registered for the end runs");
  }

private:
  size_t size() {
    unsigned const kind = in_.byte();
    switch (kind % 8) {
    case 0: return kind / 8;
    case 1: return 3040 + kind / 4;
    case 2: return 4096 * (kind / 8) + kind % 3;
    case 3: return in_.word();
    case 4: return size_t{in_.word()} * 16;
    case 5: return (size_t{2} << 20) - 4096 * (kind / 16);
    case 6: return ~size_t{0} - in_.word();
    default: return in_.byte() * 4;
    }
  }
  size_t alignment() {
    unsigned const b = in_.byte();
    return size_t{1} << (b % 16 == 15 ? b / 16 + 6 : b % 5);
  }

  void step() {
    switch (in_.byte() % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: return allocate();
    case 5:
    case 6:
    case 7:
    case 8: return blocks_.empty() ? allocate() : free_at(in_.byte() % blocks_.size());
    case 9:
    case 10: return blocks_.empty() ? allocate() : resize(in_.byte() % blocks_.size());
    case 11: return blocks_.empty() ? allocate() : reallocate(in_.byte() % blocks_.size());
    case 12: return static_cast<void>(in_.byte() % 2 ? heap_.collect() : heap_.trim());
    case 13: return limit();
    case 14: return at_end();
    default: return whole();
    }
  }

  void allocate() {
    size_t const bytes = size(), align = alignment();
    if (blocks_.size() >= 200) return;
    void* const p = heap_.try_allocate(bytes, align);
    if (p != nullptr) add(p, bytes, bytes, align);
  }
  void add(void* p, size_t least, size_t most, size_t align) {
    expect(reinterpret_cast<std::uintptr_t>(p) % align == 0, "a block is aligned");
    block const b{static_cast<unsigned char*>(p), least, most, align, static_cast<unsigned char>(++marks_)};
    for_marked(most, [&](size_t i) { b.p[i] = b.mark; });
    blocks_.push_back(b);
  }
  void check(block const& b, unsigned char const* at, size_t bytes) {
    for_marked(b.most, [&](size_t i) {
      if (i < bytes) expect(at[i] == b.mark, "a block keeps its bytes");
    });
  }
  block take(size_t i) {
    block const b = blocks_[i];
    blocks_[i] = blocks_.back();
    blocks_.pop_back();
    check(b, b.p, b.most);
    return b;
  }
  void free_at(size_t i) {
    block const b = take(i);
    if constexpr (by_address<Heap>) {
      expect(heap_.owns(b.p) && heap_.usable_size(b.p) >= b.most, "a live block is known");
      if (in_.byte() % 3 == 0) return heap_.deallocate(b.p);
    }
    heap_.deallocate(b.p, b.least + in_.word() % (b.most - b.least + 1), b.alignment);
  }
  void resize(size_t i) {
    block const b = take(i);
    size_t const least = in_.byte() % 2 ? size() : in_.word() % (2 * b.most + 16);
    size_t const preferred = least + (in_.byte() % 4 == 0 ? least : 0);
    if (preferred < least) return blocks_.push_back(b);
    size_t const got = heap_.resize_in_place(b.p, b.least, least, preferred);
    if (got == 0) {
      check(b, b.p, b.most);
      return blocks_.push_back(b);
    }
    expect(got >= least, "no less is granted than is needed");
    check(b, b.p, got);
    add(b.p, least, got, b.alignment);
  }
  void reallocate(size_t i) {
    if constexpr (by_address<Heap>) {
      block const b = take(i);
      size_t const bytes = size(), align = alignment();
      void* p = nullptr;
      try {
        p = heap_.reallocate(b.p, bytes, align);
      } catch (std::bad_alloc const&) {
        check(b, b.p, b.most);
        return blocks_.push_back(b);
      }
      check(b, static_cast<unsigned char*>(p), bytes < b.most ? bytes : b.most);
      add(p, bytes, bytes, align);
    }
  }
  void limit() {
    size_t const wanted = in_.byte() % 2 ? ~size_t{0} : size_t{in_.word()} * 4096;
    if (heap_.set_limit(wanted)) expect(heap_.limit() == wanted && heap_.real_size() <= wanted, "a limit is kept");
  }
  void at_end() {
    if constexpr (has_end<Heap>) {
      try {
        heap_.on_end([this] { ++ended_; });
        ++entries_;
      } catch (std::bad_alloc const&) {}
    }
  }
  void whole() {
    heap_.verify();
    zmm::statistics const s = heap_.stats();
    expect(s.live_blocks == blocks_.size() + live_entries(), "live blocks are counted");
    expect(s.size <= s.peak && s.real_size <= s.real_peak, "a figure is below its peak");
    for (block const& b : blocks_) check(b, b.p, b.most);
    if (in_.byte() % 8 != 0) return;
    heap_.release();
    expect(ended_ == entries_, "what is registered for the end runs");
    blocks_.clear();
    entries_ = ended_ = 0;
    expect(heap_.stats().live_blocks == 0, "nothing is left after release()");
  }
  size_t live_entries() const { return entries_; }

  Heap& heap_;
  input& in_;
  std::vector<block> blocks_;
  unsigned marks_ = 0;
  size_t entries_ = 0, ended_ = 0;
};

template <class Options> void run_heap(fuzzed_storage& source, input& in) {
  zmm::basic_heap<Options> heap{source};
  session<zmm::basic_heap<Options>>{heap, in}.run();
}
template <class Options> void run_synchronized(fuzzed_storage& source, input& in) {
  zmm::basic_synchronized_heap<Options> heap{source};
  session<zmm::basic_synchronized_heap<Options>>{heap, in}.run();
}
template <class Options> void run_request(fuzzed_storage& source, input& in, bool on_buffer) {
  using heap_type = zmm::basic_request_heap<Options>;
  typename heap_type::pool_type pool{source};
  alignas(16) static unsigned char buffer[5000];
  if (on_buffer) {
    heap_type request{buffer, sizeof buffer, pool};
    session<heap_type> s{request, in};
    return s.run();
  }
  heap_type request{pool};
  session<heap_type> s{request, in};
  s.run();
  request.release();
  pool.verify();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, size_t bytes) {
  input in{data, bytes};
  unsigned const which = in.byte(), refusals = in.byte();
  fuzzed_storage source{refusals % 4 == 0 ? 0 : refusals % 4 * 3};
  bool const on_buffer = refusals / 4 % 4 == 0;
  switch (which % 18) {
  case 0: run_heap<zmm::default_options>(source, in); break;
  case 1: run_heap<small_chunks>(source, in); break;
  case 2: run_heap<small_exact>(source, in); break;
  case 3: run_heap<proven>(source, in); break;
  case 4: run_heap<checked>(source, in); break;
  case 5: run_heap<tagged>(source, in); break;
  case 6: run_heap<zmm::hardened_options>(source, in); break;
  case 7: run_heap<hardened_small>(source, in); break;
  case 8: run_request<zmm::default_options>(source, in, on_buffer); break;
  case 9: run_request<small_exact>(source, in, on_buffer); break;
  case 10: run_request<proven>(source, in, on_buffer); break;
  case 11: run_request<tagged>(source, in, on_buffer); break;
  case 12: run_request<zmm::hardened_options>(source, in, on_buffer); break;
  case 13: run_request<hardened_small>(source, in, on_buffer); break;
  case 14: run_synchronized<small_chunks>(source, in); break;
  case 15: run_synchronized<proven>(source, in); break;
  case 16: run_synchronized<zmm::hardened_options>(source, in); break;
  default: run_synchronized<hardened_small>(source, in); break;
  }
  return 0;
}

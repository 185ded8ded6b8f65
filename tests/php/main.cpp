// PHP itself runs scripts with its request heap set to handlers over an mm_heap, and prints what it prints with its own heap;
// a script that takes more than memory_limit ends as it does there. A segment heap's peak is held against that of PHP's heap.
//
//     main LIBPHP [--figures] SCRIPT...       --figures: time and peak of each heap over those of PHP's own, medians of 9 runs
#include "php_library.hpp"

#include <zmm/zmm.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {
constexpr std::size_t memory_limit = std::size_t{16} << 20;
php::library lib;

// PHP on one engine. PHP's handlers get no argument of the program's, and there is one PHP in a process.
template <class Engine> struct php_on {
  static inline Engine engine;
  static inline zmm::mm_heap mm{engine, 8};  // as PHP's own heap aligns
  static inline php::heap* own = nullptr;    // what PHP took before, it gives back through the handlers, too
  static inline std::size_t lifts = 0, allocations = 0;

  // PHP does not look at memory_limit for heaps that are not its own. So the engine has the limit, and here it is reported as
  // PHP reports it: with the limit lifted, for the report takes memory as well. Does not return.
  static void refuse(std::size_t bytes) {
    engine.lift_limit();
    ++lifts;
    constexpr int fatal = 1;  // E_ERROR
    lib.error_noreturn(fatal, "Allowed memory size of %zu bytes exhausted (tried to allocate %zu bytes)",
                       engine.limit(), bytes);
  }
  static void* reallocate(void* block, std::size_t bytes) {
    if (block != nullptr && !engine.owns(block)) return lib.mm_realloc(own, block, bytes);
    ++allocations;
    void* const place = mm.try_reallocate(block, bytes);
    if (place == nullptr) refuse(bytes);  // no exception is under way: the report is a longjmp
    return place;
  }
  static void* allocate(std::size_t bytes) { return reallocate(nullptr, bytes); }
  static void deallocate(void* block) {
    if (engine.owns(block)) mm.deallocate(block);
    else lib.mm_free(own, block);
  }

  static void begin() {
    if (!mm.set_limit(memory_limit)) std::abort();
    php::heap* const replaced = lib.mm_startup();
    lib.mm_set_handlers(replaced, &allocate, &deallocate, &reallocate);
    own = lib.mm_set_heap(replaced);
  }
  static void end_script() {
    for (; lifts != 0; --lifts) engine.unlift_limit();
  }
  static std::size_t peak() { return engine.real_peak(); }
  static bool end_request() {
    engine.verify();
    if (allocations == 0) return false;  // it was not asked
    mm.shut_down(true, true);            // what PHP leaves to the end of the request is dropped
    lib.mm_set_heap(own);
    return mm.stats().live_blocks == 0;
  }
};

// PHP on its own heap.
struct php_alone {
  static void begin() { lib.set_memory_limit(memory_limit); }
  static void end_script() {}
  static std::size_t peak() { return lib.memory_peak_usage(true); }
  static bool end_request() { return true; }
};

// What a run tells beside what it prints.
struct figures {
  double seconds = 0;    // CPU time of the script
  std::size_t peak = 0;  // bytes taken from the system, at most
};

template <class Php> int run(char const* script, figures& told) {
  static char name[] = "php";
  static char* arguments[] = {name, nullptr};
  if (lib.embed_init(1, arguments) != 0) return 2;
  Php::begin();
  alignas(16) static char file_handle[1024];  // a tenth of it would do
  lib.init_filename(file_handle, script);
  std::clock_t const begin = std::clock();
  lib.execute_script(file_handle);
  told.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  lib.destroy_file_handle(file_handle);
  Php::end_script();
  told.peak = Php::peak();
  lib.request_shutdown(nullptr);
  if (!Php::end_request()) return 3;
  lib.module_shutdown();
  lib.sapi_shutdown();
  return 0;
}

struct outcome {
  std::string printed;
  int status = -1;
  figures told;
};

// A process for each run: PHP does not begin twice.
template <class Php> outcome run_in_child(char const* library, char const* script) {
  int ends[2];
  outcome result;
  if (::pipe(ends) != 0) return result;
  void* const shared = ::mmap(nullptr, sizeof(figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return result;
  std::fflush(stdout);
  pid_t const child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    ::close(ends[0]);
    int const status = lib.open(library) ? run<Php>(script, *::new (shared) figures{}) : 4;
    std::fflush(stdout);
    ::_exit(status);
  }
  ::close(ends[1]);
  char text[4096];
  for (ssize_t n; (n = ::read(ends[0], text, sizeof text)) > 0;)
    result.printed.append(text, static_cast<std::size_t>(n));
  ::close(ends[0]);
  ::waitpid(child, &result.status, 0);
  std::memcpy(&result.told, shared, sizeof result.told);
  ::munmap(shared, sizeof(figures));
  return result;
}

// How much a script asked for when the limit was reached depends on what its heap had rounded up before.
std::string without_figures(std::string text) {
  std::string const before = "(tried to allocate ";
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    std::size_t last = at;
    while (last < text.size() && std::isdigit(static_cast<unsigned char>(text[last])) != 0) ++last;
    text.replace(at, last - at, "N");
  }
  return text;
}

bool same(char const* script, char const* what, outcome const& expected, outcome const& got) {
  bool const fine = got.status == 0 && without_figures(got.printed) == without_figures(expected.printed);
  if (!fine)
    std::printf("%s on %s: status %d, printed\n%s\nand with PHP's own heap\n%s\n", script, what, got.status,
                got.printed.c_str(), expected.printed.c_str());
  return fine;
}
// One heap that PHP runs on.
struct subject {
  char const* name;
  outcome (*run)(char const* library, char const* script);
  bool has_segments;
};
constexpr subject subjects[] = {
    {"a heap", &run_in_child<php_on<zmm::heap>>, false},
    {"a checked heap", &run_in_child<php_on<zmm::checked_heap>>, false},
    {"a hardened heap", &run_in_child<php_on<zmm::hardened_heap>>, false},
    {"a debug heap", &run_in_child<php_on<zmm::debug_heap>>, false},
    {"a synchronized heap", &run_in_child<php_on<zmm::synchronized_heap>>, false},
    {"a segment heap", &run_in_child<php_on<zmm::segment_heap>>, true},
    {"a hardened segment heap", &run_in_child<php_on<zmm::hardened_segment_heap>>, false},
    {"a debug segment heap", &run_in_child<php_on<zmm::debug_segment_heap>>, false},
};

// What a segment heap takes from the system is to be no more than PHP's own heap takes, but for 3 %.
bool fits(char const* script, subject const& s, outcome const& expected, outcome const& got) {
  bool const fine =
      !s.has_segments || static_cast<double>(got.told.peak) <= 1.03 * static_cast<double>(expected.told.peak);
  if (!fine)
    std::printf("%s on %s: %zu bytes at most, with PHP's own heap %zu\n", script, s.name, got.told.peak,
                expected.told.peak);
  return fine;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// All subjects once in each round, so that a slow moment of the machine falls on all of them.
void print_figures(char const* library, char const* script) {
  constexpr int rounds = 9;
  std::vector<double> own, times[std::size(subjects)];
  std::size_t own_peak = 0, peaks[std::size(subjects)] = {};
  for (int round = 0; round < rounds; ++round) {
    outcome const alone = run_in_child<php_alone>(library, script);
    own.push_back(alone.told.seconds);
    own_peak = alone.told.peak;
    for (std::size_t i = 0; i < std::size(subjects); ++i) {
      outcome const got = subjects[i].run(library, script);
      times[i].push_back(got.told.seconds);
      peaks[i] = got.told.peak;
    }
  }
  std::printf("%s: PHP's own heap %.1f ms, %zu KiB\n", script, median(own) * 1e3, own_peak >> 10);
  for (std::size_t i = 0; i < std::size(subjects); ++i)
    std::printf("  %-24s time %5.2f  peak %5.2f\n", subjects[i].name, median(times[i]) / median(own),
                static_cast<double>(peaks[i]) / static_cast<double>(own_peak));
}
}  // namespace

int main(int count, char** arguments) {
  bool const tells = count > 2 && std::strcmp(arguments[2], "--figures") == 0;
  int const first = tells ? 3 : 2;
  bool fine = count > first;
  for (int i = first; i < count; ++i) {
    char const *const library = arguments[1], *const script = arguments[i];
    outcome const expected = run_in_child<php_alone>(library, script);
    if (expected.status != 0 || expected.printed.find("done\n") == std::string::npos) {
      std::printf("%s does not run: status %d, printed\n%s\n", script, expected.status, expected.printed.c_str());
      fine = false;
      continue;
    }
    for (subject const& s : subjects) {
      outcome const got = s.run(library, script);
      fine &= same(script, s.name, expected, got) && fits(script, s, expected, got);
    }
    if (tells) print_figures(library, script);
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}

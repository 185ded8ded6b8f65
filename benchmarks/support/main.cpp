// The main of every question: makes room for the peers' thread-local storage, records what is measured on what, runs.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "../subjects/versions.hpp"
#include "process.hpp"

namespace bench {
void register_question();  // each question defines it
}

namespace {

// jemalloc's thread-local block (2.6 KB, initial-exec) does not fit into what glibc keeps for libraries opened at run
// time, and the reserve can be set only before the program starts: so it starts itself once more.
void make_room_for_thread_locals(char** argv) {
  constexpr char const* tunables = "GLIBC_TUNABLES";
  if (std::getenv(tunables) != nullptr) return;
  setenv(tunables, "glibc.rtld.optional_static_tls=16384", 1);
  execv("/proc/self/exe", argv);  // on failure: run on without jemalloc
}

std::string joined(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    std::string const word{argv[i]};
    line += (i ? " " : "") + (i ? word : word.substr(word.rfind('/') + 1));
  }
  return line;
}

std::string processor() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

int main(int argc, char** argv) {
  make_room_for_thread_locals(argv);
  benchmark::AddCustomContext("command", joined(argc, argv));
  benchmark::AddCustomContext("compiler", bench::compiler());
  benchmark::AddCustomContext("processor", processor());
  benchmark::AddCustomContext("kernel", bench::first_line("/proc/sys/kernel/osrelease"));
  benchmark::AddCustomContext("transparent_huge_pages",
                              bench::first_line("/sys/kernel/mm/transparent_hugepage/enabled"));
  for (auto const& [peer, version] : bench::versions()) benchmark::AddCustomContext("version_" + peer, version);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  bench::register_question();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

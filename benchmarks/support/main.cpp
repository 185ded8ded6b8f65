// The main of every question: makes room for other allocators' thread-local storage, records machine and versions, runs.
#include <benchmark/benchmark.h>

#include <string>

#include "../subjects/versions.hpp"
#include "process.hpp"
#include "thread_locals.hpp"

namespace bench {
void register_question();  // each question defines it
}

namespace {

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
  bench::make_room_for_thread_locals(argv);
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

// Room for the peers' thread-local storage.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace bench {

// jemalloc's thread-local block (2.6 KB, initial-exec) does not fit into what glibc keeps for libraries opened at run
// time, and the reserve can be set only before the program starts: so the program starts itself once more.
inline void make_room_for_thread_locals(char** argv) {
  constexpr char const* tunables = "GLIBC_TUNABLES";
  if (std::getenv(tunables) != nullptr) return;
  setenv(tunables, "glibc.rtld.optional_static_tls=16384", 1);
  execv("/proc/self/exe", argv);  // on failure: run on without jemalloc
}

}  // namespace bench

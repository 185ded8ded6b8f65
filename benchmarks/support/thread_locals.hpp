// Room for the thread-local storage of other allocators.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace bench {

// jemalloc's thread-local block (2.6 KB, initial-exec) does not fit into the static TLS that glibc reserves for libraries
// opened at run time. The reserve can be set only before the program starts, so the program restarts itself.
inline void make_room_for_thread_locals(char** argv) {
  constexpr char const* tunables = "GLIBC_TUNABLES";
  if (std::getenv(tunables) != nullptr) return;
  setenv(tunables, "glibc.rtld.optional_static_tls=16384", 1);
  execv("/proc/self/exe", argv);  // on failure: run on without jemalloc
}

}  // namespace bench

#!/usr/bin/env bash
# warnings.sh INCLUDE_DIR USERS_DIR : small programs compile without a warning of flags that zmm's own build has not, but
# that users have: zmm's functions are inlined into theirs, and headers are not always a system's.
set -u
include=$1 users=$2
broken=0

quiet() { # quiet COMPILER FLAGS... : every user compiles, and the compiler says nothing
  command -v "$1" >/dev/null || return 0
  local source said
  for source in "$users"/*.cpp; do
    said=$("$@" -std=c++17 -Wall -Wextra -I "$include" -c "$source" -o /dev/null 2>&1) && [ -z "$said" ] && continue
    printf '%s\n' "$said"
    echo "warnings: $* $source"
    broken=1
  done
}
quiet g++ -O2 -Wnull-dereference -Wcast-align=strict -Wold-style-cast
quiet clang++ -O1 -Wmissing-prototypes -Wcomma -Wextra-semi -Wold-style-cast
exit $broken

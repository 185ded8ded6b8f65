#!/usr/bin/env bash
# warnings.sh INCLUDE_DIR USERS_DIR : small programs compile without warnings, with flags that users have and zmm's build does
# not. Users see such warnings, because zmm's functions are inlined into theirs, and its headers may not be system headers.
set -u
include=$1 users=$2
broken=0

quiet() { # quiet COMPILER FLAGS... : every program compiles, without any output
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

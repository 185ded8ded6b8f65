#!/usr/bin/env bash
# weight.sh INCLUDE_DIR COMPILER : what zmm/allocator.hpp costs whoever includes it. Prints the numbers.
#   - Its preprocessed lines stay under a ceiling, for C++17 and for C++20 (recorded here; lower them when they fall).
#   - It and everything in heap/ include none of <memory_resource> <string> <iostream> <thread> <mutex>.
set -u
include=$1 compiler=$2
broken=0

ceiling() { # ceiling STANDARD LINES
  local preprocessed lines
  preprocessed=$(echo '#include <zmm/allocator.hpp>' | "$compiler" -std="$1" -I "$include" -E -P -x c++ -) || { broken=1; return; }
  lines=$(wc -l <<<"$preprocessed")
  echo "$1: allocator.hpp is $lines preprocessed lines, ceiling $2"
  [ "$lines" -lt "$2" ] || { echo "weight: over the ceiling"; broken=1; }
}
ceiling c++17 12000
ceiling c++20 31600  # <atomic> alone is 24,209 of them

cd "$include" || exit 2
for header in zmm/allocator.hpp zmm/{blocks,hardening,watch,heap,request,threads,faces}/*.hpp; do
  [ -e "$header" ] || { echo "weight: no $header"; broken=1; continue; }
  # -H draws the tree: one dot a level. Remember the path from the top, print it where it ends in a heavy header.
  tree=$(echo "#include <$header>" | "$compiler" -std=c++17 -I . -E -H -x c++ - 2>&1 >/dev/null) ||
    { printf '%s\n' "$tree" | grep -v '^\.'; echo "weight: $header does not preprocess"; broken=1; continue; }
  heavy=$(printf '%s\n' "$tree" | awk -v header="$header" '
    /^\.+ / { depth = length($1); path[depth] = $2
              if ($2 ~ /\/(memory_resource|string|iostream|thread|mutex)$/) {
                line = header; for (i = 2; i <= depth; i++) line = line " -> " path[i]; print line } }')
  [ -z "$heavy" ] || { printf '%s\n' "$heavy"; echo "weight: $header includes a heavy header"; broken=1; }
done
exit $broken

#!/usr/bin/env bash
# weight.sh INCLUDE_DIR COMPILER : what including zmm/allocator.hpp and the resources costs. Prints the numbers.
#   - The preprocessed lines of allocator.hpp stay under a ceiling, for C++17 and for C++20, and so do those that resources add to
#     <memory_resource>. The ceilings are in this file; lower them when the numbers fall.
#   - Neither allocator.hpp nor any header in the folders, except storage/ and the pmr face, includes <memory_resource> <string>
#     <iostream> <thread> <mutex>.
#   - A resource's header includes its own engine and no other; resource.hpp includes nothing for debug and hardened heaps.
set -u
include=$1 compiler=$2
broken=0

lines_of() { # lines_of STANDARD HEADER
  local preprocessed
  preprocessed=$(echo "#include <$2>" | "$compiler" -std="$1" -I "$include" -E -P -x c++ -) && wc -l <<<"$preprocessed"
}
ceiling() { # ceiling STANDARD HEADER LINES [BASE] : HEADER has less than LINES lines, without those of BASE
  local lines base=0
  lines=$(lines_of "$1" "$2") || { broken=1; return; }
  [ -z "${4:-}" ] || base=$(lines_of "$1" "$4") || { broken=1; return; }
  echo "$1: $2 is $((lines - base)) preprocessed lines${4:+ beyond <$4>}, ceiling $3"
  [ $((lines - base)) -lt "$3" ] || { echo "weight: over the ceiling"; broken=1; }
}
ceiling c++17 zmm/allocator.hpp 10078
ceiling c++20 zmm/allocator.hpp 10295
ceiling c++17 zmm/request_resource.hpp 7392 memory_resource
ceiling c++17 zmm/heap_resource.hpp 5995 memory_resource

without() { # without HEADER FOLDERS : HEADER includes nothing from the folders
  local found
  found=$(echo "#include <$1>" | "$compiler" -std=c++17 -I "$include" -E -H -x c++ - 2>&1 >/dev/null | grep -E "^\.+ .*zmm/($2)" | head -n 3) || true
  [ -z "$found" ] || { printf '%s\n' "$found"; echo "weight: $1 brings what it has no use for"; broken=1; }
}
without zmm/heap_resource.hpp 'request/|threads/|segment/|hardening/block|hardened|debug'
without zmm/request_resource.hpp 'heap/|threads/|segment/|hardening/block|hardened|debug'
without zmm/synchronized_resource.hpp 'request/|segment/|hardened|debug'
without zmm/segment_resource.hpp 'request/|threads/|hardened|debug'
without zmm/resource.hpp 'segment/|watch/site_ledger|hardened|debug'

cd "$include" || exit 2
all=()
for header in zmm/allocator.hpp zmm/*/*.hpp; do
  [[ $header != zmm/storage/* && $header != zmm/faces/pmr_resource.hpp ]] || continue  # they need std::pmr
  [ -e "$header" ] || { echo "weight: no $header"; broken=1; continue; }
  all+=("$header")
done
# All of them in one unit: a heavy header that any of them includes is met once. -H prints the tree, with one dot for each level. Keep
# the path from the top; print it if it ends in a heavy header.
tree=$(printf '#include <%s>\n' "${all[@]}" | "$compiler" -std=c++17 -I . -E -H -x c++ - 2>&1 >/dev/null) ||
  { printf '%s\n' "$tree" | grep -v '^\.'; echo "weight: a header does not preprocess"; broken=1; }
heavy=$(printf '%s\n' "$tree" | awk '
  /^\.+ / { depth = length($1); path[depth] = $2
            if ($2 ~ /\/(memory_resource|string|iostream|thread|mutex)$/) {
              line = path[1]; sub(/^\.\//, "", line); for (i = 2; i <= depth; i++) line = line " -> " path[i]; print line } }')
[ -z "$heavy" ] || { printf '%s\n' "$heavy"; echo "weight: a header includes a heavy header"; broken=1; }
exit $broken

#!/usr/bin/env bash
# The single header: the same each time, compiles alone without a warning, works as the folder of headers does, links from two
# translation units, and refuses to be mixed with the folder.
set -eu
. "$(dirname "$0")/common.sh"
warnings="-std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"

quietly "$source/scripts/single_header" "$work/single"
quietly "$source/scripts/single_header" "$work/again"
quietly diff -r "$work/single" "$work/again"
quietly "$compiler" $warnings -I"$work/single" -c "$source/tests/consumer/main.cpp" -o "$work/main.o"
quietly "$compiler" $warnings -I"$work/single" -c "$source/tests/replace_new/replace.cpp" -o "$work/replace.o"
quietly "$compiler" "$work/main.o" "$work/replace.o" -o "$work/consumer" -pthread
prints_ok "single header" "$work/consumer"
for header in replace_malloc replace_new_unsized; do
  echo "#include <zmm/$header.hpp>" >"$work/$header.cpp"
  quietly "$compiler" $warnings -I"$work/single" -fsyntax-only "$work/$header.cpp"
done

mkdir "$work/alone"
cp "$work/single/zmm/zmm.hpp" "$work/alone/single.hpp"
if printf '#include "%s"\n#include <zmm/heap_resource.hpp>\n' "$work/alone/single.hpp" |
  "$compiler" -std=c++17 -I"$source/include" -fsyntax-only -x c++ - >"$work/log" 2>&1; then
  echo "consumer: the single header and the folder go together"; exit 1
fi
grep -q "take one of the two" "$work/log" || { cat "$work/log"; exit 1; }

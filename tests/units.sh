#!/usr/bin/env bash
# tests/units.sh FOLDER COUNT FILE... : writes FOLDER/unit-NN.cpp, translation units of COUNT test files each, and prints their names.
# Each file gets a namespace of its own after everything that the unit's files include. Engines are then compiled once in a unit, not
# once in a file, which is most of the time. Files that must not lie in a namespace are alone. A unit that stays as it was is not
# touched.
set -euo pipefail
folder=$1 count=$2; shift 2
alone='segment/pools_test|boost'  # they specialise what lies outside, or take long by themselves
mkdir -p "$folder"
rm -f "$folder"/unit-*.{body,includes}
number=0 left=0
for file in "$@"; do
  file=$(realpath "$file")
  if [ $left = 0 ] || [[ $file =~ $alone ]]; then number=$((number + 1)) left=$count; fi
  unit=$folder/unit-$(printf %02d $number)
  (cd "$(dirname "$file")" && sed -nE 's/^#include (<[^>]+>)/\1/p; s/^#include "([^"]+)"/\1/p' "${file##*/}" |
    while read -r name; do
      case $name in "<"*) echo "#include $name" ;; *) echo "#include \"$(realpath "$name")\"" ;; esac
    done) >>"$unit.includes"
  if [[ $file =~ $alone ]]; then
    left=0
    echo "#include \"$file\""
  else
    left=$((left - 1))
    printf 'namespace unit_%d_%d {\n#include "%s"\n}\n' $number $left "$file"
  fi >>"$unit.body"
done
for unit in "$folder"/unit-*.body; do
  unit=${unit%.body}
  { sort -u "$unit.includes"; cat "$unit.body"; } >"$unit.new"
  if cmp -s "$unit.new" "$unit.cpp"; then rm "$unit.new"; else mv "$unit.new" "$unit.cpp"; fi
  echo "$unit.cpp"
done

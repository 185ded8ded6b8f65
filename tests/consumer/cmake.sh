#!/usr/bin/env bash
# Installed, through find_package; as a subdirectory, where zmm must be one target and nothing more; through FetchContent. And
# what configures: zmm alone without doctest, Boost and benchmark; another minor version is not taken for this one.
set -eu
. "$(dirname "$0")/common.sh"

library "$work/library"
quietly cmake --install "$work/library" --prefix "$work/prefix"
same_headers "$work/prefix/include"
consume find_package -DCMAKE_PREFIX_PATH="$work/prefix" -DZMM_EXPECTED_VERSION="$version;EXACT"
consume add_subdirectory -DZMM_SOURCE_DIR="$source"
consume FetchContent -DFETCHCONTENT_SOURCE_DIR_ZMM="$source"

[ -e "$work/prefix/share/zmm/gdb/zmm_gdb/commands.py" ] || { echo "consumer: no commands for gdb"; exit 1; }

IFS=. read -r major minor patch <<<"$version"
for wanted in "$((major + 1)).0" "$major.$((minor + 1))" "$major.$((minor > 0 ? minor - 1 : 99))"; do
  if cmake -S "$source/tests/consumer" -B "$work/other" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DZMM_EXPECTED_VERSION="$wanted" >"$work/log" 2>&1; then
    echo "consumer: version $version is taken for $wanted"; exit 1
  fi
  grep -q "requested version" "$work/log" || { cat "$work/log"; exit 1; }
done
echo "versions: ok"

quietly cmake -S "$source" -B "$work/bare" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_DISABLE_FIND_PACKAGE_doctest=ON \
  -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON
grep -q "tests are left out: they need doctest" "$work/log" || { cat "$work/log"; echo "consumer: does not say that tests are left out"; exit 1; }
echo "without doctest, Boost, benchmark: ok"

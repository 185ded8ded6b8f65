#!/usr/bin/env bash
# consumer.sh SOURCE_DIR BUILD_DIR COMPILER VERSION : zmm as others get it. tests/consumer is built twice and run: on an
# installed zmm through find_package, and with zmm as a subdirectory, where zmm must be one target and nothing more.
set -eu
source=$1 build=$2 compiler=$3 version=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "consumer: failed: $*"; exit 1; }; }
consume() { # consume NAME CMAKE_ARGUMENTS...
  local name=$1; shift
  quietly cmake -G Ninja -S "$source/tests/consumer" -B "$work/$name" -DCMAKE_CXX_COMPILER="$compiler" "$@"
  quietly cmake --build "$work/$name"
  [ "$("$work/$name/consumer")" = ok ] || { echo "consumer: the program of $name does not print ok"; exit 1; }
  echo "$name: ok"
}

quietly cmake --install "$build" --prefix "$work/prefix"
(cd "$source/include" && find zmm -type f | sort) >"$work/ours"
(cd "$work/prefix/include" && find . -type f | sed 's|^\./||' | sort) >"$work/installed"
diff "$work/ours" "$work/installed" || { echo "consumer: what is installed is not what include/ holds"; exit 1; }

consume find_package -DCMAKE_PREFIX_PATH="$work/prefix" -DZMM_EXPECTED_VERSION="$version"
consume add_subdirectory -DZMM_SOURCE_DIR="$source"

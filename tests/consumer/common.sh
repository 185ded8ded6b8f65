# What the consumers share. Each is called as  NAME.sh SOURCE_DIR COMPILER : zmm as others get it that way, tests/consumer/main.cpp
# built on it and run. Ends with 77 where the tool is missing.
source=$1 compiler=$2
version=$(python3 "$source/scripts/version")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "consumer: failed: $*"; exit 1; }; }
need() { local tool; for tool; do command -v "$tool" >/dev/null || { echo "consumer: no $tool here"; exit 77; }; done; }
prints_ok() { # prints_ok NAME PROGRAM
  [ "$("$2")" = ok ] || { echo "consumer: the program of $1 does not print ok"; exit 1; }
  echo "$1: ok"
}
# consume NAME CMAKE_ARGUMENTS... : tests/consumer as a project of CMake's.
consume() {
  local name=$1; shift
  quietly cmake -S "$source/tests/consumer" -B "$work/$name" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" "$@"
  quietly cmake --build "$work/$name"
  prints_ok "$name" "$work/$name/consumer"
}
# library FOLDER ARGUMENTS... : configures zmm without what is built, as packages do.
library() {
  local folder=$1; shift
  quietly cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DZMM_BUILD_TESTS=OFF -DZMM_BUILD_BENCHMARKS=OFF \
    -DZMM_BUILD_EXAMPLES=OFF "$@"
}
# same_headers FOLDER : it holds what include/ holds, and nothing else.
same_headers() {
  diff <(cd "$source/include" && find zmm -type f | sort) <(cd "$1" && find zmm -type f | sort) ||
    { echo "consumer: what is installed is not what include/ holds"; exit 1; }
}

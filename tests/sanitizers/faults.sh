#!/usr/bin/env bash
# faults.sh TOOL SOURCES COMPILER FLAGS... : compiles SOURCES/faults.cpp for TOOL (asan, msan, memcheck) and demands that the
# tool reports each fault of each engine, of the right kind and in the right function, and nothing in the program without
# the fault. lsan: leaks.cpp. Ends with 77 where the tool is missing.
set -u
tool=$1 sources=$2; shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0 right=0 place=the_fault
engines="heap request_heap synchronized_heap thread_heap segment_heap"
unset ZMM_PASSTHROUGH
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=0 MSAN_OPTIONS=abort_on_error=0

skip() { echo "faults: $tool is left out: $*"; exit 77; }
build() { # build SOURCE FLAGS... : into $work/program; skips if the compiler cannot
  local source=$1; shift
  echo 'int main() {}' >"$work/empty.cpp"
  "${compile[@]}" "$@" "$work/empty.cpp" -o "$work/empty" 2>/dev/null && "$work/empty" || skip "$* does not work here"
  "${compile[@]}" -O1 -g "$@" "$source" -o "$work/program" || exit 1
}
report() { # report ENGINE FAULT : the program's output and the tool's, and what it ended with
  if [ "$tool" = memcheck ]; then
    valgrind --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=all --num-callers=8 "$work/program" $1 $2 2>&1
  else
    "$work/program" $1 $2 2>&1
  fi
  echo "ended with $?"
}
expect() { # expect ENGINE FAULT KIND : the report says KIND (one of KIND|KIND), and that it was in the_fault, unless who frees says it
  local said; said=$(report "$1" "$2")
  if ! grep -q "ended with 0" <<<"$said" && grep -qE -- "$3" <<<"$said" &&
    { [ "${2#double-free}" != "$2" ] || grep -q "$place" <<<"$said"; }; then
    right=$((right + 1))
    return
  fi
  echo "faults: $tool was to say \"$3\" about $2 in $1, and said"; head -30 <<<"$said"; wrong=1
}
clean() { # clean ENGINE
  local said; said=$(report "$1" "")
  if grep -q "^done$" <<<"$said" && grep -q "ended with 0" <<<"$said" && ! grep -q "ERROR: \|Sanitizer:\|WARNING: " <<<"$said"; then
    right=$((right + 1))
    return
  fi
  echo "faults: $tool was to say nothing about $1 without a fault, and said"; head -30 <<<"$said"; wrong=1
}

compile=("$@")
case $tool in
  asan)
    build "$sources/faults.cpp" -fsanitize=address -fno-omit-frame-pointer
    for engine in $engines; do
      clean $engine
      for bytes in 44 5000 3000000; do
        for fault in overflow underrun; do expect $engine $fault-$bytes use-after-poison; done
        expect $engine double-free-$bytes "zmm: a freed block is live"
      done
      for bytes in 44 5000; do
        for fault in read-after-free write-after-free; do expect $engine $fault-$bytes use-after-poison; done
        # A request's blocks of pages are its pool's at once when it ends. Other engines give chunks back to the system.
        [ $engine-$bytes = request_heap-5000 ] || expect $engine read-after-release-$bytes "use-after-poison|SEGV"
      done
      expect $engine read-after-free-3000000 SEGV  # more than quarantine holds: it is the system's again
    done ;;
  msan)
    compile=(clang++ "${compile[@]:1}")
    command -v clang++ >/dev/null || skip "there is no clang++"
    build "$sources/faults.cpp" -fsanitize=memory -fno-omit-frame-pointer
    for engine in $engines; do
      clean $engine
      for bytes in 44 5000; do
        for fault in uninitialised read-after-free; do expect $engine $fault-$bytes use-of-uninitialized-value; done
      done
      expect $engine uninitialised-3000000 use-of-uninitialized-value
    done ;;
  memcheck)
    command -v valgrind >/dev/null || skip "there is no valgrind"
    build "$sources/faults.cpp"
    place="faults.cpp:"  # it may name the caller of so short a function
    for engine in $engines; do
      clean $engine
      sizes=44
      [ $engine != heap ] || sizes="44 5000 3000000"
      for bytes in $sizes; do
        for fault in overflow underrun write-after-free; do expect $engine $fault-$bytes "Invalid write of size 1"; done
        for fault in read-after-free read-after-release; do expect $engine $fault-$bytes "Invalid read of size 1"; done
        expect $engine uninitialised-$bytes "depends on uninitialised value"
        expect $engine double-free-$bytes "Invalid free\(\)"
      done
    done ;;
  lsan)
    build "$sources/leaks.cpp" -fsanitize=address -fno-omit-frame-pointer
    ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
    echo 'int main() { new int[10]; }' >"$work/leak.cpp"
    "${compile[@]}" -O0 -fsanitize=address "$work/leak.cpp" -o "$work/leak" && ! "$work/leak" >/dev/null 2>&1 || skip "it sees no leak here"
    for engine in $engines; do
      clean $engine
      said=$(report $engine lost)
      if grep -q "300 byte(s) leaked in 3 allocation(s)" <<<"$said" && grep -q hide_pointers <<<"$said"; then right=$((right + 1)); else
        echo "faults: lsan was to report three lost blocks in $engine, and said"; head -30 <<<"$said"; wrong=1
      fi
    done ;;
  *) echo "faults: no tool called $tool"; exit 2 ;;
esac
echo "faults: $tool was right $right times"
exit $wrong

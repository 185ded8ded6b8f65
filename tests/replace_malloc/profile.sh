#!/usr/bin/env bash
# profile.sh LIBRARY PROGRAM [GO] : PROGRAM (sampled.cpp) writes a profile at its end if ZMM_PROFILE wants it, whose sums are
# within a tenth of what it has allocated. LIBRARY is preloaded; - if PROGRAM has its own. 77: there is no GO to open profiles.
set -u
library=$1 program=$2 go=${3:-go}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
broken=0
complain() { echo "profile: $*"; broken=1; }
if [ "$library" = - ]; then preload=(); else preload=(LD_PRELOAD="$(realpath "$library")"); fi
run() { timeout 60 env "${preload[@]}" "$@" >"$work/said" 2>"$work/errors" || complain "$* ends with $?"; }
files() { find "$work" -name 'heap*' | wc -l; }

run "$program"
run ZMM_SAMPLE=4096 "$program"
run ZMM_PROFILE="$work/heap" ZMM_SAMPLE=0 "$program"
run ZMM_PROFILE="$work/heap" ZMM_SAMPLE=often "$program"
run ZMM_PROFILE="$work/heap" ZMM_SAMPLE=99999999999999999999999 "$program"
[ "$library" = - ] || run ZMM_PROFILE="$work/heap" ZMM_PASSTHROUGH=1 "$program"  # a static program does not forward
[ "$(files)" = 0 ] || complain "a profile is written that nobody asked for"
run ZMM_PROFILE="$work/no/heap" "$program"
grep -q 'cannot be written' "$work/errors" || complain "a file that cannot be written is not reported"
run ZMM_PROFILE="$work/heap-default" "$program"
run ZMM_PROFILE="$work/heap-child" "$program" fork
[ "$(files)" = 3 ] || complain "there are $(files) profiles: one, and one each of two processes"
for file in "$work"/heap*; do gzip -t "$file" || broken=1; done
rm -f "$work"/heap*

run ZMM_PROFILE="$work/heap" ZMM_SAMPLE=4096 "$program"
[ -s "$work/errors" ] && complain "it says $(cat "$work/errors")"
[ "$broken" = 0 ] || exit 1
command -v "$go" >/dev/null || { echo "profile: go is not installed"; exit 77; }
pprof() { HOME=$work "$go" tool pprof "$@" "$work"/heap.* 2>&1; }
total() { pprof -top -unit=B -nodefraction=0 -sample_index="$1" |
  sed -nE 's/^Showing nodes accounting for .* of ([0-9]+)B? total$/\1/p'; }
read -r live allocated <"$work/said"
near() { # WHAT TRUTH FOUND
  [ -n "$3" ] && [ "$((10 * $3))" -gt "$((9 * $2))" ] && [ "$((10 * $3))" -lt "$((11 * $2))" ] ||
    complain "$1 are $2, and pprof says ${3:-nothing}"
}
near 'live bytes' "$live" "$(total inuse_space)"
near 'bytes allocated' "$allocated" "$(total alloc_space)"
said=$(pprof -traces)
grep -qF "$(basename "$program")+0x" <<<"$said" || { complain "no stack has the program in it"; head -40 <<<"$said"; }
exit "$broken"

#!/usr/bin/env bash
# opened.sh TOOL PROGRAM COMMAND... : a tool that others made opens the profiles that PROGRAM writes, and finds in them what
# stats() says. TOOL: pprof, heaptrack, massif, or gperftools (google-pprof, jeprof); COMMAND starts it. 77: it is not there.
set -u
tool=$1 program=$2
shift 2
command -v "${1:-}" >/dev/null || { echo "opened: $tool is not installed"; exit 77; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
"$program" "$work" >"$work/said" || { echo "opened: $program wrote nothing"; exit 1; }
broken=0
# is WHAT EXPECTED FOUND
is() { [ "$2" = "$3" ] || { echo "opened: $tool of $name: $1 is $2, and $tool says $3"; broken=1; }; }
has() { grep -qF "$2" <<<"$1" || { echo "opened: $tool of $name does not say $2, but"; head -40 <<<"$1"; broken=1; }; }

while read -r name bytes blocks allocated allocations; do
  case $tool in
    pprof)
      gzip -t "$work/$name.pb.gz" || broken=1
      total() { HOME=$work "${command[@]}" -top -unit="$2" -nodefraction=0 -sample_index="$1" "$work/$name.pb.gz" 2>&1 |
        sed -nE 's/^Showing nodes accounting for .* of ([0-9]+)B? total$/\1/p'; }
      command=("$@")
      is 'live bytes' "$bytes" "$(total inuse_space B)"
      is 'live blocks' "$blocks" "$(total inuse_objects count)"
      [ -z "$allocated" ] || is 'bytes allocated' "$allocated" "$(total alloc_space B)"
      [ -z "$allocations" ] || is 'allocations' "$allocations" "$(total alloc_objects count)"
      said=$(HOME=$work "$@" -traces "$work/$name.pb.gz" 2>&1)
      ! grep -qi 'error\|not available' <<<"$said" || has "$said" 'no error' ;;
    heaptrack)
      said=$("$@" "$work/$name.heaptrack" -F "$work/$name.leaked" --flamegraph-cost-type leaked 2>&1) || broken=1
      is 'live bytes' "$bytes" "$(awk '{ sum += $NF } END { printf "%d", sum }' "$work/$name.leaked")"
      has "$said" "calls to allocation functions: $blocks (" ;;
    gperftools)
      total() { "${command[@]}" --text "$1" "$work/$name.heap" 2>"$work/log" | sed -nE 's/^Total: ([0-9]+) .*$/\1/p'; }
      command=("$@" --show_bytes)
      is 'live bytes' "$bytes" "$(total --inuse_space)"
      [ -z "$allocated" ] || is 'bytes allocated' "$allocated" "$(total --alloc_space)"
      command=("$@")
      is 'live blocks' "$blocks" "$(total --inuse_objects)"
      [ -z "$allocations" ] || is 'allocations' "$allocations" "$(total --alloc_objects)"
      said=$("$@" --text --cum "$work/$name.heap" 2>&1) ;;
    massif)
      said=$("$@" --threshold=0.01 "$work/$name.massif" 2>&1) || broken=1
      commas=$(sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta' <<<"$bytes")
      has "$said" "($commas""B) live blocks"
      ! grep -qi 'line [0-9]*:\|mismatch' <<<"$said" || has "$said" 'no error' ;;
  esac
  case $tool-$name in
    pprof-debug) has "$said" 'label:  parse order'; has "$said" 'profiled.cpp:' ;;
    gperftools-debug) has "$said" 'parse order'; has "$said" 'profiled.cpp:'; has "$said" '[place not known]' ;;
    heaptrack-debug) has "$said" 'parse order'; has "$said" 'profiled.cpp:' ;;
    massif-debug) has "$said" ') parse order'; has "$said" ') profiled.cpp:' ;;
    *-plain) has "$said" 'bytes' ;;
  esac
done <"$work/said"
if [ "$tool" = gperftools ]; then  # stacks: the reader finds their names in the program
  "$program" "$work" sampled >"$work/said" || broken=1
  name=sampled
  has "$("$@" --text --cum "$program" "$work/sampled.heap" 2>&1)" take_small
fi
exit $broken

#!/usr/bin/env bash
# benchmarks/disassembly.sh [COMPILER...] : prints the instructions of the hit path of allocator<T, heap>::allocate(1) +
# deallocate(1) and fails when there are more than 12 of them or one of them is a call. COMPILER defaults to g++; flags
# are -O2 -std=c++17.
#
# The hit path is read from the machine code: from the first instruction, without conditional jumps, along unconditional
# ones, up to `ret`. This works if the compiler puts misses out of line, as it should. The final `ret` is not counted.
set -euo pipefail
cd "$(dirname "$0")"
ceiling=12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -ge 1 ] || set -- g++
command -v objdump >/dev/null || { echo "disassembly.sh: objdump (binutils) is missing" >&2; exit 1; }

status=0
for compiler; do
  "$compiler" -O2 -std=c++17 -DNDEBUG -fcf-protection=none -I../include -c disassembly/pair.cpp -o "$work/pair.o"
  echo "== $("$compiler" --version | head -n 1)"
  for function in typed_pair_heap typed_pair_request typed_allocate_heap typed_deallocate_heap; do
    objdump -d --no-show-raw-insn "$work/pair.o" | awk -v wanted="$function" -v ceiling=$ceiling '
      /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name); inside = (name == wanted); next }
      inside && /^ *[0-9a-f]+:/ {
        address = $1; sub(":", "", address)
        text = $0; sub(/^ *[0-9a-f]+:[ \t]*/, "", text)
        order[++lines] = address; code[address] = text; next_of[order[lines - 1]] = address
      }
      END {
        if (!lines) { print wanted ": not found"; exit 1 }
        print "\n" wanted
        for (at = order[1]; at != "" && steps++ < 200; at = following) {
          text = code[at]; following = next_of[at]; split(text, word, /[ \t]+/)
          if (word[1] == "ret" || word[1] == "retq") break
          if (word[1] ~ /^nop|^data16|^xchg/) continue
          if (word[1] == "jmp") {
            if (word[2] in code) { following = word[2]; } else { left = 1 }
          }
          if (word[1] ~ /^call/ || left) calls++
          printf "  %2d  %s\n", ++count, text
          if (left) break
        }
        verdict = calls ? "CALLS" : (count > ceiling ? "TOO LONG" : "ok")
        printf "  %d instructions, %d calls: %s\n", count, calls, verdict
        exit verdict != "ok"
      }' || status=1
  done
done
exit $status

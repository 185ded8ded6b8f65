#!/usr/bin/env bash
# prints.sh PROGRAM SOURCE : passes if the program ends with 0 and prints exactly what the `// prints: ` lines of its source say,
# and nothing else on either stream, and if the source has less than 60 lines, with these.
set -u
promised=$(sed -n 's|^// prints: ||p' "$2")
[ -n "$promised" ] || { echo "prints: $2 does not say what it prints"; exit 1; }
printed=$("$1" 2>&1 && echo "ended well") || printed+=$'\n'"ended with $?"
if [ "$printed" != "$promised"$'\nended well' ]; then
  echo "prints: $1 was to print"; echo "$promised"; echo "and printed"; echo "$printed"
  exit 1
fi
lines=$(wc -l <"$2")
[ "$lines" -lt 60 ] || { echo "prints: $2 has $lines lines"; exit 1; }

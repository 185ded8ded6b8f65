#!/usr/bin/env bash
# prints.sh PROGRAM SOURCE [TEXT] : the program prints what the `// prints: ` lines of its source say, on both streams, and ends
# with what `// ends with: ` says. Addresses are ADDRESS, the source's path is its name. The file TEXT, if there is one, has the
# same lines, one after the other, indented or not.
set -u
name=$(basename "$2")
promised=$(sed -n 's|^// prints: ||p' "$2")
ends=$(sed -n 's|^// ends with: ||p' "$2")
[ -n "$promised" ] && [ -n "$ends" ] || { echo "prints: $2 does not say what it prints and how it ends"; exit 1; }
printed=$(ulimit -c 0; "$1" 2>&1)
ended=$?
printed=$(sed -E "s/0x[0-9a-f]+/ADDRESS/g; s|(^\|[ ])[^ ]*/$name|\1$name|g" <<<"$printed")
if [ "$printed" != "$promised" ] || [ "$ended" != "$ends" ]; then
  echo "prints: $1 was to print and end with $ends"; echo "$promised"; echo "and printed and ended with $ended"; echo "$printed"
  exit 1
fi
[ -z "${3:-}" ] || [[ $(sed "s|^    ||" "$3") == *"$promised"* ]] || { echo "prints: $3 does not show what $name prints"; exit 1; }

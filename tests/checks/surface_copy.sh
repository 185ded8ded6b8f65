#!/usr/bin/env bash
# surface_copy.sh COPY ORIGINAL : the copy equals the original, where the original is present.
set -u
[ -e "$2" ] || { echo "no $2 here: nothing to compare"; exit 0; }
diff -u "$2" "$1"

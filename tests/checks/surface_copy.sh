#!/usr/bin/env bash
# surface_copy.sh COPY ORIGINAL : passes if the copy equals the original, or if there is no original.
set -u
[ -e "$2" ] || { echo "no $2 here: nothing to compare"; exit 0; }
diff -u "$2" "$1"

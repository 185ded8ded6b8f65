#!/usr/bin/env bash
# header.sh PYTHON SOURCE_DIR : include/zmm/gdb.hpp and include/zmm/gdb/ are what scripts/gdb/embed.py makes of the scripts beside it.
set -u
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$1" "$2/scripts/gdb/embed.py" "$made" && diff "$made/zmm/gdb.hpp" "$2/include/zmm/gdb.hpp" >/dev/null &&
  diff -r "$made/zmm/gdb" "$2/include/zmm/gdb" >/dev/null || { echo "gdb_header: run scripts/gdb/embed.py include"; exit 1; }

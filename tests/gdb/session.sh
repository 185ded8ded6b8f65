#!/usr/bin/env bash
# session.sh GDB SOURCE_DIR WORK_DIR COMPILE... : builds inspected.cpp, and has gdb compare what it says of it with docs/gdb.md:
# of the program as it runs, and of a core of each stop. Then what it says of sampled.cpp with that program itself. 77: there is no gdb with Python, or it may not run programs.
set -u
gdb=$1 source=$2 work=$3
shift 3
"$gdb" -nx -batch -ex 'python print("ok")' 2>/dev/null | grep -qx ok || { echo "session: no gdb with Python"; exit 77; }
command -v "$1" >/dev/null || { echo "session: no $1"; exit 77; }
"$gdb" -nx -batch -ex 'run' --args /bin/true 2>&1 | grep -q 'exited normally' ||
  { echo "session: gdb may not run programs here"; exit 77; }
rm -rf "$work" && mkdir -p "$work/cores" || exit 2
"$@" -g -I"$source/include" "$source/tests/gdb/inspected.cpp" -o "$work/inspected" -lpthread || exit 1
look() { timeout 300 "$gdb" -nx -batch -iex 'set auto-load safe-path /' -x "$source/tests/gdb/session.py" "$@" 2>&1; }
export GUIDE=$source/docs/gdb.md
said=$(CORES=$work/cores PART='' look "$work/inspected") || { echo "$said"; exit 1; }
for part in 0 1; do
  said=$(CORES='' PART=$part look "$work/inspected" "$work/cores/$part") || { echo "of the core of stop $part:"; echo "$said"; exit 1; }
done
"$@" -g -I"$source/include" "$source/tests/gdb/sampled.cpp" -o "$work/sampled" -lpthread || exit 1
said=$(timeout 300 "$gdb" -nx -batch -iex 'set auto-load safe-path /' -x "$source/tests/gdb/sampled.py" "$work/sampled" 2>&1) ||
  { echo "of sampled heaps:"; echo "$said"; exit 1; }
rm -rf "$work"

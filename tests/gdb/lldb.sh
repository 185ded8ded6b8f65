#!/usr/bin/env bash
# lldb.sh LLDB GDB SOURCE_DIR WORK_DIR COMPILE... : builds inspected.cpp, and has lldb say of it what docs/gdb.md shows of gdb,
# of the program as it runs and, if there is a gdb to make one, of a core. 77: there is no lldb with Python, or it may not run
# programs.
set -u
lldb=$1 gdb=$2 source=$3 work=$4
shift 4
"$lldb" -b -o 'script print("o" + "k")' 2>/dev/null | grep -qx ok || { echo "lldb: no lldb with Python"; exit 77; }
command -v "$1" >/dev/null || { echo "lldb: no $1"; exit 77; }
"$lldb" -b -o run /bin/true 2>&1 | grep -q 'exited with status = 0' || { echo "lldb: it may not run programs here"; exit 77; }
rm -rf "$work" && mkdir -p "$work" || exit 2
"$@" -g -I"$source/include" "$source/tests/gdb/inspected.cpp" -o "$work/inspected" -lpthread || exit 1
export GUIDE=$source/docs/gdb.md
# look COMMAND... -- LLDB_ARGUMENTS... : after the commands
look() {
  local commands=(-o "command script import $source/scripts/gdb/zmm_lldb.py")
  while [ "$1" != -- ]; do
    commands+=(-o "$1")
    shift
  done
  said=$(timeout 800 "$lldb" -b "${commands[@]}" -o "command script import $source/tests/gdb/lldb_session.py" "${@:2}" 2>&1)
  grep -qE '^compared [1-9][0-9]+ commands: 0 faults$' <<<"$said" || { echo "$said"; exit 1; }
}
look 'breakpoint set -n everything_is_there' run up -- "$work/inspected"
"$gdb" -nx -batch -ex 'break everything_is_there' -ex run -ex "generate-core-file $work/core" "$work/inspected" >/dev/null 2>&1
[ ! -e "$work/core" ] || look up -- -c "$work/core" "$work/inspected"
rm -rf "$work"

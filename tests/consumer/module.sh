#!/usr/bin/env bash
# The C++20 module, with clang 16: its list of names is what the headers declare, and the surface compiles with an import in place
# of the headers.
set -eu
. "$(dirname "$0")/common.sh"
need python3 clang++-16

quietly "$source/scripts/module" --check
flags="-std=c++20 -pthread -O0"
quietly clang++-16 $flags -I"$source/include" --precompile -x c++-module "$source/include/zmm/zmm.cppm" -o "$work/zmm.pcm"
{
  grep '^#include' "$source/tests/surface.cpp" | grep -v '<zmm/'
  echo 'import zmm;'
  grep -v '^#include' "$source/tests/surface.cpp"
} >"$work/surface.cpp"
surface=$(sed -nE 's/^#ifdef (ZMM_SURFACE_[A-Z]+)/-D\1/p' "$source/tests/surface.cpp" | sort -u)
quietly clang++-16 $flags $surface -fmodule-file=zmm="$work/zmm.pcm" "$work/surface.cpp" "$work/zmm.pcm" -o "$work/surface"
prints_ok module "$work/surface"

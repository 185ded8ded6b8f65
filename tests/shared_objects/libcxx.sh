#!/usr/bin/env bash
# libcxx.sh SOURCE_DIR INCLUDE_DIR : the same program with clang and libc++, which compares type information by address and
# knows no memory_resource before 16. Skipped (77) where they are not installed.
set -eu
source=$1 include=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for compiler in clang++-16 clang++-17 clang++-18 clang++-19 clang++; do
  flags=(-std=c++17 -O1 -stdlib=libc++ -fvisibility=hidden -fvisibility-inlines-hidden "-I$include")
  command -v "$compiler" >/dev/null || continue
  echo '#include <memory_resource>
        int main() { return std::pmr::get_default_resource() == nullptr; }' >"$work/there.cpp"
  "$compiler" "${flags[@]}" "$work/there.cpp" -o "$work/there" 2>/dev/null || continue
  for object in first second; do
    "$compiler" "${flags[@]}" -fPIC -shared "-DZMM_SHARED_OBJECT=$object" "$source/object.cpp" -o "$work/lib$object.so"
  done
  "$compiler" "${flags[@]}" "$source/main.cpp" -o "$work/main" "-L$work" -lfirst -lsecond "-Wl,-rpath,$work" -lpthread
  bash "$source/../checks/prints_ok.sh" "$work/main"
  exit
done
echo "libcxx: no clang with libc++ 16"
exit 77

#!/usr/bin/env bash
# checks_can_fail.sh COMPILER : for each check, plants a fault in a small tree, and fails unless the check finds it there, and
# finds nothing in the tree before.
set -u
checks=$(cd "$(dirname "$0")" && pwd)
compiler=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
wrong=0

passes() { # passes CHECK ARGUMENTS...
  local out
  out=$(bash "$checks/$1" "${@:2}" 2>&1) || { echo "should pass: $*"; printf '%s\n' "$out"; wrong=1; }
}
finds() { # finds TEXT CHECK ARGUMENTS... : fails, and says TEXT
  local out
  if out=$(bash "$checks/$2" "${@:3}" 2>&1); then echo "found nothing, should say \"$1\": ${*:2}"; wrong=1
  elif ! grep -qF -- "$1" <<<"$out"; then echo "should say \"$1\": ${*:2}"; printf '%s\n' "$out"; wrong=1
  fi
}

good_tree() {
  rm -rf zmm
  mkdir -p zmm/base zmm/storage zmm/chunk zmm/heap
  printf '#pragma once\n#if defined(__GNUC__)\n#endif\n#define ZMM_INLINE inline\n' >zmm/base/compiler.hpp
  printf '#pragma once\n#include <zmm/base/compiler.hpp>\n#ifdef __linux__\n#endif\n' >zmm/base/system.hpp
  printf '#pragma once\n#include <zmm/base/system.hpp>\n' >zmm/fwd.hpp
  printf '#pragma once\n#include <zmm/fwd.hpp>\n#include <cstddef>\n' >zmm/options.hpp
  printf '#pragma once\n#include <zmm/options.hpp>\n' >zmm/storage/os_storage.hpp
  printf '#pragma once\n#include "../storage/os_storage.hpp"\n' >zmm/chunk/chunk.hpp
  printf '#pragma once\n#include <zmm/chunk/chunk.hpp>\n' >zmm/heap/heap.hpp
  printf '#pragma once\n#include <zmm/heap/heap.hpp>\n' >zmm/allocator.hpp
  printf '#pragma once\n#include <zmm/allocator.hpp>\n' >zmm/zmm.hpp
  local kind
  for kind in heap request synchronized segment; do printf '#pragma once\n#include <memory_resource>\n' >zmm/${kind}_resource.hpp; done
  printf '#pragma once\n#include <zmm/heap_resource.hpp>\n' >zmm/resource.hpp
}
planted() { # planted FILE LINE TEXT : with LINE at the end of FILE, floors.sh says TEXT
  good_tree
  printf '%s\n' "$2" >>"$1"
  finds "$3" floors.sh .
}

good_tree
passes floors.sh .
planted zmm/chunk/chunk.hpp '#include <zmm/heap/heap.hpp>' 'zmm/chunk/chunk.hpp:3: includes upward'
planted zmm/chunk/chunk.hpp ' # include "../heap/heap.hpp"' 'zmm/chunk/chunk.hpp:3: includes upward'
planted zmm/heap/heap.hpp '#include <zmm/allocator.hpp>' 'includes upward'
planted zmm/heap/heap.hpp '#include <zmm/heap/../allocator.hpp>' 'includes upward'
good_tree; mkdir zmm/request; printf '#pragma once\n' >zmm/request/request_heap.hpp
echo '#include <zmm/request/request_heap.hpp>' >>zmm/heap/heap.hpp
finds 'zmm/heap/heap.hpp:3: includes sideways' floors.sh .
planted zmm/options.hpp '#include <zmm/storage/os_storage.hpp>' 'includes upward'
planted zmm/base/compiler.hpp '#include <zmm/fwd.hpp>' 'includes upward'
planted zmm/fwd.hpp '#include <zmm/zmm.hpp>' 'includes upward'
planted zmm/zmm.hpp '#include <zmm/gone.hpp>' 'does not exist'
planted zmm/heap/heap.hpp '#ifndef ZMM_FAST' 'a conditional outside'
planted zmm/zmm.hpp '  #  if 0' 'a conditional outside'
planted zmm/storage/os_storage.hpp '#ifdef __linux__' 'a conditional outside'
planted zmm/heap/heap.hpp '#define LIKELY(x) x' 'a macro without ZMM_'
planted zmm/base/compiler.hpp '#ifdef NDEBUG' 'NDEBUG'
good_tree; mkdir zmm/extra; echo '#pragma once' >zmm/extra/thing.hpp
finds 'no floor is known' floors.sh .
good_tree; echo '#include <zmm/fwd.hpp>' >zmm/stats.hpp
finds 'no #pragma once' floors.sh .
good_tree; for i in {1..300}; do echo "// $i"; done >>zmm/heap/heap.hpp
finds '302 lines' floors.sh .
rm -rf zmm
finds 'no file' floors.sh .

good_tree
passes weight.sh . "$compiler"
for heavy in string memory_resource iostream thread mutex; do
  good_tree; echo "#include <$heavy>" >>zmm/chunk/chunk.hpp
  finds 'a header includes a heavy header' weight.sh . "$compiler"
done
good_tree; for i in {1..12000}; do echo "int v$i;"; done >>zmm/allocator.hpp
finds 'over the ceiling' weight.sh . "$compiler"
good_tree; for i in {1..7500}; do echo "int v$i;"; done >>zmm/request_resource.hpp
finds 'over the ceiling' weight.sh . "$compiler"
good_tree; mkdir zmm/threads; echo '#pragma once' >zmm/threads/thread_heap.hpp; echo '#include <zmm/threads/thread_heap.hpp>' >>zmm/heap_resource.hpp
finds 'zmm/heap_resource.hpp brings what it has no use for' weight.sh "$PWD" "$compiler"
good_tree; echo '#error broken' >>zmm/heap/heap.hpp
finds 'does not preprocess' weight.sh . "$compiler"

printf '// expect: no such luck\nstatic_assert(sizeof(int) == 1, "no such luck");\n' >fail.cpp
passes compile_fail.sh fail.cpp "$compiler"
printf '// expect: no such luck\nstatic_assert(sizeof(int) == 1, "another reason");\n' >fail.cpp
finds 'do not say' compile_fail.sh fail.cpp "$compiler"
printf '// expect: no such luck\nint x;\n' >fail.cpp
finds 'compiles' compile_fail.sh fail.cpp "$compiler"
printf 'static_assert(sizeof(int) == 1, "no such luck");\n' >fail.cpp
finds 'the first line' compile_fail.sh fail.cpp "$compiler"

program() { printf '#!/bin/sh\n%s\n' "$1" >program; chmod +x program; }
program 'echo ok'; passes prints_ok.sh ./program
program 'echo ok; exit 3'; finds 'did not print only' prints_ok.sh ./program
program 'echo ok; echo more'; finds 'did not print only' prints_ok.sh ./program
program 'echo ok; echo more >&2'; finds 'did not print only' prints_ok.sh ./program
program 'true'; finds 'did not print only' prints_ok.sh ./program

echo same >one; echo same >two
passes surface_copy.sh one two
passes surface_copy.sh one absent
echo more >>two
finds 'more' surface_copy.sh one two

exit $wrong

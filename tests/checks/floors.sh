#!/usr/bin/env bash
# floors.sh INCLUDE_DIR : rules for the files of INCLUDE_DIR/zmm.
#   - A file includes files of its own floor or lower ones. From the lowest: base/; fwd, options, errors, stats and version;
#     storage/; chunk/; blocks/; hardening/ and watch/; heap/, request/ and segment/; threads/; faces/, inspect/ and gdb/; the
#     headers that users include.
#   - Folders on the same floor do not include each other.
#   - Preprocessor conditionals only in base/compiler.hpp and where the system is chosen, base/system.hpp and
#     base/system_kinds.hpp. No NDEBUG anywhere.
#   - Every macro starts with ZMM_. Every header has #pragma once. No file is longer than 300 lines.
set -u
cd "$1" || exit 2
broken=0
complain() { echo "$1"; broken=1; }

floor_of() {
  case $1 in
    zmm/base/*) floor=0 ;;
    zmm/fwd.hpp | zmm/options.hpp | zmm/errors.hpp | zmm/stats.hpp | zmm/version.hpp) floor=1 ;;
    zmm/storage/*) floor=2 ;;
    zmm/chunk/*) floor=3 ;;
    zmm/blocks/*) floor=4 ;;
    zmm/hardening/* | zmm/watch/*) floor=5 ;;
    zmm/heap/* | zmm/request/* | zmm/segment/*) floor=6 ;;
    zmm/threads/*) floor=7 ;;
    zmm/faces/* | zmm/inspect/* | zmm/gdb/*) floor=8 ;;
    zmm/*/*) floor=-1 ;;
    zmm/*) floor=9 ;;
    *) floor=-1 ;;
  esac
}

# resolve FILE INCLUDED QUOTE : the included file of zmm, relative to INCLUDE_DIR; empty if it is not zmm's.
resolve() {
  if [ "$3" = '"' ] && [ -e "${1%/*}/$2" ]; then resolved=${1%/*}/$2
  elif [[ $2 == zmm/* ]]; then resolved=$2
  else resolved=
  fi
  [[ $resolved != *./* ]] || resolved=$(realpath -m --relative-to=. "$resolved")
}

files=$(find zmm -type f ! -name zmm.cppm | sort)  # the module is no header
[ -n "$files" ] || { echo "floors: no file in $1/zmm"; exit 1; }
for file in $files; do
  floor_of "$file"; mine=$floor
  [ "$mine" -ge 0 ] || complain "$file: no floor is known for this folder"

  while read -r line quote included; do
    resolve "$file" "$included" "$quote"
    [ -n "$resolved" ] || continue
    [ -e "$resolved" ] || complain "$file:$line: includes $included, which does not exist"
    floor_of "$resolved"
    [ "$floor" -le "$mine" ] || complain "$file:$line: includes upward: $included"
    [ "$floor" -lt "$mine" ] || [ "$floor" -lt 5 ] || [ "${file%/*}" = "${resolved%/*}" ] ||
      complain "$file:$line: includes sideways: $included"
  done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]*)[>"].*/\1 \2/;t found;d;:found;=;p' "$file" | paste -d ' ' - -)

  case $file in
    zmm/base/compiler.hpp | zmm/base/system.hpp | zmm/base/system_kinds.hpp) ;;
    *) while read -r found; do complain "$file:$found: a conditional outside base/compiler.hpp and base/system.hpp"
       done < <(grep -nE '^[[:space:]]*#[[:space:]]*(if|el|endif)' "$file") ;;
  esac
  while read -r found; do complain "$file:$found: a macro without ZMM_"
  done < <(grep -nE '^[[:space:]]*#[[:space:]]*define\b' "$file" | grep -vE '#[[:space:]]*define[[:space:]]+ZMM_')
  while read -r found; do complain "$file:$found: NDEBUG"
  done < <(grep -nw NDEBUG "$file")
  grep -q '^#pragma once$' "$file" || complain "$file: no #pragma once"
  lines=$(wc -l <"$file")
  [ "$lines" -le 300 ] || complain "$file: $lines lines: is it one thing?"
done
exit $broken

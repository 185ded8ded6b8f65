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
files=$(find zmm -type f ! -name zmm.cppm | sort)  # the module is no header
[ -n "$files" ] || { echo "floors: no file in $1/zmm"; exit 1; }

# One pass over all files: a process for each line would take half a minute.
awk '
  function complain(text) { print text; broken = 1 }
  function floor_of(file) {
    if (file ~ /^zmm\/base\//) return 0
    if (file ~ /^zmm\/(fwd|options|errors|stats|version)\.hpp$/) return 1
    if (file ~ /^zmm\/storage\//) return 2
    if (file ~ /^zmm\/chunk\//) return 3
    if (file ~ /^zmm\/blocks\//) return 4
    if (file ~ /^zmm\/(hardening|watch)\//) return 5
    if (file ~ /^zmm\/(heap|request|segment)\//) return 6
    if (file ~ /^zmm\/threads\//) return 7
    if (file ~ /^zmm\/(faces|inspect|gdb)\//) return 8
    if (file ~ /^zmm\/[^\/]*$/) return 9
    return -1
  }
  function folder_of(file) { sub(/\/[^\/]*$/, "", file); return file }
  # The path without "." and "..".
  function plain(path,    parts, count, i, kept, result) {
    count = split(path, parts, "/"); kept = 0
    for (i = 1; i <= count; ++i) {
      if (parts[i] == "." || parts[i] == "") continue
      if (parts[i] == ".." && kept > 0) { --kept; continue }
      stack[++kept] = parts[i]
    }
    result = stack[1]
    for (i = 2; i <= kept; ++i) result = result "/" stack[i]
    return result
  }
  function end_of_file() {
    if (!once) complain(file ": no #pragma once")
    if (lines > 300) complain(file ": " lines " lines: is it one thing?")
  }
  function include(text,    quote, name, resolved, theirs) {
    sub(/^[[:space:]]*#[[:space:]]*include[[:space:]]*/, "", text)
    quote = substr(text, 1, 1)
    name = substr(text, 2); sub(/[">].*/, "", name)
    if (quote == "\"" && plain(folder_of(file) "/" name) in lies_here) resolved = plain(folder_of(file) "/" name)
    else if (name ~ /^zmm\//) resolved = plain(name)
    else return
    if (!(resolved in lies_here)) complain(file ":" FNR ": includes " name ", which does not exist")
    theirs = floor_of(resolved)
    if (theirs > mine) complain(file ":" FNR ": includes upward: " name)
    else if (theirs == mine && mine >= 5 && folder_of(file) != folder_of(resolved))
      complain(file ":" FNR ": includes sideways: " name)
  }
  BEGIN { for (i = 1; i < ARGC; ++i) lies_here[ARGV[i]] = 1 }
  FNR == 1 {
    if (file != "") end_of_file()
    file = FILENAME; mine = floor_of(file); once = 0
    if (mine < 0) complain(file ": no floor is known for this folder")
    chooses = file == "zmm/base/compiler.hpp" || file == "zmm/base/system.hpp" || file == "zmm/base/system_kinds.hpp"
  }
  { lines = FNR }
  /^#pragma once$/ { once = 1 }
  /(^|[^A-Za-z0-9_])NDEBUG($|[^A-Za-z0-9_])/ { complain(file ":" FNR ":" $0 ": NDEBUG") }
  /^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]/ { include($0) }
  /^[[:space:]]*#[[:space:]]*(if|el|endif)/ {
    if (!chooses) complain(file ":" FNR ":" $0 ": a conditional outside base/compiler.hpp and base/system.hpp")
  }
  /^[[:space:]]*#[[:space:]]*define([^A-Za-z0-9_]|$)/ && !/#[[:space:]]*define[[:space:]]+ZMM_/ {
    complain(file ":" FNR ":" $0 ": a macro without ZMM_")
  }
  END { end_of_file(); exit broken }
' $files

#!/usr/bin/env bash
# compile_fail.sh SOURCE COMPILER FLAGS... : passes if the source does not compile, and the errors contain the TEXT of its first
# line: // expect: TEXT
set -u
source=$1; shift
text=$(sed -n '1s|^// expect: ||p' "$source")
[ -n "$text" ] || { echo "compile_fail: the first line of $source is not \"// expect: TEXT\""; exit 1; }
if errors=$("$@" -fsyntax-only "$source" 2>&1); then
  echo "compile_fail: $source compiles"
  exit 1
fi
# Errors quote the source: its first line must not count.
grep -vF -- "// expect: " <<<"$errors" | grep -qF -- "$text" && exit 0
printf '%s\n' "$errors"
echo "compile_fail: the errors of $source do not say: $text"
exit 1

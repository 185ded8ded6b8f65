#!/usr/bin/env bash
# prints_ok.sh PROGRAM [ARGUMENT...] : passes if the program ends with 0 and prints one line "ok", and nothing else on either stream.
set -u
printed=$("$@" 2>&1 && echo "ended well")
[ "$printed" = $'ok\nended well' ] && exit 0
printf '%s\n' "$printed"
echo "prints_ok: $1 did not print only \"ok\", or did not end with 0"
exit 1

#!/usr/bin/env bash
# The package of Debian's that cpack makes: lintian finds nothing, and a program is built on what is in it.
set -eu
. "$(dirname "$0")/common.sh"
need dpkg-deb gzip

library "$work/library"
(cd "$work/library" && quietly cpack --config CPackConfig.cmake -B "$work/deb")
package=$(echo "$work"/deb/libzmm-dev_"$version"_all.deb)
[ -e "$package" ] || { echo "consumer: no $package"; exit 1; }
if command -v lintian >/dev/null; then
  found=$(lintian --allow-root --pedantic --display-info "$package" 2>&1) || true
  [ -z "$found" ] || { echo "$found"; exit 1; }
else
  echo "consumer: lintian is not here: not asked"
fi
dpkg-deb -x "$package" "$work/root"
same_headers "$work/root/usr/include"
[ -e "$work/root/usr/share/zmm/gdb/zmm_gdb/commands.py" ] || { echo "consumer: no commands for gdb"; exit 1; }
quietly "$compiler" -std=c++17 -isystem "$work/root/usr/include" "$source/tests/consumer/main.cpp" -o "$work/consumer" -pthread
prints_ok deb "$work/consumer"

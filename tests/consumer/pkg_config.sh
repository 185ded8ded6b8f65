#!/usr/bin/env bash
# Installed, through pkg-config; and once more when the prefix has been moved.
set -eu
. "$(dirname "$0")/common.sh"
need pkg-config

library "$work/library"
quietly cmake --install "$work/library" --prefix "$work/first"
mv "$work/first" "$work/moved"
export PKG_CONFIG_PATH=$work/moved/share/pkgconfig
quietly pkg-config --validate zmm
[ "$(pkg-config --modversion zmm)" = "$version" ] || { echo "consumer: zmm.pc has another version"; exit 1; }
quietly "$compiler" -std=c++17 "$source/tests/consumer/main.cpp" $(pkg-config --cflags --libs zmm) -o "$work/consumer"
prints_ok pkg-config "$work/consumer"

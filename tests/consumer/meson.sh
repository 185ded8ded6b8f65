#!/usr/bin/env bash
# As a project of Meson's, whose zmm.pc a consumer takes; and as a wrap, whose archive lies in the package cache.
set -eu
. "$(dirname "$0")/common.sh"
need meson pkg-config sha256sum
export CXX=$compiler

quietly meson setup "$work/library" "$source" --prefix "$work/prefix"
quietly meson install -C "$work/library" --no-rebuild
same_headers "$work/prefix/include"
export PKG_CONFIG_PATH=$work/prefix/share/pkgconfig
[ "$(pkg-config --modversion zmm)" = "$version" ] || { echo "consumer: zmm.pc has another version"; exit 1; }

mkdir -p "$work/wrapped/subprojects/packagecache"
cp "$source/tests/consumer/"{main.cpp,meson.build} "$work/wrapped/"
archive=$work/wrapped/subprojects/packagecache/zmm-$version.tar.gz
tar -C "$source" --transform "s,^,zmm-$version/," -czf "$archive" meson.build scripts/version include LICENSE
sed -e "s,@VERSION@,$version,; s,@URL@,https://example.invalid," -e "s,@SHA256@,$(sha256sum <"$archive" | cut -d' ' -f1)," \
  "$source/cmake/meson/zmm.wrap.in" >"$work/wrapped/subprojects/zmm.wrap"
quietly env -u PKG_CONFIG_PATH meson setup --force-fallback-for=zmm "$work/wrapped/build" "$work/wrapped"
quietly meson compile -C "$work/wrapped/build"
prints_ok "meson wrap" "$work/wrapped/build/consumer"

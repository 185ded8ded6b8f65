#!/usr/bin/env bash
# The port for vcpkg, run by CMake on stand-ins of the functions that vcpkg has for ports (stand_ins/vcpkg.cmake): vcpkg itself is not
# asked. What the port leaves behind is looked at as vcpkg does, and a program is built on it.
set -eu
. "$(dirname "$0")/common.sh"
need python3

mkdir -p "$work/port" "$work/archive"
tar -C "$source" --transform "s,^,zmm-$version/," -czf "$work/archive/zmm-$version.tar.gz" CMakeLists.txt cmake include LICENSE
sum=$(sha512sum <"$work/archive/zmm-$version.tar.gz" | cut -d' ' -f1)
for file in vcpkg.json portfile.cmake; do
  sed -e "s,@VERSION@,$version,; s,@URL@,file://$work/archive,; s,@SHA512@,$sum," "$source/cmake/vcpkg/$file.in" >"$work/port/$file"
done
cp "$source/cmake/vcpkg/usage" "$work/port/"
python3 - "$work/port/vcpkg.json" "$version" <<'END'
import json, sys
port = json.load(open(sys.argv[1]))
assert port["name"] == "zmm" and port["version"] == sys.argv[2] and port["license"] == "BSL-1.0", port
END
quietly cmake -DPORT_DIR="$work/port" -DWORK="$work/vcpkg" -DVERSION="$version" -DCOMPILER="$compiler" \
  -P "$source/tests/consumer/stand_ins/vcpkg.cmake"
same_headers "$work/vcpkg/packages/include"
consume "vcpkg (stand-ins)" -DCMAKE_PREFIX_PATH="$work/vcpkg/packages" -DZMM_EXPECTED_VERSION="$version;EXACT"

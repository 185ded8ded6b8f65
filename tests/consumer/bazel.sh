#!/usr/bin/env bash
# Bazel's files: buildifier reads them and has nothing to say, where it is (npm: @bazel/buildifier, in BUILDIFIER or on the path);
# their version is zmm's, and what they name is there. Bazel itself is not asked.
set -eu
. "$(dirname "$0")/common.sh"
cd "$source"

grep -qx "    version = \"$version\"," MODULE.bazel || { echo "consumer: MODULE.bazel has another version than $version"; exit 1; }
for pattern in $(grep -oE '"(include|tests)/[^"]+"|"LICENSE"' BUILD.bazel | tr -d '"'); do
  compgen -G "${pattern//\*\*/*}" >/dev/null || { echo "consumer: BUILD.bazel names $pattern, which is not there"; exit 1; }
done
buildifier=${BUILDIFIER:-$(command -v buildifier || true)}
if [ -n "$buildifier" ]; then
  quietly "$buildifier" --mode=check --lint=warn MODULE.bazel BUILD.bazel
  echo "bazel: read by buildifier"
else
  echo "bazel: looked at, without buildifier"
fi

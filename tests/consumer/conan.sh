#!/usr/bin/env bash
# The recipe for Conan, run on a stand-in of the few modules that it imports (stand_ins/conan): Conan itself is not asked. What
# package() leaves behind is what include/ holds, and the recipe's test package is built on it.
set -eu
. "$(dirname "$0")/common.sh"
need python3

quietly env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$source/tests/consumer/stand_ins" \
  python3 "$source/tests/consumer/stand_ins/run_recipe.py" "$source" "$work/package" "$version"
same_headers "$work/package/include"
[ -e "$work/package/licenses/LICENSE" ] || { echo "consumer: no licence in the package"; exit 1; }
quietly python3 -c "import ast, sys; ast.parse(open(sys.argv[1]).read())" "$source/cmake/conan/test_package/conanfile.py"

# As CMakeDeps writes it.
mkdir "$work/deps"
cat >"$work/deps/zmm-config.cmake" <<END
add_library(zmm::zmm INTERFACE IMPORTED)
set_target_properties(zmm::zmm PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "$work/package/include" INTERFACE_LINK_LIBRARIES pthread)
END
quietly cmake -S "$source/cmake/conan/test_package" -B "$work/test_package" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -Dzmm_DIR="$work/deps"
quietly cmake --build "$work/test_package"
prints_ok "conan (stand-in)" "$work/test_package/test_package"

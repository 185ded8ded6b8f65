# run_recipe.py SOURCE PACKAGE VERSION : what "conan create" makes the recipe do, in its order, on the stand-in of Conan.
import fnmatch
import importlib.util
import pathlib
import shutil
import sys
import tempfile

source, package, version = sys.argv[1:]
spec = importlib.util.spec_from_file_location("conanfile", source + "/conanfile.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

# The recipe sees what it exports and nothing else.
seen = pathlib.Path(tempfile.mkdtemp())
patterns = (module.ZmmConan.exports, *module.ZmmConan.exports_sources)
for file in pathlib.Path(source).rglob("*"):
    name = file.relative_to(source).as_posix()
    if file.is_file() and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
        (seen / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, seen / name)
try:
    recipe = module.ZmmConan(str(seen), package)
    recipe.set_version()
    assert recipe.version == version, recipe.version
    recipe.layout()
    recipe.validate()
    recipe.package_id()
    assert recipe.cleared
    recipe.package()
    recipe.package_info()
    assert recipe.cpp_info.properties["cmake_target_name"] == "zmm::zmm"
    assert recipe.cpp_info.system_libs == ["pthread"]
    assert (pathlib.Path(source) / recipe.test_package_folder / "conanfile.py").exists()
finally:
    shutil.rmtree(seen)

# Stand-in, see conan/__init__.py.
def basic_layout(recipe, src_folder="."):
    assert src_folder == "."

# Stand-in, see conan/__init__.py.
def check_min_cppstd(recipe, least):
    assert int(recipe.settings.cppstd) >= int(least)

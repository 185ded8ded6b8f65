# A stand-in of Conan 2: as much of it as zmm's recipe uses. It is not Conan.
import types


class ConanFile:
    def __init__(self, recipe_folder, package_folder):
        self.recipe_folder, self.source_folder, self.package_folder = recipe_folder, recipe_folder, package_folder
        self.settings = types.SimpleNamespace(os="Linux", cppstd="17")
        self.info = types.SimpleNamespace(clear=lambda: setattr(self, "cleared", True))
        self.cpp_info = types.SimpleNamespace(properties={})
        self.cpp_info.set_property = self.cpp_info.properties.__setitem__

# zmm for Conan 2:  conan create .
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class ZmmConan(ConanFile):
    name = "zmm"
    description = "The Zend memory manager as a header-only C++17 allocator library"
    license = "BSL-1.0"
    topics = ("allocator", "memory", "pmr", "arena", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports = "include/zmm/version.hpp"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True
    test_package_folder = "cmake/conan/test_package"

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include", "zmm", "version.hpp"))
        parts = (re.search(rf"#define ZMM_VERSION_{part}\s+(\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH"))
        self.version = ".".join(parts)

    def layout(self):
        basic_layout(self)

    def package_id(self):
        self.info.clear()  # the same headers for every compiler and system

    def validate(self):
        check_min_cppstd(self, 17)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for pattern in ("*.hpp", "*.cppm"):
            copy(self, pattern, os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "zmm")
        self.cpp_info.set_property("cmake_target_name", "zmm::zmm")
        self.cpp_info.set_property("pkg_config_name", "zmm")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]

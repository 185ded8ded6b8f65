# Installs the headers and a package, so that find_package(zmm CONFIG) gives zmm::zmm. Headers fit every architecture, so
# the package lies under share/ and its version file does not ask for the word size.
include(CMakePackageConfigHelpers)

set(zmm_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/zmm)
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/zmm-config.cmake.in ${PROJECT_BINARY_DIR}/package/zmm-config.cmake
  INSTALL_DESTINATION ${zmm_package_dir})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/package/zmm-config-version.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/zmm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS zmm EXPORT zmm-targets)
install(EXPORT zmm-targets NAMESPACE zmm:: DESTINATION ${zmm_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/package/zmm-config.cmake ${PROJECT_BINARY_DIR}/package/zmm-config-version.cmake
        DESTINATION ${zmm_package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/zmm)

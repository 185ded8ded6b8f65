# Installs the headers and packages for find_package(zmm CONFIG) and for pkg-config. Headers fit every architecture, so the
# packages lie under share/, and the version file does not ask for the word size. Before 1.0 another minor version is another library.
include(CMakePackageConfigHelpers)

set(zmm_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/zmm)
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/zmm-config.cmake.in ${PROJECT_BINARY_DIR}/package/zmm-config.cmake
  INSTALL_DESTINATION ${zmm_package_dir})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(zmm_compatibility SameMinorVersion)
else()
  set(zmm_compatibility SameMajorVersion)
endif()
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/package/zmm-config-version.cmake COMPATIBILITY ${zmm_compatibility} ARCH_INDEPENDENT)

# zmm.pc says where the headers are from where it lies itself, so that the prefix can be moved.
set(zmm_pc_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}" OR IS_ABSOLUTE "${zmm_pc_dir}")
  set(zmm_pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(zmm_pc_include ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH zmm_pc_up "/${zmm_pc_dir}" "/")
  string(REGEX REPLACE "/$" "" zmm_pc_up "${zmm_pc_up}")
  set(zmm_pc_prefix "\${pcfiledir}/${zmm_pc_up}")
  set(zmm_pc_include "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/zmm.pc.in ${PROJECT_BINARY_DIR}/package/zmm.pc @ONLY)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/zmm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cppm")
install(TARGETS zmm EXPORT zmm-targets COMPONENT development)
install(EXPORT zmm-targets NAMESPACE zmm:: DESTINATION ${zmm_package_dir} COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/package/zmm-config.cmake ${PROJECT_BINARY_DIR}/package/zmm-config-version.cmake
        DESTINATION ${zmm_package_dir} COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/package/zmm.pc DESTINATION ${zmm_pc_dir} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/zmm COMPONENT license)
# For who does not include <zmm/gdb.hpp>: `source PREFIX/share/zmm/gdb/zmm_gdb.py` in gdb.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/gdb DESTINATION ${CMAKE_INSTALL_DATADIR}/zmm COMPONENT development
        FILES_MATCHING PATTERN "*.py" PATTERN "__pycache__" EXCLUDE PATTERN "embed.py" EXCLUDE)

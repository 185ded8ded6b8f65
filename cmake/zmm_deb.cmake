# libzmm-dev, the headers as a package of Debian's:
#     cmake -S . -B build/deb -DCMAKE_INSTALL_PREFIX=/usr && cpack --config build/deb/CPackConfig.cmake -B build/deb
# The date in its changelog is SOURCE_DATE_EPOCH, if the environment has one.
find_program(zmm_gzip gzip)
if(NOT ZMM_INSTALL OR NOT zmm_gzip)
  return()
endif()
set(ZMM_PACKAGE_CONTACT "zmm maintainers <maintainers@zmm.example.org>" CACHE STRING "Who maintains the packages that cpack makes")

set(zmm_deb_dir ${PROJECT_BINARY_DIR}/package/deb)
string(TIMESTAMP zmm_deb_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/deb/changelog.in ${zmm_deb_dir}/changelog @ONLY)
configure_file(${CMAKE_CURRENT_LIST_DIR}/deb/copyright.in ${zmm_deb_dir}/copyright @ONLY)
execute_process(COMMAND ${zmm_gzip} -9n -c ${zmm_deb_dir}/changelog OUTPUT_FILE ${zmm_deb_dir}/changelog.gz RESULT_VARIABLE zmm_gzip_result)
if(NOT zmm_gzip_result EQUAL 0)
  message(FATAL_ERROR "zmm: gzip ended with ${zmm_gzip_result}")
endif()
install(FILES ${zmm_deb_dir}/copyright ${zmm_deb_dir}/changelog.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libzmm-dev COMPONENT debian
        EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libzmm-dev)
set(CPACK_PACKAGE_CONTACT "${ZMM_PACKAGE_CONTACT}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL development debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_NAME libzmm-dev)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libstdc++-12-dev | libstdc++-dev | libc++-dev")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Zend memory manager for C++17, header-only")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Heaps and request arenas that work as PHP's memory manager does, behind
std::pmr::memory_resource and behind a typed allocator for containers of the
standard library and of Boost: exact limits, figures, debug and hardened
heaps, replacements for operator new and malloc.")
include(CPack)

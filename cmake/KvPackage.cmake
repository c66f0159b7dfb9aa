# Debian packages, by CPack, from a build whose prefix is /usr (so that libraries go to /usr/lib/<multiarch>):
#
#     libkvstrata0.1    the shared libraries           (named after their SONAME)
#     libkvstrata-dev   headers, static libraries, CMake and pkg-config files
#     kvstrata          the program and its man page
#
# What the libraries need of other packages is read from them by dpkg-shlibdeps (package dpkg-dev).
string(REGEX REPLACE "^([0-9]+)\\.([0-9]+).*" "\\1.\\2" soversion ${PROJECT_VERSION})
set(components kvstrata_runtime kvstrata_dev)
set(package_kvstrata_runtime libkvstrata${soversion})
set(package_kvstrata_dev libkvstrata-dev)
if(KVSTRATA_BUILD_TOOLS)
  list(APPEND components kvstrata_tools)
  set(package_kvstrata_tools kvstrata)
endif()

# Debian's place for the licence, in packages alone.
foreach(component IN LISTS components)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright EXCLUDE_FROM_ALL COMPONENT ${component}
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package_${component}})
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package_${component}})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${components})
set(CPACK_PACKAGE_NAME kvstrata)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "kvstrata maintainers <kvstrata@localhost>" CACHE STRING "Maintainer of the Debian packages")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_KVSTRATA_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_KVSTRATA_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_KVSTRATA_TOOLS_PACKAGE_SECTION utils)

# Who compiles against the libraries needs the pkg-config modules that theirs name; cmake/setup.sh knows their packages.
get_property(modules GLOBAL PROPERTY KV_PC_MODULES)
list(REMOVE_DUPLICATES modules)
file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/setup.sh table REGEX " module +[a-z]")
set(development "")
foreach(module IN LISTS modules)
  set(rows ${table})
  list(FILTER rows INCLUDE REGEX " module +${module}$")
  if(rows MATCHES "^[a-z]+ +([^ ]+) ")
    list(APPEND development ${CMAKE_MATCH_1})
  else()
    message(WARNING "cmake/setup.sh does not say which package has the pkg-config module ${module}")
  endif()
endforeach()
list(JOIN development ", " CPACK_DEBIAN_KVSTRATA_DEV_PACKAGE_DEPENDS)

include(CPack)
cpack_add_component(kvstrata_runtime DESCRIPTION "${PROJECT_DESCRIPTION}: shared libraries")
cpack_add_component(kvstrata_dev DEPENDS kvstrata_runtime DESCRIPTION "${PROJECT_DESCRIPTION}: headers and static libraries")
if(KVSTRATA_BUILD_TOOLS)
  cpack_add_component(kvstrata_tools DEPENDS kvstrata_runtime
    DESCRIPTION "${PROJECT_DESCRIPTION}: the program kvstrata, which replays traces and looks into files")
endif()

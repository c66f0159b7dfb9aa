# How every library of the suite is built, exported and installed. The only place that knows.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(KV_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

# Flags for code that is ours; never set globally, so a parent project keeps its own.
function(kv_target_defaults target)
  set_target_properties(${target} PROPERTIES
    C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
    CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wcast-align -Wvla -Wundef -Wdouble-promotion
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes;-Wwrite-strings>
    $<$<BOOL:${KVSTRATA_WERROR}>:-Werror>)
  if(KVSTRATA_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${KVSTRATA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${KVSTRATA_SANITIZE})
  endif()
endfunction()

# kv_add_library(<component> SOURCES ... [DEPENDS <component>...] [PRIVATE_LIBS <target>...] [FIND <package>...]
#                [PC_REQUIRES <module>...] [PC_LIBS <flag>...])
#
# Makes kvstrata::<component>_static, _shared and kvstrata::<component> (one of the two), hidden visibility, a version
# script, a SONAME, a pkg-config file and an export set. The include folder of a target holds the headers of this
# library alone: a library sees only what its DEPENDS bring, so a wrong-way #include does not compile.
# PRIVATE_LIBS are outside dependencies, FIND the find_package() calls that a static user needs for them.
function(kv_add_library component)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_LIBS;FIND;PC_REQUIRES;PC_LIBS" ${ARGN})
  set(name kv${component})
  string(TOUPPER ${name} upper)
  set(include_root ${PROJECT_BINARY_DIR}/include/${component})
  file(MAKE_DIRECTORY ${include_root})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/${name} ${include_root}/${name} SYMBOLIC)

  # Compiled once, position independent; the archive and the shared object hold the same code.
  add_library(${name}_objects OBJECT ${arg_SOURCES})
  kv_target_defaults(${name}_objects)
  set_target_properties(${name}_objects PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_compile_options(${name}_objects PRIVATE -fno-semantic-interposition)
  if(KVSTRATA_BUILD_FUZZ)
    target_compile_options(${name}_objects PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  target_include_directories(${name}_objects PRIVATE ${include_root} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}_objects PRIVATE ${arg_PRIVATE_LIBS})
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${name}_objects PRIVATE kv${dependency}_headers)
  endforeach()

  add_library(${name}_headers INTERFACE)
  target_include_directories(${name}_headers INTERFACE ${include_root})
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${name}_headers INTERFACE kv${dependency}_headers)
  endforeach()

  string(REGEX REPLACE "^([0-9]+)\\.([0-9]+).*" "\\1.\\2" soversion ${PROJECT_VERSION})
  if(PROJECT_VERSION_MAJOR GREATER 0)
    set(soversion ${PROJECT_VERSION_MAJOR})
  endif()
  string(REPLACE "." "_" node "${upper}_${soversion}")
  set(map ${CMAKE_CURRENT_BINARY_DIR}/${name}.map)
  file(CONFIGURE OUTPUT ${map} CONTENT "${node} { global: ${name}_*; local: *; };\n")

  add_library(${name}_static STATIC $<TARGET_OBJECTS:${name}_objects>)
  add_library(${name}_shared SHARED $<TARGET_OBJECTS:${name}_objects>)
  target_link_options(${name}_shared PRIVATE
    LINKER:--version-script=${map} LINKER:-Bsymbolic-functions LINKER:--as-needed)
  if(NOT KVSTRATA_SANITIZE AND NOT KVSTRATA_BUILD_FUZZ)
    target_link_options(${name}_shared PRIVATE LINKER:--no-undefined)
  endif()
  set_target_properties(${name}_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${soversion} INSTALL_RPATH "$ORIGIN" LINK_DEPENDS ${map})
  foreach(kind static shared)
    set(target ${name}_${kind})
    kv_target_defaults(${target})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${name} EXPORT_NAME ${component}_${kind} LINKER_LANGUAGE C
      ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${include_root}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_LIBS})
    foreach(dependency IN LISTS arg_DEPENDS)
      target_link_libraries(${target} PUBLIC kv${dependency}_${kind})
    endforeach()
    add_library(kvstrata::${component}_${kind} ALIAS ${target})
  endforeach()
  if(KVSTRATA_USE_STATIC_LIBS)
    add_library(kvstrata::${component} ALIAS ${name}_static)
  else()
    add_library(kvstrata::${component} ALIAS ${name}_shared)
  endif()

  set_property(GLOBAL APPEND PROPERTY KV_COMPONENTS ${component})
  set_property(GLOBAL APPEND PROPERTY KV_PC_MODULES ${arg_PC_REQUIRES})
  if(NOT KVSTRATA_INSTALL)
    return()
  endif()
  install(TARGETS ${name}_static ${name}_shared EXPORT kvstrata-${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT kvstrata_dev
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT kvstrata_runtime NAMELINK_COMPONENT kvstrata_dev)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT kvstrata_dev)
  install(EXPORT kvstrata-${component} NAMESPACE kvstrata::
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvstrata FILE kvstrata-${component}-targets.cmake
          COMPONENT kvstrata_dev)

  # What find_package() has to know of this component: what it stands on, and what static users must find.
  set(facts "set(kvstrata_${component}_depends ${arg_DEPENDS})\n")
  foreach(package IN LISTS arg_FIND)
    string(APPEND facts "find_dependency(${package})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/kvstrata-${component}-facts.cmake CONTENT "${facts}" @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvstrata-${component}-facts.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvstrata COMPONENT kvstrata_dev)

  # Relocatable: the prefix is found from where the .pc file lies, unless the packager gave absolute folders.
  if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(KV_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
    set(KV_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
    set(KV_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
  else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(KV_PC_PREFIX "\${pcfiledir}/${up}")
    set(KV_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(KV_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
  set(KV_PC_NAME ${name})
  list(TRANSFORM arg_DEPENDS PREPEND kv OUTPUT_VARIABLE requires)
  list(JOIN requires ", " KV_PC_REQUIRES)
  list(JOIN arg_PC_REQUIRES ", " KV_PC_REQUIRES_PRIVATE)
  list(JOIN arg_PC_LIBS " " KV_PC_LIBS_PRIVATE)
  configure_file(${KV_CMAKE_DIR}/kv.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT kvstrata_dev)
endfunction()

# kvstrata::cpp, the header for C++ over all of <component>: nothing to link but that.
function(kv_add_cpp component)
  set(include_root ${PROJECT_BINARY_DIR}/include/cpp)
  file(MAKE_DIRECTORY ${include_root})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/kvstrata.hpp ${include_root}/kvstrata.hpp SYMBOLIC)
  add_library(kvcpp_headers INTERFACE)
  set_target_properties(kvcpp_headers PROPERTIES EXPORT_NAME cpp)
  target_include_directories(kvcpp_headers INTERFACE
    $<BUILD_INTERFACE:${include_root}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # $<1:…> keeps the name as it is: the finder of the package decides between static and shared.
  target_link_libraries(kvcpp_headers INTERFACE
    $<BUILD_INTERFACE:kvstrata::${component}> $<INSTALL_INTERFACE:$<1:kvstrata::${component}>>)
  add_library(kvstrata::cpp ALIAS kvcpp_headers)
  set_property(GLOBAL APPEND PROPERTY KV_COMPONENTS cpp)
  if(NOT KVSTRATA_INSTALL)
    return()
  endif()
  install(TARGETS kvcpp_headers EXPORT kvstrata-cpp)
  install(FILES ${PROJECT_SOURCE_DIR}/include/kvstrata.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT kvstrata_dev)
  install(EXPORT kvstrata-cpp NAMESPACE kvstrata::
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvstrata FILE kvstrata-cpp-targets.cmake
          COMPONENT kvstrata_dev)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/kvstrata-cpp-facts.cmake CONTENT
    "set(kvstrata_cpp_depends ${component})\n" @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvstrata-cpp-facts.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvstrata COMPONENT kvstrata_dev)
endfunction()

# The package file over all components, once they are all known.
function(kv_install_package)
  get_property(KV_COMPONENTS GLOBAL PROPERTY KV_COMPONENTS)
  set(where ${CMAKE_INSTALL_LIBDIR}/cmake/kvstrata)
  configure_package_config_file(${KV_CMAKE_DIR}/kvstrata-config.cmake.in
    ${PROJECT_BINARY_DIR}/kvstrata-config.cmake INSTALL_DESTINATION ${where})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/kvstrata-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/kvstrata-config.cmake ${PROJECT_BINARY_DIR}/kvstrata-config-version.cmake
          DESTINATION ${where} COMPONENT kvstrata_dev)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE
          DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT kvstrata_dev)
endfunction()

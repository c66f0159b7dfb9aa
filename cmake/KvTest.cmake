# How tests, examples and fuzz targets are made. All programs land in <build>/bin.
#
# Each test has a label that says which question it answers: unit, contract, model, oom, conformance, stress, consumer,
# example, fuzz-replay.

if(KVSTRATA_BUILD_TESTS)
  enable_testing()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()

# A program of ours that is not installed.
function(kv_add_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  kv_target_defaults(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${arg_LIBS})
endfunction()

# kv_add_test(<name> SOURCES ... LIBS ... LABELS ... [ARGS ...] [ENVIRONMENT ...]): a CMocka program, run by ctest.
function(kv_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS;LABELS;ARGS;ENVIRONMENT" ${ARGN})
  kv_add_program(${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS} kvtest_support PkgConfig::CMOCKA)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()

# kv_add_example(<name> SOURCES ... LIBS ...): a program a reader may copy. Where there are tests it is one: it exits 0.
function(kv_add_example name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  kv_add_program(${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS})
  if(KVSTRATA_BUILD_TESTS)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS example TIMEOUT 60)
  endif()
endfunction()

# kv_add_bench(<name> SOURCES ... LIBS ...): a Google Benchmark program in <build>/bench.
function(kv_add_bench name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  find_package(benchmark REQUIRED)
  kv_add_program(${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS} benchmark::benchmark)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endfunction()

# kv_add_fuzz(<name> SOURCES ... LIBS ...): a fuzz target (see fuzz/fuzz.h) whose corpus is fuzz/corpus/<name>. The fuzz preset
# makes bin/fuzz_<name> with libFuzzer; the test builds make a program that replays the corpus.
function(kv_add_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  if(KVSTRATA_BUILD_FUZZ)
    kv_add_program(fuzz_${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS})
    target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  endif()
  if(KVSTRATA_BUILD_TESTS)
    kv_add_program(fuzz_${name}_replay SOURCES ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay.c LIBS ${arg_LIBS})
    target_include_directories(fuzz_${name}_replay PRIVATE ${PROJECT_SOURCE_DIR}/fuzz)
    add_test(NAME fuzz_${name}_replay COMMAND fuzz_${name}_replay ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz_${name}_replay PROPERTIES LABELS fuzz-replay TIMEOUT 300)
  endif()
endfunction()

# The dynamic symbols of a library are those that were reviewed, no more and no fewer; its archive adds no bare name.
function(kv_check_exports component folder)
  add_test(NAME ${component}_exports COMMAND ${CMAKE_COMMAND}
    -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:kv${component}_shared>
    -DARCHIVE=$<TARGET_FILE:kv${component}_static> -DPREFIX=kv${component}
    -DEXPECTED=${PROJECT_SOURCE_DIR}/${folder}/exports.txt
    -P ${PROJECT_SOURCE_DIR}/cmake/check-exports.cmake)
  set_tests_properties(${component}_exports PROPERTIES LABELS contract)
endfunction()

# Each public header compiles alone, as C17 and as C++17, with nothing but its own library's include folders.
function(kv_check_headers component)
  set(name kv${component})
  file(GLOB headers RELATIVE ${PROJECT_SOURCE_DIR}/include CONFIGURE_DEPENDS
       ${PROJECT_SOURCE_DIR}/include/${name}/*.h)
  set(sources "")
  foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER ${header} stem)
    foreach(language c cpp)
      set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${stem}.${language})
      file(CONFIGURE OUTPUT ${source} CONTENT
        "#include <${header}>\n#include <${header}>\nextern int ${stem}_${language};\nint ${stem}_${language};\n")
      list(APPEND sources ${source})
    endforeach()
  endforeach()
  add_library(${name}_headers_alone OBJECT ${sources})
  kv_target_defaults(${name}_headers_alone)
  target_compile_options(${name}_headers_alone PRIVATE -Werror)
  target_link_libraries(${name}_headers_alone PRIVATE ${name}_headers)
endfunction()

# A floor cannot see the floors above it: this snippet must not compile with the include folders of <component>.
function(kv_check_floor component forbidden)
  get_filename_component(dir ${forbidden} DIRECTORY)
  string(MAKE_C_IDENTIFIER "floor_${component}_not_${dir}" test)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/floor/${test}.c CONTENT "#include <${forbidden}>\nextern int x;\nint x;\n")
  add_library(${test} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/floor/${test}.c)
  target_link_libraries(${test} PRIVATE kv${component}_headers)
  add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target ${test})
  set_tests_properties(${test} PROPERTIES LABELS contract RUN_SERIAL ON
    PASS_REGULAR_EXPRESSION "${dir}/[a-z_]*.h: No such file|'${dir}/[a-z_]*.h' file not found")
endfunction()

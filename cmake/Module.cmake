# The standard headers that most files include, compiled once: by FIRST, for every target of its kind.
# A file still includes what it uses: scripts/tidy reads each one without them.
function(slipway_precompile target first)
  if(NOT SLIPWAY_PRECOMPILE)
    return()
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # what ccache asks for
  if(target STREQUAL first)
    target_precompile_headers(${target} PRIVATE <algorithm> <functional> <map> <memory> <mutex> <optional> <set> <string> <string_view>
      <utility> <vector> ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${first})
  endif()
endfunction()

# slipway_module(name SOURCES a.cc … LIBS public… PRIVATE third-party… TESTS a_test.cc …)
#
# One static library slipway::NAME per module. Its include path is host/, so that an include
# reads "module/file.h"; what a module may include is checked by tests/layering_test.py.
# TESTS become one gtest binary NAME_test, discovered case by case.
function(slipway_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS;PRIVATE;TESTS;TEST_LIBS")
  add_library(slipway_${name} STATIC ${arg_SOURCES})
  add_library(slipway::${name} ALIAS slipway_${name})
  target_include_directories(slipway_${name} PUBLIC ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(slipway_${name} PUBLIC ${arg_LIBS} PRIVATE slipway::options ${arg_PRIVATE})
  slipway_precompile(slipway_${name} slipway_base)
  if(SLIPWAY_TESTS AND arg_TESTS)
    slipway_test(${name}_test SOURCES ${arg_TESTS} LIBS slipway::${name} ${arg_PRIVATE} ${arg_TEST_LIBS})
  endif()
endfunction()

# A gtest binary whose cases ctest sees one by one, named BINARY.Suite.Case. What computes takes two of ctest's slots, what
# mostly waits one: scripts/test gives it twice as many as there are processors.
function(slipway_test name)
  slipway_test_program(${name} ${ARGN})
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${name}.
    PROPERTIES TIMEOUT 300 PROCESSORS 2 LABELS unit)
endfunction()

# Such a binary that runs inside another program, which add_test names.
function(slipway_test_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES SLIPWAY_TEST_CODE ON)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} slipway::options GTest::gtest_main GTest::gmock)
  slipway_precompile(${name} base_test <gtest/gtest.h>)
  target_compile_definitions(${name} PRIVATE SLIPWAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SLIPWAY_BINARY_DIR="${CMAKE_BINARY_DIR}")
endfunction()

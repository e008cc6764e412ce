# slipway_plugin(NAME SOURCES a.cc … [TESTS part…]): an engine of this folder. Included by each
# engine's CMakeLists.txt, which is a part of the tree or a project of its own against an installed
# SDK:  cmake -S plugins/NAME -B build -DCMAKE_PREFIX_PATH=…
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT COMMAND slipway_add_engine)
  find_package(SlipwaySdk 1.0 REQUIRED)
endif()
set(SLIPWAY_PLUGINS ${CMAKE_CURRENT_LIST_DIR})

function(slipway_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;TESTS")
  slipway_add_engine(${name} VERSION ${PROJECT_VERSION} SOURCES ${arg_SOURCES} LIBS SlipwaySdk::kit)
  # The file has one name in every version: engines.d names it, and the note inside names the version.
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/engines)
  file(WRITE ${CMAKE_BINARY_DIR}/engines.d/${name}.yaml
    "name: ${name}\npath: ${CMAKE_BINARY_DIR}/engines/${name}.so\nenabled: true\n")
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/slipway/engines)

  if(SLIPWAY_TESTS AND arg_TESTS)
    enable_testing()
    include(${SLIPWAY_PLUGINS}/testing/EngineTests.cmake)
    slipway_engine_tests(${name} ${arg_TESTS})
  endif()
endfunction()

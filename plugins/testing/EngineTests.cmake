# slipway_engine_tests(engine part…): tests/PART_test.py of the engine as the test ENGINE.PART,
# with the shared Python modules of this directory in reach.
set(SLIPWAY_ENGINE_TESTING ${CMAKE_CURRENT_LIST_DIR})
find_package(Python3 REQUIRED COMPONENTS Interpreter)
if(NOT TARGET engine_drive)
  add_subdirectory(${SLIPWAY_ENGINE_TESTING} ${CMAKE_BINARY_DIR}/plugins/testing)
endif()

function(slipway_engine_tests engine)
  foreach(part ${ARGN})
    add_test(NAME ${engine}.${part}
      COMMAND ${Python3_EXECUTABLE} -m pytest -q -rs -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/tests/${part}_test.py)
    set_tests_properties(${engine}.${part} PROPERTIES TIMEOUT 300 PROCESSORS 2 LABELS unit SKIP_RETURN_CODE 77
      ENVIRONMENT "SLIPWAY_ENGINE_DRIVE=$<TARGET_FILE:engine_drive>;SLIPWAY_ENGINE=$<TARGET_FILE:${engine}>;PYTHONPATH=${SLIPWAY_ENGINE_TESTING};PYTHONDONTWRITEBYTECODE=1")
  endforeach()
endfunction()

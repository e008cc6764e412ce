# One INTERFACE target carries warnings, hardening and sanitizers for all of our own code.
add_library(slipway_options INTERFACE)
add_library(slipway::options ALIAS slipway_options)
target_compile_options(slipway_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wnon-virtual-dtor -Woverloaded-virtual>
  $<$<BOOL:${SLIPWAY_WERROR}>:-Werror>
  # GCC takes what a unity build includes for headers, where an anonymous namespace would be a fault.
  $<$<AND:$<BOOL:${CMAKE_UNITY_BUILD}>,$<COMPILE_LANGUAGE:CXX>>:-Wno-subobject-linkage>)

# The code of tests is not the product's: it is compiled as fast as possible, and counted nowhere.
set(slipway_test_code $<BOOL:$<TARGET_PROPERTY:SLIPWAY_TEST_CODE>>)
target_compile_options(slipway_options INTERFACE $<$<AND:${slipway_test_code},$<CONFIG:Debug>>:-O0>)

if(SLIPWAY_SANITIZE)
  # pointer-overflow: RapidJSON's internal/stack.h offsets a null pointer, harmless.
  target_compile_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE} -fno-omit-frame-pointer)
  if(SLIPWAY_SANITIZE MATCHES "undefined")
    target_compile_options(slipway_options INTERFACE -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined
      $<${slipway_test_code}:-fno-sanitize=undefined>)
  endif()
  target_link_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE})
endif()
if(SLIPWAY_COVERAGE)
  # -pthread makes GCC count atomically; -fprofile-update=atomic does too, but ccache stores nothing compiled with it.
  target_compile_options(slipway_options INTERFACE $<$<NOT:${slipway_test_code}>:--coverage> -pthread)
  target_link_options(slipway_options INTERFACE --coverage)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
  if(NOT SLIPWAY_SANITIZE)
    target_compile_options(slipway_options INTERFACE
      -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fcf-protection -D_GLIBCXX_ASSERTIONS
      -ffunction-sections -fdata-sections)
    target_link_options(slipway_options INTERFACE
      LINKER:-z,relro LINKER:-z,now LINKER:--gc-sections LINKER:--as-needed)
    include(CheckPIESupported)
    check_pie_supported()
  endif()
endif()

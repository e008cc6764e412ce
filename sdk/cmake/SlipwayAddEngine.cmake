# slipway_add_engine(target [NAME engine-name] VERSION x.y.z SOURCES a.cc … [LIBS lib…] [DEFINITIONS d…])
#
# One shared object NAME-VERSION.so that exports the entry symbol and nothing else. NAME is the
# target's unless given. LIBS are linked in privately: static or header-only ones, for the host
# refuses an engine that needs more than the C and C++ runtime. It also refuses one without the
# linker's hardening below.
set(SLIPWAY_ENGINE_MAP "${CMAKE_CURRENT_LIST_DIR}/engine.map" CACHE INTERNAL "export list of an engine")

function(slipway_add_engine target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME;VERSION" "SOURCES;LIBS;DEFINITIONS")
  if(NOT arg_VERSION OR NOT arg_SOURCES)
    message(FATAL_ERROR "slipway_add_engine(${target}): VERSION and SOURCES are required")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME ${target})
  endif()
  string(LENGTH "${arg_NAME}" name_length)
  string(LENGTH "${arg_VERSION}" version_length)
  if(name_length GREATER 31 OR version_length GREATER 27)
    message(FATAL_ERROR "slipway_add_engine(${target}): name (31) or version (27) is too long")
  endif()

  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE SlipwaySdk::sdk ${arg_LIBS})
  if(TARGET slipway::options)
    target_link_libraries(${target} PRIVATE slipway::options)
  endif()
  target_compile_definitions(${target} PRIVATE
    SLIPWAY_ENGINE_NAME="${arg_NAME}" SLIPWAY_ENGINE_VERSION="${arg_VERSION}" ${arg_DEFINITIONS})
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME "${arg_NAME}-${arg_VERSION}"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${SLIPWAY_ENGINE_MAP}" SKIP_BUILD_RPATH ON INSTALL_RPATH "")
  target_link_options(${target} PRIVATE
    "LINKER:--version-script=${SLIPWAY_ENGINE_MAP}" "LINKER:-z,now" "LINKER:-z,relro" "LINKER:-z,nodelete"
    "LINKER:-z,noexecstack" "LINKER:-z,text")
  # A sanitizer's runtime comes with the host's executable, so its symbols are open here.
  if(NOT "${SLIPWAY_SANITIZE}${CMAKE_CXX_FLAGS}${CMAKE_C_FLAGS}" MATCHES "sanitize|address|thread|undefined")
    target_link_options(${target} PRIVATE "LINKER:-z,defs")
  endif()
endfunction()

# SPDX-License-Identifier: GPL-3.0-or-later
# How every target of Orrery is compiled, and the function that makes a room of core a library.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

set(ORRERY_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
option(ORRERY_ASSERTIONS "Keep internal assertions in optimised builds" OFF)

find_program(ORRERY_CCACHE ccache)
if(ORRERY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Objects are shared between build folders and clones: paths are relative, no directory in the hash.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_PCH_EXTSUM=1 ${ORRERY_CCACHE})
endif()
find_program(ORRERY_MOLD mold)
if(ORRERY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Warnings of our own code; third-party headers are system headers.
add_library(orrery-options INTERFACE)
target_compile_options(orrery-options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror
                       $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 reads joined std::strings as overlapping or out of bounds (its bugs 105329 and 105651).
  target_compile_options(orrery-options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(ORRERY_SANITIZE)
  target_compile_options(orrery-options INTERFACE -fsanitize=${ORRERY_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -g1 -O1)
  target_link_options(orrery-options INTERFACE -fsanitize=${ORRERY_SANITIZE})
endif()
if(NOT ORRERY_ASSERTIONS)
  target_compile_definitions(orrery-options INTERFACE $<$<CONFIG:Release>:NDEBUG>)
endif()

# orrery_compile_quickly(TARGET SCOPE): for what is compiled more often than it runs long.
function(orrery_compile_quickly target scope)
  target_compile_options(${target} ${scope} $<$<CONFIG:Release>:-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} ${scope} -Wno-stringop-overread) # as above, when less is inlined
  endif()
endfunction()

# What nearly every source reads; parsed once for all rooms.
set(ORRERY_PRECOMPILED <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <limits> <map> <memory> <mutex>
    <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>
    <nlohmann/json.hpp>)

# orrery_precompile(TARGET HEADERS...): headers that the sources of a target, and of those that reuse them
# (target_precompile_headers(OTHER REUSE_FROM TARGET)), have read already.
function(orrery_precompile target)
  # A precompiled header differs from folder to folder; ccache hashes this file in its place (the flags are in its
  # hash anyway), so that clones and worktrees share objects.
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.gch.sum
       "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${ARGN}\n")
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()

# orrery_room(NAME [ROOMS lower...] [LIBRARIES ...]): all sources of core/NAME as one static library,
# orrery-core-NAME. ROOMS names the rooms it may use; orrery-core is made of all of them.
function(orrery_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp
                                      ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp)
  if(NOT sources)
    add_library(orrery-core-${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(orrery-core-${name} STATIC ${sources})
    set(scope PUBLIC)
    set_property(GLOBAL APPEND PROPERTY ORRERY_ROOM_LIBRARIES orrery-core-${name})
    target_link_libraries(orrery-core-${name} PRIVATE orrery-options)
    # The same flags in all rooms, or they could not share what is precompiled.
    separate_arguments(openmp UNIX_COMMAND "${OpenMP_CXX_FLAGS}")
    target_compile_options(orrery-core-${name} PRIVATE ${openmp})
    if(name STREQUAL "base")
      orrery_precompile(orrery-core-base ${ORRERY_PRECOMPILED})
    else()
      target_precompile_headers(orrery-core-${name} REUSE_FROM orrery-core-base)
    endif()
  endif()
  target_include_directories(orrery-core-${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/core>)
  foreach(room IN LISTS ROOM_ROOMS)
    target_link_libraries(orrery-core-${name} ${scope} orrery-core-${room})
  endforeach()
  target_link_libraries(orrery-core-${name} ${scope} ${ROOM_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY ORRERY_ROOMS ${name})
endfunction()

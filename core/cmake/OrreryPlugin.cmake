# SPDX-License-Identifier: GPL-3.0-or-later
# orrery_add_plugin(NAME): the folder this is called from (its *.cpp and plugin.json) becomes the loadable plugin NAME.
# Used inside the tree and, through find_package(Orrery), by plugins built outside of it.
set(ORRERY_PLUGIN_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(orrery_add_plugin name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(ORRERY_PLUGIN_JSON ${CMAKE_CURRENT_SOURCE_DIR}/plugin.json)
  configure_file(${ORRERY_PLUGIN_CMAKE_DIR}/plugin_entry.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/${name}_entry.cpp @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ORRERY_PLUGIN_JSON})
  add_library(${name} MODULE ${sources} ${CMAKE_CURRENT_BINARY_DIR}/${name}_entry.cpp)
  target_link_libraries(${name} PRIVATE orrery::core Qt6::Core)
  set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/${name}_entry.cpp PROPERTIES
    OBJECT_DEPENDS ${ORRERY_PLUGIN_JSON})
  set_target_properties(${name} PROPERTIES
    PREFIX "" AUTOMOC ON CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(TARGET orrery-options)
    target_link_libraries(${name} PRIVATE orrery-options)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/orrery/plugins
      INSTALL_RPATH "$ORIGIN/../..")
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/orrery/plugins)
    set_property(GLOBAL APPEND PROPERTY ORRERY_PLUGINS ${name})
  endif()
endfunction()

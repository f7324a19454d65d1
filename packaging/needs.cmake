# Read by cpack before it makes a package: what finds the libraries that it depends on must be there.
if(CPACK_GENERATOR STREQUAL "DEB")
  foreach(tool dpkg-shlibdeps file)
    find_program(TOOL_${tool} ${tool})
    if(NOT TOOL_${tool})
      message(FATAL_ERROR "There is no ${tool}, and without it no list of the libraries that the package needs: apt-get install dpkg-dev file")
    endif()
  endforeach()
endif()

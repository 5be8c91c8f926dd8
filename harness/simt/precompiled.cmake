# The standard headers are half of what the compiler reads: read once a set of options.
set(simt_headers <fmt/format.h> <algorithm> <array> <bit> <cmath> <cstdint> <cstring> <deque>
                 <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view>
                 <unordered_map> <utility> <vector>)
function(simt_precompiled target)
  target_precompile_headers(${target} PRIVATE ${simt_headers})
endfunction()

# Like moebench_tests, all with the precompiled headers of simt_ptx_test, and not optimised: what
# takes their time is the interpreter, which is.
function(simt_tests name)
  moebench_tests(${name} ${ARGN})
  if(TARGET ${name})
    target_compile_options(${name} PRIVATE -O0)
    if(NOT name STREQUAL simt_ptx_test)
      set_property(TARGET ${name} PROPERTY PRECOMPILE_HEADERS)
      target_precompile_headers(${name} REUSE_FROM simt_ptx_test)
    endif()
  endif()
endfunction()

# ccache refuses whatever has precompiled headers unless it is told that no file uses __TIME__ and
# that they are found by their content.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                  ${CMAKE_CXX_COMPILER_LAUNCHER})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  endif()
endif()

# Objects of .cu files, made by nvcc for three architectures at once: PTX, which the interpreter of
# harness/simt runs, and machine code, which a GPU runs and the static gates read. CUDA is not enabled
# as a language of the project: CMake would look for a default architecture and a driver.
set(MOEBENCH_CUDA_ARCHITECTURES 80 90a 100a)
set(moebench_cuda_flags -std=c++20 -O3 -lineinfo --no-compress --expt-relaxed-constexpr
    -Xcompiler=-Wall,-Wextra -Werror all-warnings)

# Usage: moebench_cuda_library(name FILES a.cu b.cu)
function(moebench_cuda_library name)
  cmake_parse_arguments(ARG "" "" "FILES" ${ARGN})
  set(flags ${moebench_cuda_flags} "-I${PROJECT_SOURCE_DIR}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    list(APPEND flags -ccbin ${CMAKE_CXX_COMPILER})
  endif()
  foreach(architecture ${MOEBENCH_CUDA_ARCHITECTURES})
    list(APPEND flags -gencode
         "arch=compute_${architecture},code=[compute_${architecture},sm_${architecture}]")
  endforeach()
  foreach(file ${ARG_FILES})
    get_filename_component(source ${file} ABSOLUTE)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${source})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}_objects/${relative}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CUDAToolkit_NVCC_EXECUTABLE} ${flags}
              -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d
      COMMENT "nvcc ${relative}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  add_library(${name} STATIC ${objects})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_include_directories(${name} SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(${name} PUBLIC contract)
endfunction()

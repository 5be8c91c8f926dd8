# Test programs from .cu files that run in the interpreter, for projects that do not enable CUDA as a
# language.
set(MOEBENCH_SIM_ARCHITECTURES 80 90a 100a)
set(MOEBENCH_NVCC_FLAGS -std=c++20 -O2 -lineinfo --no-compress)

# Objects of .cu files. Usage: moebench_sim_objects(result [CUBIN] [FLAGS ...] FILES a.cu b.cu)
# CUBIN embeds machine code as well: its register counts make occupancy exact (and ptxas takes its time).
function(moebench_sim_objects result)
  cmake_parse_arguments(ARG "CUBIN" "" "FLAGS;FILES" ${ARGN})
  set(flags ${MOEBENCH_NVCC_FLAGS} ${ARG_FLAGS} "-I${PROJECT_SOURCE_DIR}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    list(APPEND flags -ccbin ${CMAKE_CXX_COMPILER})
  endif()
  foreach(architecture ${MOEBENCH_SIM_ARCHITECTURES})
    list(APPEND flags -gencode arch=compute_${architecture},code=compute_${architecture})
    if(ARG_CUBIN)
      list(APPEND flags -gencode arch=compute_${architecture},code=sm_${architecture})
    endif()
  endforeach()
  foreach(file ${ARG_FILES})
    get_filename_component(source ${file} ABSOLUTE)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${source})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${result}/${relative}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CUDAToolkit_NVCC_EXECUTABLE} ${flags} -MD -MF ${object}.d
              -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d
      COMMENT "nvcc ${relative}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  # A target of their own: nvcc need not wait for the libraries.
  add_custom_target(${result} DEPENDS ${objects})
  set(${result} ${objects} PARENT_SCOPE)
endfunction()

# A GoogleTest program of .cu (and .cc) files whose kernels are interpreted: no driver, no GPU, no
# libcudart. Usage: moebench_sim_test(name [CUBIN] [FLAGS nvcc flags] a_test.cu b.cu c.cc)
function(moebench_sim_test name)
  cmake_parse_arguments(ARG "CUBIN" "" "FLAGS" ${ARGN})
  set(cuda_files ${ARG_UNPARSED_ARGUMENTS})
  set(host_files ${ARG_UNPARSED_ARGUMENTS})
  list(FILTER cuda_files INCLUDE REGEX "\\.cu$")
  list(FILTER host_files EXCLUDE REGEX "\\.cu$")
  set(cubin)
  if(ARG_CUBIN)
    set(cubin CUBIN)
  endif()
  moebench_sim_objects(${name}_objects ${cubin} FLAGS ${ARG_FLAGS} FILES ${cuda_files})
  set_source_files_properties(${${name}_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  add_executable(${name} ${${name}_objects} ${host_files})
  add_dependencies(${name} ${name}_objects)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PRIVATE simt_cublaslt simt_runtime GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS simt-cuda)
endfunction()

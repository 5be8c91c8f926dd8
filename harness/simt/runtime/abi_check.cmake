# What an object made by this toolkit's nvcc asks of the runtime behind the headers' back must be what
# launch_abi.cc has: a new toolkit that changes it is named here, not by a puzzling link error.
set(probe ${CMAKE_CURRENT_SOURCE_DIR}/testdata/abi_probe.cu)
set(abi_source ${CMAKE_CURRENT_SOURCE_DIR}/launch_abi.cc)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${probe} ${abi_source})
file(SHA256 ${probe} probe_hash)
set(abi_key "${CUDAToolkit_NVCC_EXECUTABLE} ${CUDAToolkit_VERSION} ${probe_hash}")

# Asked once a toolkit: nvcc takes seconds.
if(NOT MOEBENCH_SIM_ABI_KEY STREQUAL abi_key)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/abi_probe.o)
  execute_process(
    COMMAND ${CUDAToolkit_NVCC_EXECUTABLE} -std=c++20 -gencode arch=compute_80,code=compute_80
            -c ${probe} -o ${object}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "nvcc ${CUDAToolkit_VERSION} cannot compile ${probe}:\n${output}")
  endif()
  execute_process(COMMAND ${CMAKE_NM} -u ${object} OUTPUT_VARIABLE undefined)
  string(REGEX MATCHALL "__cuda[A-Za-z_]+" needed "${undefined}")
  list(REMOVE_DUPLICATES needed)
  set(MOEBENCH_SIM_ABI_NEEDED "${needed}" CACHE INTERNAL "undefined __cuda symbols of nvcc's objects")
  set(MOEBENCH_SIM_ABI_KEY "${abi_key}" CACHE INTERNAL "toolkit they were asked of")
endif()

file(STRINGS ${abi_source} definitions REGEX "__cuda[A-Za-z_]+\\(")
set(missing ${MOEBENCH_SIM_ABI_NEEDED})
foreach(line ${definitions})
  string(REGEX MATCH "__cuda[A-Za-z_]+" symbol "${line}")
  list(REMOVE_ITEM missing ${symbol})
endforeach()
if(missing)
  string(REPLACE ";" ", " missing "${missing}")
  message(FATAL_ERROR "objects of nvcc ${CUDAToolkit_VERSION} call ${missing}, which ${abi_source} does "
                      "not have: use toolkit 13.0 or add them there")
endif()

// Driver functions, handed out by name: what a program without libcuda asks the runtime for.
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

#include "harness/simt/execute/tensor_map.h"
#include "harness/simt/runtime/pointers.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt {
namespace {

// The driver's status of one of its calls is not the runtime's last error.
CUresult invalid(const char* function, std::string reason) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.record_host(Check::kBadArgument, function, std::move(reason));
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                      const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                      const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                      CUtensorMapSwizzle swizzle, CUtensorMapL2promotion l2_promotion,
                      CUtensorMapFloatOOBfill fill) {
  constexpr const char* kName = "cuTensorMapEncodeTiled";
  Runtime& runtime = Runtime::get();
  if (runtime.device.architecture.major < 9) return CUDA_ERROR_NOT_SUPPORTED;
  TensorMapRequest request;
  request.element = type;
  request.rank = rank;
  request.address = reinterpret_cast<std::uint64_t>(address);
  request.sizes = reinterpret_cast<const std::uint64_t*>(sizes);
  request.strides = reinterpret_cast<const std::uint64_t*>(strides);
  request.box = box;
  request.element_strides = element_strides;
  request.interleave = interleave;
  request.swizzle = swizzle;
  request.l2_promotion = l2_promotion;
  request.fill = fill;
  std::string wrong = encode_tensor_map(request, map);
  if (!wrong.empty()) return invalid(kName, std::move(wrong));
  return CUDA_SUCCESS;
}

CUresult replace_tensor_address(CUtensorMap* map, void* address) {
  if (map == nullptr) return CUDA_ERROR_INVALID_VALUE;
  std::string wrong = replace_address(map, reinterpret_cast<std::uint64_t>(address));
  if (!wrong.empty()) return invalid("cuTensorMapReplaceAddress", std::move(wrong));
  return CUDA_SUCCESS;
}

CUresult get_error_string(CUresult error, const char** text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *text = cudaGetErrorString(static_cast<cudaError_t>(error));  // the numbers are the same
  return CUDA_SUCCESS;
}

CUresult get_error_name(CUresult error, const char** text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *text = cudaGetErrorName(static_cast<cudaError_t>(error));
  return CUDA_SUCCESS;
}

CUresult driver_version(int* version) {
  return cudaDriverGetVersion(version) == cudaSuccess ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult init(unsigned) { return CUDA_SUCCESS; }

CUresult get_device(CUdevice* device, int ordinal) {
  if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *device = 0;
  return CUDA_SUCCESS;
}

// The attributes have the runtime's numbers.
CUresult device_attribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  return static_cast<CUresult>(
      cudaDeviceGetAttribute(value, static_cast<cudaDeviceAttr>(attribute), device));
}

const std::map<std::string, void*, std::less<>> functions{
    {"cuTensorMapEncodeTiled", reinterpret_cast<void*>(encode_tiled)},
    {"cuTensorMapReplaceAddress", reinterpret_cast<void*>(replace_tensor_address)},
    {"cuGetErrorString", reinterpret_cast<void*>(get_error_string)},
    {"cuGetErrorName", reinterpret_cast<void*>(get_error_name)},
    {"cuDriverGetVersion", reinterpret_cast<void*>(driver_version)},
    {"cuInit", reinterpret_cast<void*>(init)},
    {"cuDeviceGet", reinterpret_cast<void*>(get_device)},
    {"cuDeviceGetAttribute", reinterpret_cast<void*>(device_attribute)},
};

}  // namespace
}  // namespace moe::simt

using namespace moe::simt;

extern "C" {

// As the real one: a name it does not know is no error of the call, only of the query.
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  return runtime_call("cudaGetDriverEntryPoint", [&](Runtime& runtime) {
    if (symbol == nullptr || function == nullptr) return cudaErrorInvalidValue;
    const auto found = functions.find(std::string_view(symbol));
    *function = found == functions.end() ? nullptr : found->second;
    if (result != nullptr) {
      *result =
          *function == nullptr ? cudaDriverEntryPointSymbolNotFound : cudaDriverEntryPointSuccess;
    }
    if (*function != nullptr) return cudaSuccess;
    runtime.explain("cudaGetDriverEntryPoint",
                    refusal(fmt::format("{} is not simulated", symbol), cudaErrorSymbolNotFound));
    return result != nullptr ? cudaSuccess : cudaErrorSymbolNotFound;
  });
}

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* result) {
  return cudaGetDriverEntryPointByVersion(symbol, function, CUDART_VERSION, flags, result);
}

}  // extern "C"

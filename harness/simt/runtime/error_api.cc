// Names and texts of statuses.
#include <cuda_runtime_api.h>

#include <cctype>
#include <map>
#include <string>

#include "harness/simt/runtime/runtime.h"

using namespace moe::simt;

namespace {

struct Text {
  std::string name;
  std::string words;  // "invalid argument"
};

// `cudaErrorTooManyPeers` as words.
std::string words_of(const std::string& name) {
  std::string words;
  for (const char c : name.substr(std::string("cudaError").size())) {
    if (std::isupper(static_cast<unsigned char>(c)) && !words.empty()) words += ' ';
    words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return words;
}

// The real runtime's texts, for the statuses that this one returns.
const std::map<cudaError_t, std::string> known_words{
    {cudaSuccess, "no error"},
    {cudaErrorInvalidValue, "invalid argument"},
    {cudaErrorMemoryAllocation, "out of memory"},
    {cudaErrorInvalidConfiguration, "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "invalid pitch argument"},
    {cudaErrorInvalidSymbol, "invalid device symbol"},
    {cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"},
    {cudaErrorInvalidDeviceFunction, "invalid device function"},
    {cudaErrorNoDevice, "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "invalid device ordinal"},
    {cudaErrorInvalidKernelImage, "device kernel image is invalid"},
    {cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"},
    {cudaErrorInvalidPtx, "a PTX JIT compilation failed"},
    {cudaErrorInvalidResourceHandle, "invalid resource handle"},
    {cudaErrorIllegalState, "the operation cannot be performed in the present state"},
    {cudaErrorSymbolNotFound, "named symbol not found"},
    {cudaErrorNotReady, "device not ready"},
    {cudaErrorIllegalAddress, "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "too many resources requested for launch"},
    {cudaErrorLaunchTimeout, "the launch timed out and was terminated"},
    {cudaErrorAssert, "device-side assert triggered"},
    {cudaErrorHostMemoryAlreadyRegistered,
     "part or all of the requested memory range is already mapped"},
    {cudaErrorHostMemoryNotRegistered, "pointer does not correspond to a registered memory region"},
    {cudaErrorMisalignedAddress, "misaligned address"},
    {cudaErrorLaunchFailure, "unspecified launch failure"},
    {cudaErrorNotSupported, "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureMerge,
     "operation would result in a merge of separate capture sequences"},
    {cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"},
    {cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"},
    {cudaErrorStreamCaptureImplicit,
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {cudaErrorCapturedEvent,
     "operation not permitted on an event last recorded in a capturing stream"},
    {cudaErrorStreamCaptureWrongThread,
     "attempt to terminate a thread-local capture sequence from another thread"},
    {cudaErrorInvalidClusterSize, "cluster misconfiguration"},
    {cudaErrorUnknown, "unknown error"},
};

#define STATUS(name) \
  { name, #name }
const std::map<cudaError_t, std::string> names{
    STATUS(cudaSuccess),
    STATUS(cudaErrorInvalidValue),
    STATUS(cudaErrorMemoryAllocation),
    STATUS(cudaErrorInitializationError),
    STATUS(cudaErrorCudartUnloading),
    STATUS(cudaErrorProfilerDisabled),
    STATUS(cudaErrorProfilerNotInitialized),
    STATUS(cudaErrorProfilerAlreadyStarted),
    STATUS(cudaErrorProfilerAlreadyStopped),
    STATUS(cudaErrorInvalidConfiguration),
    STATUS(cudaErrorInvalidPitchValue),
    STATUS(cudaErrorInvalidSymbol),
    STATUS(cudaErrorInvalidHostPointer),
    STATUS(cudaErrorInvalidDevicePointer),
    STATUS(cudaErrorInvalidTexture),
    STATUS(cudaErrorInvalidTextureBinding),
    STATUS(cudaErrorInvalidChannelDescriptor),
    STATUS(cudaErrorInvalidMemcpyDirection),
    STATUS(cudaErrorAddressOfConstant),
    STATUS(cudaErrorTextureFetchFailed),
    STATUS(cudaErrorTextureNotBound),
    STATUS(cudaErrorSynchronizationError),
    STATUS(cudaErrorInvalidFilterSetting),
    STATUS(cudaErrorInvalidNormSetting),
    STATUS(cudaErrorMixedDeviceExecution),
    STATUS(cudaErrorNotYetImplemented),
    STATUS(cudaErrorMemoryValueTooLarge),
    STATUS(cudaErrorStubLibrary),
    STATUS(cudaErrorInsufficientDriver),
    STATUS(cudaErrorCallRequiresNewerDriver),
    STATUS(cudaErrorInvalidSurface),
    STATUS(cudaErrorDuplicateVariableName),
    STATUS(cudaErrorDuplicateTextureName),
    STATUS(cudaErrorDuplicateSurfaceName),
    STATUS(cudaErrorDevicesUnavailable),
    STATUS(cudaErrorIncompatibleDriverContext),
    STATUS(cudaErrorMissingConfiguration),
    STATUS(cudaErrorPriorLaunchFailure),
    STATUS(cudaErrorLaunchMaxDepthExceeded),
    STATUS(cudaErrorLaunchFileScopedTex),
    STATUS(cudaErrorLaunchFileScopedSurf),
    STATUS(cudaErrorSyncDepthExceeded),
    STATUS(cudaErrorLaunchPendingCountExceeded),
    STATUS(cudaErrorInvalidDeviceFunction),
    STATUS(cudaErrorNoDevice),
    STATUS(cudaErrorInvalidDevice),
    STATUS(cudaErrorDeviceNotLicensed),
    STATUS(cudaErrorSoftwareValidityNotEstablished),
    STATUS(cudaErrorStartupFailure),
    STATUS(cudaErrorInvalidKernelImage),
    STATUS(cudaErrorDeviceUninitialized),
    STATUS(cudaErrorMapBufferObjectFailed),
    STATUS(cudaErrorUnmapBufferObjectFailed),
    STATUS(cudaErrorArrayIsMapped),
    STATUS(cudaErrorAlreadyMapped),
    STATUS(cudaErrorNoKernelImageForDevice),
    STATUS(cudaErrorAlreadyAcquired),
    STATUS(cudaErrorNotMapped),
    STATUS(cudaErrorNotMappedAsArray),
    STATUS(cudaErrorNotMappedAsPointer),
    STATUS(cudaErrorECCUncorrectable),
    STATUS(cudaErrorUnsupportedLimit),
    STATUS(cudaErrorDeviceAlreadyInUse),
    STATUS(cudaErrorPeerAccessUnsupported),
    STATUS(cudaErrorInvalidPtx),
    STATUS(cudaErrorInvalidGraphicsContext),
    STATUS(cudaErrorNvlinkUncorrectable),
    STATUS(cudaErrorJitCompilerNotFound),
    STATUS(cudaErrorUnsupportedPtxVersion),
    STATUS(cudaErrorJitCompilationDisabled),
    STATUS(cudaErrorUnsupportedExecAffinity),
    STATUS(cudaErrorUnsupportedDevSideSync),
    STATUS(cudaErrorContained),
    STATUS(cudaErrorInvalidSource),
    STATUS(cudaErrorFileNotFound),
    STATUS(cudaErrorSharedObjectSymbolNotFound),
    STATUS(cudaErrorSharedObjectInitFailed),
    STATUS(cudaErrorOperatingSystem),
    STATUS(cudaErrorInvalidResourceHandle),
    STATUS(cudaErrorIllegalState),
    STATUS(cudaErrorLossyQuery),
    STATUS(cudaErrorSymbolNotFound),
    STATUS(cudaErrorNotReady),
    STATUS(cudaErrorIllegalAddress),
    STATUS(cudaErrorLaunchOutOfResources),
    STATUS(cudaErrorLaunchTimeout),
    STATUS(cudaErrorLaunchIncompatibleTexturing),
    STATUS(cudaErrorPeerAccessAlreadyEnabled),
    STATUS(cudaErrorPeerAccessNotEnabled),
    STATUS(cudaErrorSetOnActiveProcess),
    STATUS(cudaErrorContextIsDestroyed),
    STATUS(cudaErrorAssert),
    STATUS(cudaErrorTooManyPeers),
    STATUS(cudaErrorHostMemoryAlreadyRegistered),
    STATUS(cudaErrorHostMemoryNotRegistered),
    STATUS(cudaErrorHardwareStackError),
    STATUS(cudaErrorIllegalInstruction),
    STATUS(cudaErrorMisalignedAddress),
    STATUS(cudaErrorInvalidAddressSpace),
    STATUS(cudaErrorInvalidPc),
    STATUS(cudaErrorLaunchFailure),
    STATUS(cudaErrorCooperativeLaunchTooLarge),
    STATUS(cudaErrorTensorMemoryLeak),
    STATUS(cudaErrorNotPermitted),
    STATUS(cudaErrorNotSupported),
    STATUS(cudaErrorSystemNotReady),
    STATUS(cudaErrorSystemDriverMismatch),
    STATUS(cudaErrorCompatNotSupportedOnDevice),
    STATUS(cudaErrorMpsConnectionFailed),
    STATUS(cudaErrorMpsRpcFailure),
    STATUS(cudaErrorMpsServerNotReady),
    STATUS(cudaErrorMpsMaxClientsReached),
    STATUS(cudaErrorMpsMaxConnectionsReached),
    STATUS(cudaErrorMpsClientTerminated),
    STATUS(cudaErrorCdpNotSupported),
    STATUS(cudaErrorCdpVersionMismatch),
    STATUS(cudaErrorStreamCaptureUnsupported),
    STATUS(cudaErrorStreamCaptureInvalidated),
    STATUS(cudaErrorStreamCaptureMerge),
    STATUS(cudaErrorStreamCaptureUnmatched),
    STATUS(cudaErrorStreamCaptureUnjoined),
    STATUS(cudaErrorStreamCaptureIsolation),
    STATUS(cudaErrorStreamCaptureImplicit),
    STATUS(cudaErrorCapturedEvent),
    STATUS(cudaErrorStreamCaptureWrongThread),
    STATUS(cudaErrorTimeout),
    STATUS(cudaErrorGraphExecUpdateFailure),
    STATUS(cudaErrorExternalDevice),
    STATUS(cudaErrorInvalidClusterSize),
    STATUS(cudaErrorFunctionNotLoaded),
    STATUS(cudaErrorInvalidResourceType),
    STATUS(cudaErrorInvalidResourceConfiguration),
    STATUS(cudaErrorUnknown),
};
#undef STATUS

const std::map<cudaError_t, Text>& texts() {
  static const std::map<cudaError_t, Text> all = [] {
    std::map<cudaError_t, Text> made;
    for (const auto& [status, name] : names) {
      const auto known = known_words.find(status);
      made[status] = {name, known != known_words.end() ? known->second : words_of(name)};
    }
    return made;
  }();
  return all;
}

}  // namespace

extern "C" {

const char* cudaGetErrorName(cudaError_t error) {
  const auto found = texts().find(error);
  return found == texts().end() ? "unrecognized error code" : found->second.name.c_str();
}

const char* cudaGetErrorString(cudaError_t error) {
  const auto found = texts().find(error);
  return found == texts().end() ? "unrecognized error code" : found->second.words.c_str();
}

cudaError_t cudaGetLastError() { return Runtime::get().take_last_error(); }
cudaError_t cudaPeekAtLastError() { return Runtime::get().peek_last_error(); }

}  // extern "C"

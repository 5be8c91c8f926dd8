// How a runtime call says no: its status, why, and whether a checker should hear of it.
#pragma once
#include <driver_types.h>

#include <optional>
#include <string>
#include <utility>

#include "harness/simt/check/finding.h"

namespace moe::simt {

// Thrown by the body of a runtime call; the call returns `status`.
struct ApiError {
  cudaError_t status = cudaErrorUnknown;
  std::string reason;            // printed when a feature is refused; else the finding's message
  std::optional<Check> finding;  // a mistake of the program, recorded as a finding
  bool refused = false;          // the interpreter cannot do this, though a device could
};

// Something a real device may do but the simulated one does not: the reason is printed.
inline ApiError refusal(std::string reason, cudaError_t status = cudaErrorNotSupported) {
  return {status, std::move(reason), std::nullopt, true};
}

// A mistake that a real device answers with `status` (or not at all): recorded as a finding.
inline ApiError mistake(Check check, cudaError_t status, std::string reason) {
  return {status, std::move(reason), check, false};
}

}  // namespace moe::simt

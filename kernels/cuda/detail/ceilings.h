// The most this device has been seen to do: what the roof of a result is made of.
#pragma once
#include <optional>

#include "kernels/contract/device.h"
#include "kernels/contract/shape.h"

namespace moe::cuda {

// Bandwidth by copying a gibibyte within the device (read and written), operations by cuBLASLt's
// product of two matrices of 8192 x 8192; the median of five each. Nothing on a simulated device,
// and for formats the library does not multiply here. Waits for the device.
std::optional<Ceilings> ceilings(DType dtype);

}  // namespace moe::cuda

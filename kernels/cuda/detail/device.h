// The one device of this process, behind the contract's interface.
#pragma once
#include "kernels/contract/device.h"

namespace moe::cuda {

Device& device();

// It is the interpreter's: it counts, it has neither time nor caches, and it runs work as it comes.
bool is_simulated();

}  // namespace moe::cuda

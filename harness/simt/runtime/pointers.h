// What an address is to the simulated device.
#pragma once
#include <cstdint>
#include <string>

#include "harness/simt/runtime/runtime.h"

namespace moe::simt {

// The live allocation the address lies in, or null: then it is the host's own, or nobody's.
Allocation* live_allocation(Runtime& runtime, const void* pointer);

// The allocation, live or freed, that the address lies in, or a little behind: what a program meant
// that ran past its end. Null otherwise.
Allocation* allocation_meant(Runtime& runtime, const void* pointer);

// `12 bytes into allocation 3 (cudaMalloc, 64 bytes)`, for messages.
std::string place_of(Runtime& runtime, const void* pointer);

// Throws ApiError with a finding unless [pointer, pointer + bytes) lies in one live allocation.
// `role` is how messages name it: "the destination".
Allocation& need_device_range(Runtime& runtime, const void* pointer, std::size_t bytes,
                              const char* role);

}  // namespace moe::simt

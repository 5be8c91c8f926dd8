// A checked product as work for a stream.
#pragma once
#include "harness/simt/runtime/cublaslt/problem.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt::lt {

// When run, the work checks that every range lies in its allocation and every input was written
// (findings; cudaErrorInvalidValue where it cannot go on), computes, and leaves the workspace full
// of garbage. Host scalars are read now. Throws ApiError where they are on the device.
Work make_work(Runtime& runtime, const Problem& problem, const Pointers& pointers);

}  // namespace moe::simt::lt

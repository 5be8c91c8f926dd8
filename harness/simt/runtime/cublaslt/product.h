// The product itself, on the host, in double.
#pragma once
#include "harness/simt/runtime/cublaslt/problem.h"

namespace moe::simt::lt {

// alpha, beta and scales are read; every pointer is known to be good. Sums are made in double and
// each element of D is rounded once. GELU is the tanh form, as cuBLASLt's.
void compute(const Problem& problem, const Pointers& pointers);

}  // namespace moe::simt::lt

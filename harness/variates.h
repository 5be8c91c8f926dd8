#pragma once
#include <vector>

#include "harness/random.h"

namespace moe::harness {

// One draw of the standard normal distribution.
double normal(Draws& draws);

// The logarithm of one draw of Gamma(shape, 1), shape > 0. As a logarithm, because a draw of
// Gamma(0.01) is often too small for a double.
double log_gamma_variate(double shape, Draws& draws);

// One draw of the symmetric Dirichlet distribution: n proportions that sum to 1. A small alpha
// gives a few large ones, a large alpha even ones.
std::vector<double> dirichlet(std::int64_t n, double alpha, Draws& draws);

}  // namespace moe::harness

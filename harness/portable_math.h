#pragma once

namespace moe::harness {

// Logarithm and exponential from IEEE 754 basic operations only. The C library's differ in the last
// bits between versions; these give the same bits from every compiler, so that a seed means the
// same workload everywhere. Relative error below 1e-12 (in truth a few units in the last place).

// Natural logarithm of a positive, finite x.
double portable_log(double x);

// e^x; 0 below -745, infinity above 709.78.
double portable_exp(double x);

}  // namespace moe::harness

// Integer arithmetic exactly; floating point within the errors the CUDA C++ programming guide lists
// ("Mathematical Functions", maximum error in units in the last place).
#include <cstring>

#include "harness/simt/cuda_tests/kernels/arithmetic.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::arithmetic {
namespace {

constexpr int kCount = 70;

std::string integers() {
  Numbers numbers(51);
  std::vector<std::uint64_t> v(kCount);
  for (auto& each : v) each = numbers.bits() >> numbers.below(60);
  v[0] = 0;
  v[1] = ~0ull;
  v[2] = 1ull << 63;
  v[3] = 0x80000000u;
  DeviceArray<std::uint64_t> x(v), out(kernels::kIntegerFunctions * kCount);
  kernels::integer_functions<<<1, 96>>>(x, kCount, out);
  finish_launch();
  std::vector<std::uint64_t> want;
  for (int k = 0; k < kernels::kIntegerFunctions; ++k) {
    for (int i = 0; i < kCount; ++i) {
      want.push_back(kernels::integer_function(k, v[i], v[(i + 1) % kCount]));
    }
  }
  return same(out.get(), want);
}

unsigned reversed_bits(unsigned a) {
  unsigned out = 0;
  for (int i = 0; i < 32; ++i) out |= (a >> i & 1u) << (31 - i);
  return out;
}

unsigned byte_of(unsigned a, int i) { return a >> (8 * i) & 0xffu; }

std::string bits() {
  Numbers numbers(52);
  std::vector<unsigned> v(kCount);
  for (auto& each : v) each = static_cast<unsigned>(numbers.bits() >> (32 + numbers.below(32)));
  v[0] = 0;
  v[1] = ~0u;
  DeviceArray<unsigned> x(v), out(8 * kCount);
  kernels::bit_functions<<<1, 96>>>(x, kCount, out);
  finish_launch();
  std::vector<unsigned> want(8 * kCount);
  for (int i = 0; i < kCount; ++i) {
    const unsigned a = v[i], b = v[(i + 1) % kCount];
    want[0 * kCount + i] = static_cast<unsigned>(__builtin_popcount(a));
    want[1 * kCount + i] = a == 0 ? 32u : static_cast<unsigned>(__builtin_clz(a));
    want[2 * kCount + i] = static_cast<unsigned>(__builtin_ffs(static_cast<int>(a)));
    want[3 * kCount + i] = reversed_bits(a);
    want[4 * kCount + i] = static_cast<unsigned>(std::uint64_t{a} * b >> 32);
    // Bytes 0..3 are a's, 4..7 b's; selected, from the lowest: 3, 5, 0, 6.
    want[5 * kCount + i] =
        byte_of(a, 3) | byte_of(b, 1) << 8 | byte_of(a, 0) << 16 | byte_of(b, 2) << 24;
    want[6 * kCount + i] = b << 11 | a >> 21;  // of b:a, shifted left
    unsigned dot = 100;
    for (int k = 0; k < 4; ++k) dot += byte_of(a, k) * byte_of(b, k);
    want[7 * kCount + i] = dot;
  }
  return same(out.get(), want);
}

// Units in the last place of f32 that each function may be off, rounded up, and what the argument's
// own multiplication by 3 adds where there is one.
constexpr double kFloatErrors[kernels::kFloatFunctions] = {2, 2, 1, 1, 4, 4, 3, 3,
                                                           5, 1, 1, 3, 1, 1, 8, 1};

std::string floats() {
  const std::vector<float> v = Numbers(53).floats(kCount);
  DeviceArray<float> x(v), out(kernels::kFloatFunctions * kCount);
  kernels::float_functions<<<1, 96>>>(x, kCount, out);
  finish_launch();
  std::vector<double> want, bound;
  for (int k = 0; k < kernels::kFloatFunctions; ++k) {
    for (int i = 0; i < kCount; ++i) {
      const double value = kernels::float_function(k, v[i]);
      want.push_back(value);
      // The host's own function is off by up to one more; where terms cancel the terms count.
      bound.push_back((kFloatErrors[k] + 1) * 2 * kFloatUnit * std::fmax(std::fabs(value), 0.5));
    }
  }
  return near(out.get(), want, bound);
}

std::string doubles() {
  Numbers numbers(54);
  std::vector<double> v(kCount), want, bound;
  for (auto& each : v) each = numbers.uniform() * 3 + 1e-9;
  DeviceArray<double> x(v), out(4 * kCount);
  kernels::double_functions<<<1, 96>>>(x, kCount, out);
  finish_launch();
  for (int k = 0; k < 4; ++k) {
    for (double each : v) {
      want.push_back(k == 0   ? std::exp(each)
                     : k == 1 ? 1.0 / each
                     : k == 2 ? std::sqrt(std::fabs(each))
                              : std::fma(each, 3.0, 0.1));
      bound.push_back(k == 0 ? 2 * 2.3e-16 * want.back() : 0);  // the others round correctly
    }
  }
  return near(out.get(), want, bound);
}

std::string halves() {
  Numbers numbers(55);
  std::vector<__half2> h(kCount);
  std::vector<__nv_bfloat162> b(kCount);
  for (auto& each : h) each = __floats2half2_rn(numbers.uniform(), numbers.uniform());
  for (auto& each : b) each = __floats2bfloat162_rn(numbers.uniform(), numbers.uniform());
  DeviceArray<__half2> dh(h);
  DeviceArray<__nv_bfloat162> db(b);
  DeviceArray<float> out(6 * kCount);
  kernels::half_functions<<<1, 96>>>(dh, db, kCount, out);
  finish_launch();
  auto low = [&](int i) { return __half2float(__low2half(h[i % kCount])); };
  auto high = [&](int i) { return __half2float(__high2half(h[i % kCount])); };
  auto rounded = [](float x) { return __half2float(__float2half_rn(x)); };
  std::vector<float> want(6 * kCount);
  for (int i = 0; i < kCount; ++i) {
    // Sums and products of two halves are exact in f32: one rounding, as in hardware.
    want[0 * kCount + i] = rounded(low(i) + low(i + 1));
    want[1 * kCount + i] = rounded(high(i) * high(i + 1));
    want[2 * kCount + i] = std::fmax(low(i), low(i + 1));
    const float x = __bfloat162float(__high2bfloat16(b[i]));
    const float y = __bfloat162float(__high2bfloat16(b[(i + 1) % kCount]));
    want[3 * kCount + i] =
        __bfloat162float(__double2bfloat16(std::fma(double{x}, double{y}, double{x})));
    want[4 * kCount + i] = rounded(want[0 * kCount + i] * 1.001f);
    want[5 * kCount + i] = low(i) < high(i) ? 1.0f : 0.0f;
  }
  return same(out.get(), want);
}

}  // namespace

Cases cases() {
  return {{"IntegerArithmetic", {}, {}, integers},
          {"BitFunctions", {}, {}, bits},
          {"FloatFunctions", {}, {}, floats},
          {"DoubleFunctions", {}, {}, doubles},
          {"HalfFunctions", {}, {}, halves}};
}

}  // namespace moe::simt::cuda_tests::arithmetic

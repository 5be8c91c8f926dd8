// One mma.sync of each type against a plain product, and the matrix moves against their definition.
#include <cuda_fp8.h>

#include <cstring>

#include "harness/simt/cuda_tests/kernels/tiles.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::tile {
namespace {

// A [16, depth] times B [8, depth]^T by `kernel`; `make` gives an element, `as_double` its value.
// The sum of `depth` exact products may round or truncate at each step.
template <int kDepth, class T, class Out, class Make, class AsDouble>
std::string one_product(void (*kernel)(const T*, const T*, Out*), Make&& make,
                        AsDouble&& as_double) {
  std::vector<T> a(16 * kDepth), b(8 * kDepth);
  for (T& x : a) x = make();
  for (T& x : b) x = make();
  DeviceArray<T> da(a), db(b);
  DeviceArray<Out> d(16 * 8);
  kernel<<<1, 32>>>(da, db, d);
  finish_launch();
  const Product want = product(a, b, 16, 8, kDepth, 2 * kFloatUnit, as_double);
  return near(d.get(), want.value, want.bound);
}

std::string f16() {
  Numbers numbers(61);
  return one_product<16>(
      kernels::product_f16, [&] { return __float2half(numbers.uniform()); },
      [](__half x) { return double{__half2float(x)}; });
}
std::string bf16() {
  Numbers numbers(62);
  return one_product<16>(
      kernels::product_bf16, [&] { return __float2bfloat16(numbers.uniform()); }, to_double);
}
std::string tf32() {
  Numbers numbers(63);
  return one_product<8>(
      kernels::product_tf32,
      [&] {
        return static_cast<float>(numbers.below(2048) - 1024) / 512;
      },  // 11 bits: exact in tf32
      [](float x) { return double{x}; });
}
std::string s8() {
  Numbers numbers(64);
  return one_product<32>(
      kernels::product_s8, [&] { return static_cast<signed char>(numbers.below(256) - 128); },
      [](signed char x) { return double(x); });
}
std::string e4m3() {
  Numbers numbers(65);
  return one_product<32>(
      kernels::product_e4m3,
      [&] { return __nv_cvt_float_to_fp8(numbers.uniform(), __NV_SATFINITE, __NV_E4M3); },
      [](unsigned char x) {
        return double{__half2float(__half(__nv_cvt_fp8_to_halfraw(x, __NV_E4M3)))};
      });
}

std::string f16_in_f16() {
  Numbers numbers(66);
  std::vector<__half> a(16 * 16), b(8 * 16);
  for (auto& x : a) x = __float2half(numbers.uniform());
  for (auto& x : b) x = __float2half(numbers.uniform());
  DeviceArray<__half> da(a), db(b);
  DeviceArray<__half2> d(16 * 4);
  kernels::product_f16_in_f16<<<1, 32>>>(da, db, d);
  finish_launch();
  std::vector<double> got;
  for (__half2 pair : d.get()) {
    got.push_back(__half2float(__low2half(pair)));
    got.push_back(__half2float(__high2half(pair)));
  }
  const double half_unit = 1.0 / 2048;
  const Product want =
      product(a, b, 16, 8, 16, half_unit, [](__half x) { return double{__half2float(x)}; });
  return near(got, want.value, want.bound);
}

// ---- moves -------------------------------------------------------------------------------------

// x[m][row][column] of four 8 x 8 matrices of 16 bits.
std::vector<std::uint16_t> elements(std::uint64_t seed) {
  Numbers numbers(seed);
  std::vector<std::uint16_t> x(4 * 64);
  for (auto& each : x) each = static_cast<std::uint16_t>(numbers.bits());
  return x;
}

// Lane l holds of matrix m the elements (l / 4, l % 4 * 2) and the one right of it; transposed, it
// holds (l % 4 * 2, l / 4) and the one below it. PTX ISA 9.0, ldmatrix.
std::vector<std::uint32_t> fragments(const std::vector<std::uint16_t>& x, bool transposed) {
  std::vector<std::uint32_t> out;
  for (int lane = 0; lane < 32; ++lane) {
    for (int m = 0; m < 4; ++m) {
      auto at = [&](int row, int column) -> std::uint32_t { return x[m * 64 + row * 8 + column]; };
      const int i = lane / 4, j = lane % 4 * 2;
      out.push_back(transposed ? at(j, i) | at(j + 1, i) << 16 : at(i, j) | at(i, j + 1) << 16);
    }
  }
  return out;
}

template <bool kTransposed>
std::string load_matrices() {
  const std::vector<std::uint16_t> x = elements(67);
  std::vector<uint4> rows(32);
  std::memcpy(rows.data(), x.data(), 512);
  DeviceArray<uint4> dx(rows);
  DeviceArray<std::uint32_t> out(128);
  kernels::load_four_matrices<kTransposed><<<1, 32>>>(dx, out);
  finish_launch();
  return same(out.get(), fragments(x, kTransposed));
}

template <bool kTransposed>
std::string store_matrices() {
  const std::vector<std::uint16_t> x = elements(68);
  DeviceArray<std::uint32_t> dx(fragments(x, kTransposed));
  DeviceArray<uint4> out(32);
  kernels::store_four_matrices<kTransposed><<<1, 32>>>(dx, out);
  finish_launch();
  std::vector<std::uint16_t> got(256);
  std::memcpy(got.data(), out.get().data(), 512);
  return same(got, x);
}

}  // namespace

Cases cases() {
  return {{"MmaF16", {}, {}, f16},
          {"MmaBf16", {}, {}, bf16},
          {"MmaTf32", {}, {}, tf32},
          {"MmaS8", {}, {}, s8},
          {"MmaE4m3", Needs::kAda, {}, e4m3},
          {"MmaF16InF16", {}, {}, f16_in_f16},
          {"LoadMatrices", {}, {}, load_matrices<false>},
          {"LoadMatricesTransposed", {}, {}, load_matrices<true>},
          {"StoreMatrices", Needs::kHopper, {}, store_matrices<false>},
          {"StoreMatricesTransposed", Needs::kHopper, {}, store_matrices<true>}};
}

}  // namespace moe::simt::cuda_tests::tile

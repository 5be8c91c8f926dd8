// For the tests of the sm_90a products: a grouped product with rows nobody may read or write, and
// what its result must be, in double.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/product_hopper.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"

namespace moe::cuda::testing {

struct ProductCase {
  DType dtype = DType::kBf16;
  std::vector<int> rows;  // of each expert
  int columns = 128;
  int depth = 64;
  Epilogue epilogue = Epilogue::kStore;
  DType c_type = DType::kF32;
  bool gather = false;   // rows of A in another order, some more than once, some empty
  bool odd_c = false;    // rows of C begin at odd elements
  int blocks = 1000000;  // no more than this
  bool large = false;    // run in a few orders only
};

// ---- numbers -----------------------------------------------------------------------------------

inline int bytes_of(DType t) {
  if (t == DType::kE4m3) return 1;
  return t == DType::kBf16 || t == DType::kF16 ? 2 : 4;
}
// Half a unit in the last place, relative.
inline double rounding_unit(DType t) {
  if (t == DType::kF32) return std::ldexp(1.0, -24);
  return t == DType::kBf16 ? std::ldexp(1.0, -8) : std::ldexp(1.0, -11);
}
// x as the bytes of one element.
inline std::uint32_t encoded(DType t, float x) {
  switch (t) {
    case DType::kBf16: {
      const auto raw = static_cast<__nv_bfloat16_raw>(__float2bfloat16(x));
      return raw.x;
    }
    case DType::kF16:
      return static_cast<__half_raw>(__float2half(x)).x;
    case DType::kE4m3:
      return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
    case DType::kTf32: {
      std::uint32_t bits;
      std::memcpy(&bits, &x, 4);
      return (bits + 0x1000u) & ~0x1fffu;
    }
    default: {
      std::uint32_t bits;
      std::memcpy(&bits, &x, 4);
      return bits;
    }
  }
}
inline double decoded(DType t, std::uint32_t bits) {
  switch (t) {
    case DType::kBf16:
      bits <<= 16;
      break;
    case DType::kF16: {
      __half_raw raw;
      raw.x = static_cast<std::uint16_t>(bits);
      return __half2float(__half(raw));
    }
    case DType::kE4m3: {
      const auto raw = __nv_cvt_fp8_to_halfraw(static_cast<std::uint8_t>(bits), __NV_E4M3);
      return __half2float(__half(raw));
    }
    default:
      break;
  }
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

// Elements of a type, as bytes.
struct Elements {
  DType type;
  std::vector<std::uint8_t> bytes;
  Elements(DType t, std::int64_t count)
      : type(t), bytes(static_cast<std::size_t>(count * bytes_of(t))) {}
  void set(std::int64_t i, float x) {
    const std::uint32_t bits = encoded(type, x);
    std::memcpy(&bytes[static_cast<std::size_t>(i * bytes_of(type))], &bits,
                static_cast<std::size_t>(bytes_of(type)));
  }
  double get(std::int64_t i) const {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &bytes[static_cast<std::size_t>(i * bytes_of(type))],
                static_cast<std::size_t>(bytes_of(type)));
    return decoded(type, bits);
  }
};

// ---- the problem -------------------------------------------------------------------------------

inline constexpr float kSentinel = -96.0f;  // in C before the product

class Problem {
 public:
  explicit Problem(const ProductCase& c);
  // Runs `launch` on the device; what is wrong with C, or nothing.
  template <class Launch>
  std::string run(Launch&& launch) const;

 private:
  void expect_rows();
  void finish_row(int slot, int token, const std::vector<double>& sum,
                  const std::vector<double>& off);
  std::string compare(const Elements& got) const;

  ProductCase case_;
  std::int64_t slots_ = 0, a_rows_ = 0, stride_ = 0, c_columns_ = 0, c_stride_ = 0;
  std::vector<std::int32_t> begin_, a_row_, token_;
  std::vector<float> weight_, a_scale_, b_scale_;
  Elements a_{DType::kF32, 0}, b_{DType::kF32, 0};
  std::vector<double> want_, bound_;  // of each element of C; an infinite bound: untouched
};

inline Problem::Problem(const ProductCase& c) : case_(c) {
  Numbers numbers(31 + static_cast<std::uint64_t>(c.columns * 1000 + c.depth));
  const int experts = static_cast<int>(c.rows.size()), bytes = bytes_of(c.dtype);
  std::int64_t most = 0;
  for (int e = 0; e < experts; ++e) {
    begin_.push_back(static_cast<std::int32_t>(slots_));
    slots_ += c.rows[e] + e % 2 * 3;  // slots of nobody
    most += c.rows[e];
  }
  slots_ += 2;
  a_rows_ = c.gather ? most / 2 + 3 : slots_;
  stride_ = (c.depth * bytes + 15) / 16 * 16 / bytes + 16 / bytes;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  a_ = Elements(c.dtype, a_rows_ * stride_);
  b_ = Elements(c.dtype, experts * static_cast<std::int64_t>(c.columns) * stride_);
  const float largest = c.dtype == DType::kE4m3 ? 16.0f : 1.0f;
  auto fill = [&](Elements& m, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows * stride_; ++i) {
      m.set(i, i % stride_ < c.depth ? numbers.uniform() * largest : nan);
    }
  };
  fill(a_, a_rows_);
  fill(b_, experts * static_cast<std::int64_t>(c.columns));
  for (std::int64_t s = 0; s < slots_; ++s) {
    a_row_.push_back(numbers.below(7) == 0 ? -1 : numbers.below(static_cast<int>(a_rows_)));
    token_.push_back(numbers.below(9) == 0 ? -1 : numbers.below(static_cast<int>(slots_)));
    weight_.push_back(numbers.uniform());
  }
  for (std::int64_t i = 0; i < a_rows_; ++i) a_scale_.push_back(0.03f + numbers.uniform() * 0.01f);
  for (int i = 0; i < experts * c.columns; ++i) {
    b_scale_.push_back(0.05f + numbers.uniform() * 0.02f);
  }
  c_columns_ = c.epilogue == Epilogue::kSwiglu ? c.columns / 2 : c.columns;
  c_stride_ = c.odd_c ? c_columns_ + 1 - c_columns_ % 2 : (c_columns_ + 7) / 8 * 8 + 8;
  want_.assign(static_cast<std::size_t>(slots_ * c_stride_),
               c.epilogue == Epilogue::kScatterAdd ? 0.0 : static_cast<double>(kSentinel));
  bound_.assign(want_.size(), 0.0);
  expect_rows();
}

// The sums of f32 are off by at most depth * 2^-23 * sum |a b| in any order, also where products
// are cut off rather than rounded (Higham, section 3.1).
inline void Problem::expect_rows() {
  const auto& c = case_;
  const bool scaled = c.dtype == DType::kE4m3;
  // Untouched by the product: NaN where slots have no owner.
  std::vector<double> sum(c.columns), off(c.columns);
  for (std::size_t e = 0; e < c.rows.size(); ++e) {
    for (int slot = begin_[e]; slot < begin_[e] + c.rows[e]; ++slot) {
      const std::int64_t row = c.gather ? a_row_[slot] : slot;
      for (int n = 0; n < c.columns; ++n) {
        const std::int64_t b_row = static_cast<std::int64_t>(e) * c.columns + n;
        double value = 0, magnitude = 0;
        for (int k = 0; k < c.depth && row >= 0; ++k) {
          const double term = a_.get(row * stride_ + k) * b_.get(b_row * stride_ + k);
          value += term;
          magnitude += std::fabs(term);
        }
        const double scale =
            scaled && row >= 0 ? static_cast<double>(a_scale_[row]) * b_scale_[b_row] : 1.0;
        sum[n] = value * scale;
        off[n] = c.depth * std::ldexp(1.0, -23) * magnitude * scale +
                 (scaled ? std::ldexp(3.0, -24) * std::fabs(sum[n]) : 0.0);
      }
      finish_row(slot, token_[slot], sum, off);
    }
  }
}

inline void Problem::finish_row(int slot, int token, const std::vector<double>& sum,
                                const std::vector<double>& off) {
  const double unit = std::ldexp(1.0, -24);
  if (case_.epilogue == Epilogue::kScatterAdd) {
    if (token < 0) return;
    for (int n = 0; n < case_.columns; ++n) {
      const std::size_t at = static_cast<std::size_t>(token * c_stride_ + n);
      const double w = weight_[slot], term = w * sum[n];
      want_[at] += term;
      // Each product is rounded once, each of fewer than 1000 additions to an element once.
      bound_[at] += std::fabs(w) * off[n] + 1000 * unit * (std::fabs(term) + std::fabs(w) * off[n]);
    }
    return;
  }
  for (std::int64_t n = 0; n < c_columns_; ++n) {
    double value = sum[n], bound = off[n];
    if (case_.epilogue == Epilogue::kSwiglu) {
      const double g = sum[2 * n], u = sum[2 * n + 1], dg = off[2 * n], du = off[2 * n + 1];
      const double silu = g / (1 + std::exp(-g));
      value = silu * u;
      // |silu'| < 1.1; the exponential is right to 2 ulp, three more operations round.
      bound = 1.1 * dg * (std::fabs(u) + du) + std::fabs(silu) * du + 8 * unit * std::fabs(value);
    }
    const double tiny = case_.c_type == DType::kF16 ? std::ldexp(1.0, -25) : 1e-30;
    const double stored =
        case_.c_type == DType::kF32 ? 0 : rounding_unit(case_.c_type) * (std::fabs(value) + bound);
    want_[static_cast<std::size_t>(slot * c_stride_ + n)] = value;
    bound_[static_cast<std::size_t>(slot * c_stride_ + n)] = bound + stored + tiny;
  }
}

inline std::string Problem::compare(const Elements& got) const {
  for (std::size_t i = 0; i < want_.size(); ++i) {
    const double x = got.get(static_cast<std::int64_t>(i));
    if (!(std::fabs(x - want_[i]) <= bound_[i])) {
      const auto at = static_cast<std::int64_t>(i);
      return "C[" + std::to_string(at / c_stride_) + ", " + std::to_string(at % c_stride_) +
             "] is " + std::to_string(x) + ", not " + std::to_string(want_[i]) +
             ", off by more than " + std::to_string(bound_[i]);
    }
  }
  return {};
}

template <class Launch>
std::string Problem::run(Launch&& launch) const {
  const auto& c = case_;
  DeviceArray<std::uint8_t> a(a_.bytes), b(b_.bytes);
  DeviceArray<std::int32_t> begin(begin_), count(c.rows), a_row(a_row_), token(token_);
  DeviceArray<float> weight(weight_), a_scale(a_scale_), b_scale(b_scale_);
  const DType c_type = c.epilogue == Epilogue::kScatterAdd ? DType::kF32 : c.c_type;
  Elements out(c_type, static_cast<std::int64_t>(want_.size()));
  for (std::size_t i = 0; i < want_.size(); ++i) {
    out.set(static_cast<std::int64_t>(i), c.epilogue == Epilogue::kScatterAdd ? 0.0f : kSentinel);
  }
  DeviceArray<std::uint8_t> result(out.bytes);
  GroupedProduct p;
  p.dtype = c.dtype;
  p.a = a.data();
  p.a_rows = a_rows_;
  p.a_stride = p.b_stride = stride_;
  p.b = b.data();
  if (c.dtype == DType::kE4m3) p.a_scale = a_scale, p.b_scale = b_scale;
  if (c.gather) p.a_row = a_row;
  p.experts = static_cast<int>(c.rows.size());
  p.columns = c.columns;
  p.depth = c.depth;
  p.begin = begin;
  p.count = count;
  p.most_rows = slots_;
  p.epilogue = c.epilogue;
  p.c = result.data();
  p.c_type = c_type;
  p.c_stride = c_stride_;
  p.token_of_slot = token;
  p.weight_of_slot = weight;
  launch(p, std::min(c.blocks, hopper_blocks(p)), stream());
  check(cudaStreamSynchronize(stream()));
  out.bytes = result.get();
  return compare(out);
}

// ---- the cases of both kernels -----------------------------------------------------------------

struct NamedCase {
  const char* name;
  ProductCase product;
};
inline void PrintTo(const NamedCase& c, std::ostream* out) { *out << c.name; }

inline std::vector<NamedCase> product_cases() {
  using enum Epilogue;
  using enum DType;
  return {
      {"OneTile", {.rows = {128}}},
      {"FewBlocksRefillTheirRing",
       {.rows = {65, 1, 0, 16, 127}, .columns = 33, .depth = 200, .blocks = 2}},
      {"LargeGroup", {.rows = {300}, .columns = 260, .depth = 136, .blocks = 4, .large = true}},
      {"SwigluBf16",
       {.rows = {17, 0, 63}, .columns = 130, .depth = 100, .epilogue = kSwiglu, .c_type = kBf16}},
      {"SwigluF32", {.rows = {129}, .columns = 8, .depth = 8, .epilogue = kSwiglu}},
      {"SwigluOddC",
       {.rows = {3}, .columns = 2, .epilogue = kSwiglu, .c_type = kF16, .odd_c = true}},
      {"Bf16", {.rows = {64, 65}, .columns = 130, .depth = 19, .c_type = kBf16}},
      {"F16OddC",
       {.dtype = kF16, .rows = {64}, .columns = 33, .depth = 19, .c_type = kF16, .odd_c = true}},
      {"Tf32", {.dtype = kTf32, .rows = {16, 70}, .columns = 8, .depth = 100, .c_type = kTf32}},
      {"E4m3", {.dtype = kE4m3, .rows = {63, 1, 66}, .columns = 33, .depth = 300}},
      {"E4m3GatheredSwiglu",
       {.dtype = kE4m3,
        .rows = {70, 5},
        .columns = 34,
        .depth = 136,
        .epilogue = kSwiglu,
        .c_type = kBf16,
        .gather = true}},
      {"Scattered", {.rows = {17, 5}, .columns = 130, .epilogue = kScatterAdd}},
      {"ScatteredOddC",
       {.rows = {66},
        .columns = 33,
        .depth = 8,
        .epilogue = kScatterAdd,
        .gather = true,
        .odd_c = true}},
      {"GatheredByFewBlocks",
       {.rows = {70, 0, 30, 1, 129, 0, 48, 2},
        .columns = 130,
        .depth = 136,
        .gather = true,
        .blocks = 5,
        .large = true}},
      {"GatheredTf32", {.dtype = kTf32, .rows = {20}, .columns = 8, .depth = 19, .gather = true}},
  };
}

// Declares the tests of one kernel.
class ProductTest : public ::testing::TestWithParam<NamedCase> {
 protected:
  void SetUp() override {
    if (!device_traits().has_wgmma()) GTEST_SKIP() << "wgmma is of compute capability 9.0";
  }
  template <class Launch>
  static void expect_product(const ProductCase& c, Launch&& launch) {
    const Problem problem(c);
    expect_right([&] { return problem.run(launch); },
                 c.large ? simt::cuda_tests::few_ways() : some_ways());
  }
};
inline std::string name_of_case(const ::testing::TestParamInfo<NamedCase>& info) {
  return info.param.name;
}

}  // namespace moe::cuda::testing

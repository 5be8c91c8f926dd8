// For the tests of the grouped products: problems that look random, their result in double
// precision, and what rounding can explain.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <sstream>

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/product/product.h"
#include "kernels/cuda/product/product_cases.h"

namespace moe::cuda::testing {

// ---- number formats on the host -----------------------------------------------------------------

inline float cut_to_tf32(double x) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(x)) & 0xffffe000u);
}

// Rounds x to the type, puts its bits at `to`, and returns what it has become.
inline float put_number(DType type, float x, std::uint8_t* to) {
  const auto put = [&](auto number) {
    std::memcpy(to, &number, sizeof number);
    return static_cast<float>(number);
  };
  switch (type) {
    case DType::kBf16:
      return put(__float2bfloat16(x));
    case DType::kF16:
      return put(__float2half(x));
    case DType::kE4m3:
      return put(__nv_fp8_e4m3(x));
    case DType::kTf32:
      return put(cut_to_tf32(x));
    default:
      return put(x);
  }
}

inline double get_number(DType type, const std::uint8_t* from) {
  const auto get = [&](auto number) {
    std::memcpy(&number, from, sizeof number);
    return static_cast<double>(static_cast<float>(number));
  };
  if (type == DType::kBf16) return get(__nv_bfloat16{});
  if (type == DType::kF16) return get(__half{});
  return get(float{});
}

// ---- a matrix whose rows begin at multiples of 16 bytes
// ------------------------------------------

struct HostMatrix {
  DType type = DType::kF32;
  std::int64_t rows = 0, columns = 0, stride = 0;  // stride in elements
  std::vector<std::uint8_t> bytes = {};
  std::vector<float> value = {};  // [rows, columns], what the bits say

  // Between the rows stand NaNs, which would spoil every sum they got into.
  HostMatrix(DType t, std::int64_t r, std::int64_t c, Numbers& numbers)
      : type(t), rows(r), columns(c), stride((c * bytes_of(t) + 31) / 16 * 16 / bytes_of(t)) {
    bytes.assign(static_cast<std::size_t>(rows * stride * bytes_of(t)), 0xff);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        value.push_back(put_number(t, numbers.uniform(), &bytes[(i * stride + j) * bytes_of(t)]));
      }
    }
  }
};

// ---- a problem ----------------------------------------------------------------------------------

class ProductProblem {
 public:
  explicit ProductProblem(const ProductCase& wanted, std::uint64_t seed = 1)
      : case_(wanted),
        numbers_(seed),
        slots_(lay_out_groups()),
        a_(case_.dtype, slots_ + 3, case_.depth, numbers_),
        b_(case_.dtype, static_cast<std::int64_t>(experts()) * case_.columns, case_.depth,
           numbers_) {
    choose_rows();
    a_scale_ = scales(a_.rows);
    b_scale_ = scales(b_.rows);
    shape_of_c();
    compute();
  }

  // Uploads, launches, compares; an empty text if all is right.
  template <class Launch>
  std::string run(const Launch& launch) const {
    DeviceArray<std::uint8_t> a(a_.bytes), b(b_.bytes);
    DeviceArray<std::int32_t> a_row(a_row_), begin(begin_), count(case_.rows), token(token_);
    DeviceArray<float> a_scale(a_scale_), b_scale(b_scale_), weight(weight_);
    DeviceArray<std::uint8_t> c(c_before_);
    const bool scaled = case_.dtype == DType::kE4m3;
    launch(GroupedProduct{.dtype = case_.dtype,
                          .a = a.data(),
                          .a_rows = a_.rows,
                          .a_stride = a_.stride,
                          .a_scale = scaled ? a_scale.data() : nullptr,
                          .a_row = case_.gather ? a_row.data() : nullptr,
                          .b = b.data(),
                          .b_stride = b_.stride,
                          .b_scale = scaled ? b_scale.data() : nullptr,
                          .experts = experts(),
                          .columns = case_.columns,
                          .depth = case_.depth,
                          .begin = begin.data(),
                          .count = count.data(),
                          .most_rows = case_.few_blocks ? 1 : total_rows(),
                          .epilogue = case_.epilogue,
                          .c = c.data() + c_first_ * bytes_of(case_.c_type),
                          .c_type = case_.c_type,
                          .c_stride = c_stride_,
                          .token_of_slot = token.data(),
                          .weight_of_slot = weight.data()});
    const cudaError_t error = cudaDeviceSynchronize();
    if (error != cudaSuccess) return cudaGetErrorString(error);
    return compare(c.get());
  }

 private:
  static constexpr double kUnit = 1.0 / 16777216;  // 2^-24
  // What stands in C before, little end first: a signalling NaN, which changes when anything is
  // added to it.
  static constexpr std::uint8_t kSentinel[4] = {0xa5, 0xa5, 0xa5, 0xff};

  int experts() const { return static_cast<int>(case_.rows.size()); }
  int total_rows() const {
    int sum = 0;
    for (const int r : case_.rows) sum += r;
    return sum;
  }
  std::int64_t tokens() const { return slots_ / 2 + 1; }

  // Groups with a gap of three slots before each. Returns the number of slots.
  std::int64_t lay_out_groups() {
    std::int32_t slot = 0;
    for (const int r : case_.rows) {
      begin_.push_back(slot + 3);
      slot += 3 + r;
    }
    return slot;
  }

  void choose_rows() {
    for (std::int64_t s = 0; s < slots_; ++s) {
      const bool empty = case_.gather && s % 7 == 4;
      a_row_.push_back(empty ? -1 : numbers_.below(static_cast<int>(a_.rows)));
      token_.push_back(empty ? -1 : numbers_.below(static_cast<int>(tokens())));
      weight_.push_back(numbers_.uniform());
    }
  }
  std::vector<float> scales(std::int64_t count) {
    std::vector<float> all;
    for (std::int64_t i = 0; i < count; ++i) all.push_back(1.5f + numbers_.uniform());
    return all;
  }

  bool scatters() const { return case_.epilogue == Epilogue::kScatterAdd; }
  std::int64_t c_columns() const {
    return case_.epilogue == Epilogue::kSwiglu ? case_.columns / 2 : case_.columns;
  }
  void shape_of_c() {
    const std::int64_t rows = scatters() ? tokens() : slots_;
    const std::int64_t whole = 16 / bytes_of(case_.c_type);
    c_stride_ = (c_columns() + whole) / whole * whole + (case_.skewed ? 1 : 0);
    c_first_ = case_.skewed ? 1 : 0;
    c_before_.resize((c_first_ + rows * c_stride_) * bytes_of(case_.c_type));
    for (std::size_t i = 0; i < c_before_.size(); ++i) c_before_[i] = kSentinel[i % 4];
    if (!scatters()) return;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t n = 0; n < c_columns(); ++n) {
        put_number(DType::kF32, numbers_.uniform(), &c_before_[byte_of_c(r, n)]);
      }
    }
  }
  std::size_t byte_of_c(std::int64_t row, std::int64_t column) const {
    return (c_first_ + row * c_stride_ + column) * bytes_of(case_.c_type);
  }

  struct Sum {
    double value = 0, error = 0;
  };

  // Adding up `depth` terms in any order, each addition off by no more than a unit in the last
  // place of a partial sum (tensor cores cut off, others round, which is half of it), is off by no
  // more than depth * 2^-23 * sum |a b| (Higham, Accuracy and Stability, section 3.1; the terms
  // of the second order are less than one more term). The scales are two more roundings.
  Sum sum_of(std::int32_t slot, int expert, int column) const {
    const std::int32_t a = case_.gather ? a_row_[slot] : slot;
    if (a < 0) return {};
    const std::int64_t b = static_cast<std::int64_t>(expert) * case_.columns + column;
    Sum sum;
    double magnitude = 0;
    for (int k = 0; k < case_.depth; ++k) {
      const double term =
          static_cast<double>(a_.value[a * case_.depth + k]) * b_.value[b * case_.depth + k];
      sum.value += term;
      magnitude += std::fabs(term);
    }
    sum.error = (case_.depth + 1) * 2 * kUnit * magnitude;
    if (case_.dtype != DType::kE4m3) return sum;
    const double scale = static_cast<double>(a_scale_[a]) * b_scale_[b];
    return {sum.value * scale, sum.error * scale + 3 * kUnit * std::fabs(sum.value * scale)};
  }

  // silu has slope up to 1.1 and |silu(g)| <= |g|. Of its own roundings: the exponential is right
  // to 2 units of 2^-23, the sum, the quotient and the product to half a unit: less than 8 * 2^-24.
  static Sum swiglu_of(const Sum& gate, const Sum& up) {
    const double silu = gate.value / (1 + std::exp(-gate.value));
    const double value = silu * up.value;
    return {value, 1.1 * gate.error * (std::fabs(up.value) + up.error) +
                       std::fabs(silu) * up.error + 8 * kUnit * std::fabs(value)};
  }

  void compute() {
    want_.resize(c_before_.size());
    for (int e = 0; e < experts(); ++e) {
      for (std::int32_t s = begin_[e]; s < begin_[e] + case_.rows[e]; ++s) {
        for (std::int64_t n = 0; n < c_columns(); ++n) {
          const int column = static_cast<int>(n);
          if (scatters()) {
            add(s, column, sum_of(s, e, column));
          } else {
            const Sum sum = case_.epilogue == Epilogue::kSwiglu
                                ? swiglu_of(sum_of(s, e, 2 * column), sum_of(s, e, 2 * column + 1))
                                : sum_of(s, e, column);
            want_[byte_of_c(s, n)] = {true, sum.value, sum.error, 0, 0};
          }
        }
      }
    }
  }

  struct Want {
    bool written = false;
    double value = 0, error = 0;
    double magnitude = 0;  // of what was added up
    int additions = 0;
  };

  void add(std::int32_t slot, int column, const Sum& sum) {
    if (token_[slot] < 0) return;
    const std::size_t at = byte_of_c(token_[slot], column);
    Want& want = want_[at];
    if (!want.written) {
      want.written = true;
      want.value = get_number(DType::kF32, &c_before_[at]);
      want.magnitude = std::fabs(want.value);
    }
    const double weight = weight_[slot];
    want.value += weight * sum.value;
    want.error += std::fabs(weight) * sum.error;
    want.magnitude += std::fabs(weight) * (std::fabs(sum.value) + sum.error);
    ++want.additions;
  }

  // Half a unit in the last place of the type, and of its smallest numbers.
  double rounding(double value) const {
    const double size = std::fabs(value);
    switch (case_.c_type) {
      case DType::kBf16:
        return std::ldexp(size, -8);
      case DType::kF16:
        return std::max(std::ldexp(size, -11), std::ldexp(1.0, -25));
      case DType::kTf32:
        return std::ldexp(size, -11);
      default:
        return std::ldexp(size, -24);
    }
  }

  std::string compare(const std::vector<std::uint8_t>& got) const {
    const int bytes = bytes_of(case_.c_type);
    for (std::size_t at = 0; at < got.size(); at += bytes) {
      const Want& want = want_[at];
      if (!want.written) {
        if (std::memcmp(&got[at], &c_before_[at], bytes) == 0) continue;
        return place_of(at) + "was overwritten";
      }
      const double bound = bound_of(want);
      const double value = get_number(case_.c_type, &got[at]);
      if (case_.c_type == DType::kTf32 && static_cast<float>(value) != cut_to_tf32(value)) {
        return place_of(at) + "has more bits than tf32";
      }
      if (std::fabs(value - want.value) <= bound) continue;
      std::ostringstream wrong;
      wrong << "is " << value << ", not " << want.value << ", off by more than " << bound;
      return place_of(at) + wrong.str();
    }
    return {};
  }

  // The atomic additions: each rounds a product and a partial sum.
  double bound_of(const Want& want) const {
    const double error = want.error + (want.additions + 1) * kUnit * want.magnitude;
    return error + rounding(std::fabs(want.value) + error) + 1e-30;
  }

  std::string place_of(std::size_t byte) const {
    const std::int64_t element = static_cast<std::int64_t>(byte) / bytes_of(case_.c_type);
    const std::int64_t at = element - c_first_;
    std::ostringstream place;
    place << case_ << ": C[" << at / c_stride_ << ", " << at % c_stride_ << "] ";
    return place.str();
  }

  ProductCase case_;
  Numbers numbers_;
  std::vector<std::int32_t> begin_, a_row_, token_;
  std::int64_t slots_ = 0;
  HostMatrix a_, b_;
  std::vector<float> a_scale_, b_scale_, weight_;
  std::int64_t c_stride_ = 0, c_first_ = 0;
  std::vector<std::uint8_t> c_before_;
  std::vector<Want> want_;  // by the first byte of the element
};

// Every case in every way of running.
inline void expect_products(const std::vector<ProductCase>& cases, ProductKernel kernel,
                            const std::vector<simt::cuda_tests::Way>& ways = some_ways()) {
  for (const ProductCase& each : cases) {
    const ProductProblem problem(each);
    expect_right(
        [&] {
          return problem.run(
              [&](const GroupedProduct& p) { grouped_product(p, kernel, stream()); });
        },
        ways);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// For what does not depend on the order of work.
inline std::vector<simt::cuda_tests::Way> two_ways() {
  const auto ways = some_ways();
  return {ways.front(), ways.back()};
}

}  // namespace moe::cuda::testing

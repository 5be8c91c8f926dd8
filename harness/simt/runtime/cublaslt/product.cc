// Computes products.
#include "harness/simt/runtime/cublaslt/product.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "harness/simt/runtime/cublaslt/elements.h"

namespace moe::simt::lt {
namespace {

cudaDataType type_of(const Layout& layout) { return static_cast<cudaDataType>(layout.type); }

// Element (row, col) of matrix `batch`, counted from the first element.
std::int64_t index_of(const Layout& layout, int batch, std::int64_t row, std::int64_t col) {
  const std::int64_t inside =
      layout.order == CUBLASLT_ORDER_ROW ? row * layout.ld + col : col * layout.ld + row;
  return batch * layout.batch_stride + inside;
}

double element(const Layout& layout, const void* base, int batch, std::int64_t row,
               std::int64_t col) {
  const auto* bytes = static_cast<const std::byte*>(base);
  return load(type_of(layout),
              bytes + index_of(layout, batch, row, col) * bytes_of(type_of(layout)));
}

// op(X) of one batch as rows x cols doubles, row by row.
std::vector<double> gather(const Layout& layout, std::int32_t operation, const void* base,
                           int batch, std::int64_t rows, std::int64_t cols) {
  std::vector<double> all(static_cast<std::size_t>(rows * cols));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      all[i * cols + j] = operation == CUBLAS_OP_N ? element(layout, base, batch, i, j)
                                                   : element(layout, base, batch, j, i);
    }
  }
  return all;
}

double scalar(const Problem& problem, const void* pointer) {
  return load(static_cast<cudaDataType>(problem.desc.scale_type),
              static_cast<const std::byte*>(pointer));
}

double scale(const float* pointer) { return pointer != nullptr ? *pointer : 1.0; }

double activation(std::uint32_t epilogue, double x) {
  if (epilogue & CUBLASLT_EPILOGUE_RELU) return x < 0 ? 0.0 : x;  // NaN stays
  if (epilogue & CUBLASLT_EPILOGUE_GELU) {
    const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
    return 0.5 * x * (1 + std::tanh(inner));
  }
  return x;
}

double bias(const Problem& problem, int batch, std::int64_t row) {
  if (!problem.has_bias()) return 0;
  const auto* bytes = static_cast<const std::byte*>(problem.desc.bias);
  const std::int64_t at = batch * problem.desc.bias_batch_stride + row;
  return load(problem.bias_type, bytes + at * bytes_of(problem.bias_type));
}

// The factors around the product, read once: they may lie in device memory.
struct Factors {
  double product, c, output;
  bool uses_c;
};

// One row of D; returns the largest magnitude before D's scale.
double finish_row(const Problem& problem, const Pointers& pointers, const Factors& factors,
                  int batch, std::int64_t row, const std::vector<double>& sums) {
  double largest = 0;
  const double added = bias(problem, batch, row);
  auto* d = static_cast<std::byte*>(pointers.d);
  for (std::int64_t j = 0; j < problem.n; ++j) {
    double value = factors.product * sums[j];
    if (factors.uses_c) value += factors.c * element(problem.c, pointers.c, batch, row, j);
    value = activation(problem.desc.epilogue, value + added);
    largest = std::max(largest, std::fabs(value));
    store(type_of(problem.d), d + index_of(problem.d, batch, row, j) * bytes_of(type_of(problem.d)),
          value * factors.output);
  }
  return largest;
}

}  // namespace

void compute(const Problem& problem, const Pointers& pointers) {
  const MatmulDesc& desc = problem.desc;
  const double beta = scalar(problem, pointers.beta);
  const Factors factors{scalar(problem, pointers.alpha) * scale(desc.scale_a) * scale(desc.scale_b),
                        beta * scale(desc.scale_c), scale(desc.scale_d), beta != 0};
  double largest = 0;
  std::vector<double> sums(static_cast<std::size_t>(problem.n));
  for (int batch = 0; batch < problem.batches(); ++batch) {
    const auto a = gather(problem.a, desc.transpose_a, pointers.a, batch, problem.m, problem.k);
    const auto b = gather(problem.b, desc.transpose_b, pointers.b, batch, problem.k, problem.n);
    for (std::int64_t i = 0; i < problem.m; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::int64_t l = 0; l < problem.k; ++l) {
        const double factor = a[i * problem.k + l];
        const double* row = &b[l * problem.n];
        for (std::int64_t j = 0; j < problem.n; ++j) sums[j] += factor * row[j];
      }
      largest = std::max(largest, finish_row(problem, pointers, factors, batch, i, sums));
    }
  }
  if (desc.amax_d != nullptr) *desc.amax_d = static_cast<float>(largest);
}

}  // namespace moe::simt::lt

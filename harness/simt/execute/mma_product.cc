// Four rows by eight columns at a time, held in vector registers.
#include "harness/simt/execute/mma_product.h"

#include <cstring>

namespace moe::simt {
namespace {

using Vector = float __attribute__((vector_size(32)));

__attribute__((always_inline)) inline void multiply_tiles(const float* a, const float* b,
                                                          float* sums, int rows, int columns,
                                                          int depth) {
  for (int n = 0; n < columns; n += 8) {
    for (int m = 0; m < rows; m += 4) {
      Vector sum[4] = {};
      const float* row = a + m * depth;
      for (int k = 0; k < depth; ++k) {
        Vector right;
        std::memcpy(&right, b + k * columns + n, sizeof right);
        for (int i = 0; i < 4; ++i) sum[i] += row[i * depth + k] * right;
      }
      for (int i = 0; i < 4; ++i) {
        std::memcpy(sums + (m + i) * columns + n, &sum[i], sizeof sum[i]);
      }
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void multiply_avx2(const float* a, const float* b, float* sums,
                                                   int rows, int columns, int depth) {
  multiply_tiles(a, b, sums, rows, columns, depth);
}
const bool has_avx2 = __builtin_cpu_supports("avx2");
#endif

}  // namespace

void multiply(const float* a, const float* b, float* sums, int rows, int columns, int depth) {
#if defined(__x86_64__)
  if (has_avx2) return multiply_avx2(a, b, sums, rows, columns, depth);
#endif
  multiply_tiles(a, b, sums, rows, columns, depth);
}

}  // namespace moe::simt

// The grouped product against a plain one: an expert without rows, rows and columns that do not
// fill their tiles, fewer steps than stages.
#include "harness/simt/cuda_tests/cases/grouped_gemm_run.h"
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests::grouped_gemm {
namespace {

// 48 KiB of ring: what a kernel gets unasked.
std::string small_tiles() {
  return grouped_gemm_error<kernels::GemmTile<64, 64, 32, 32, 3>>({0, 21, 21, 90}, 72, 192);
}
std::string fewer_steps_than_stages() {
  return grouped_gemm_error<kernels::GemmTile<64, 64, 32, 32, 3>>({0, 5}, 8, 64);
}
// 96 KiB.
std::string large_tiles() {
  return grouped_gemm_error<kernels::GemmTile<128, 64, 64, 32, 4>>({0, 30, 100}, 64, 192);
}

}  // namespace

Cases cases() {
  return {{"GroupedGemm", {}, {}, small_tiles},
          {"GroupedGemmOneStep", {}, {}, fewer_steps_than_stages},
          {"GroupedGemmLargeShared", {}, {}, large_tiles}};
}

}  // namespace moe::simt::cuda_tests::grouped_gemm

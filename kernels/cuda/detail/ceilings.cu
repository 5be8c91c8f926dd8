#include <algorithm>
#include <array>

#include "kernels/cuda/detail/ceilings.h"
#include "kernels/cuda/detail/cublaslt.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/weights.h"

namespace moe::cuda {
namespace {

constexpr std::int64_t kCopyBytes = std::int64_t{1} << 30;
constexpr std::int64_t kSide = 8192;

// Nanoseconds of `work`, the median of five after one to warm up.
template <class Work>
double median_ns(const Work& work) {
  std::array<double, 5> times{};
  work();
  for (double& time : times) {
    const auto begin = device().mark();
    work();
    const auto end = device().mark();
    device().finish();
    time = device().elapsed_ns(*begin, *end);
  }
  std::nth_element(times.begin(), times.begin() + 2, times.end());
  return times[2];
}

double bytes_per_second() {
  const Buffer<std::uint8_t> from(kCopyBytes), to(kCopyBytes);
  check(cudaMemsetAsync(from.data(), 0, kCopyBytes, stream()));
  const double ns = median_ns([&] {
    check(cudaMemcpyAsync(to.data(), from.data(), kCopyBytes, cudaMemcpyDeviceToDevice, stream()));
  });
  return 2e9 * static_cast<double>(kCopyBytes) / ns;
}

// Of zeros: data decides the power a product draws, and with it its clock, so this is the upper
// end.
double flops_per_second(DType dtype) {
  const std::int64_t bytes = kSide * kSide * element_bytes(dtype);
  const Buffer<std::uint8_t> a(bytes), b(bytes), workspace(kLtWorkspaceBytes);
  const Buffer<float> c(kSide * kSide);
  check(cudaMemsetAsync(a.data(), 0, static_cast<std::size_t>(bytes), stream()));
  check(cudaMemsetAsync(b.data(), 0, static_cast<std::size_t>(bytes), stream()));
  LtProduct product({.dtype = dtype,
                     .columns = kSide,
                     .depth = kSide,
                     .a_stride = kSide,
                     .b_stride = kSide,
                     .c_stride = kSide},
                    kSide);
  const double ns =
      median_ns([&] { product.run(a.data(), b.data(), c.data(), kSide, workspace, stream()); });
  return 2e9 * static_cast<double>(kSide) * kSide * kSide / ns;
}

}  // namespace

std::optional<Ceilings> ceilings(DType dtype) {
  if (is_simulated() || cublaslt_unsupported(dtype)) return std::nullopt;
  return Ceilings{bytes_per_second(), flops_per_second(dtype)};
}

}  // namespace moe::cuda

// Uploaded weights: interleaved, padded with zeros, in the bits of the dtype.
#include "kernels/cuda/detail/weights.h"

#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/testing.h"

namespace moe::cuda {
namespace {

constexpr MoeShape kShape{.tokens = 1, .hidden = 5, .ffn = 3, .experts = 2, .top_k = 1};

// Value i of a matrix is i + 1 times `step`: exact in every dtype for these sizes, e4m3 apart.
std::vector<float> ramp(std::int64_t count, float step) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i % 16 + 1) * step);
  return values;
}
ExpertWeights weights_of(const MoeShape& s) {
  const std::int64_t n = s.experts * s.ffn * s.hidden;
  return {.gate = ramp(n, 1), .up = ramp(n, -2), .down = ramp(n, 0.5F)};
}

template <class T>
std::vector<T> host(const void* memory, std::int64_t count) {
  std::vector<T> values(count);
  check(cudaMemcpy(values.data(), memory, count * sizeof(T), cudaMemcpyDeviceToHost));
  return values;
}

template <class T>
void expect_interleaved(DType dtype, float (*to_f32)(T)) {
  MoeShape shape = kShape;
  shape.dtype = dtype;
  const ExpertWeights weights = weights_of(shape);
  const DeviceWeights device = upload_weights(shape, weights);
  const auto e4m3 = dtype == DType::kE4m3;
  const auto scale = host<float>(device.gate_up_scale.data(), device.gate_up_scale.count());
  const auto got = host<T>(device.gate_up.data(), 2 * 6 * device.gate_up_stride);
  ASSERT_EQ(device.gate_up.bytes(), static_cast<std::int64_t>(got.size() * sizeof(T)));
  EXPECT_EQ(device.gate_up_stride * sizeof(T) % 16, 0u);
  for (std::int64_t r = 0; r < 12; ++r) {
    for (std::int64_t c = 0; c < device.gate_up_stride; ++c) {
      const auto& matrix = r % 2 == 0 ? weights.gate : weights.up;
      const float want = c < shape.hidden ? matrix[r / 2 * shape.hidden + c] : 0.0F;
      const float value = to_f32(got[r * device.gate_up_stride + c]) * (e4m3 ? scale[r] : 1.0F);
      // e4m3 keeps 4 bits of a significand.
      ASSERT_LE(std::fabs(value - want), e4m3 ? std::fabs(want) / 16 : 0.0F) << r << " " << c;
    }
  }
}

TEST(UploadWeights, InterleavesGateAndUpInEveryDtype) {
  expect_interleaved<float>(DType::kF32, [](float x) { return x; });
  expect_interleaved<float>(DType::kTf32, [](float x) { return x; });
  expect_interleaved<__nv_bfloat16>(DType::kBf16,
                                    [](__nv_bfloat16 x) { return __bfloat162float(x); });
  expect_interleaved<__half>(DType::kF16, [](__half x) { return __half2float(x); });
  expect_interleaved<__nv_fp8_e4m3>(DType::kE4m3,
                                    [](__nv_fp8_e4m3 x) { return static_cast<float>(x); });
}

TEST(UploadWeights, KeepsTheOrderOfDown) {
  const ExpertWeights weights = weights_of(kShape);
  const DeviceWeights device = upload_weights(kShape, weights);
  ASSERT_EQ(device.down_stride, 4);
  const auto got = host<float>(device.down.data(), 2 * 5 * 4);
  for (std::int64_t i = 0; i < 30; ++i) EXPECT_EQ(got[i / 3 * 4 + i % 3], weights.down[i]);
  EXPECT_EQ(device.down_scale.count(), 0);
}

TEST(UploadWeights, OfE4m3AreExactWhereTheyWereRepresentable) {
  MoeShape shape = kShape;
  shape.dtype = DType::kE4m3;
  ExpertWeights weights = weights_of(shape);
  // The largest of each row is 448 times a power of two, so the scale is that power.
  weights.down = {0.875F, 0.25F, -0.0625F, 1.75F, 1.0F, 0, 0, 0, 0, 448, 2, 3, 448, -448, 16,
                  7,      -3,    2,        3.5F,  0.5F, 1, 0, 7, 1, 7,   7, 7, 7,   0,    0};
  const DeviceWeights device = upload_weights(shape, weights);
  const auto scale = host<float>(device.down_scale.data(), 10);
  const auto got = host<__nv_fp8_e4m3>(device.down.data(), 10 * device.down_stride);
  for (std::int64_t i = 0; i < 30; ++i) {
    const auto q = static_cast<float>(got[i / 3 * device.down_stride + i % 3]);
    EXPECT_EQ(q * scale[i / 3], weights.down[i]) << i;
  }
}

}  // namespace
}  // namespace moe::cuda

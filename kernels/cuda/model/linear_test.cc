#include "kernels/cuda/model/linear.h"

#include <array>
#include <cmath>

#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/model/sequences.h"

namespace moe::cuda {
namespace {

using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;

TEST(RoundedTo, Bf16TakesTheNearestEvenNumber) {
  const float u = 0x1p-8f;  // half a unit in the last place of bf16 numbers from 1 to 2
  const std::vector<float> values{1 + u, 1 + 3 * u, -1 - 1.5f * u, 0.0f};
  EXPECT_EQ(rounded_to(DType::kBf16, values),
            (std::vector<float>{1.0f, 1 + 4 * u, -1 - 2 * u, 0.0f}));
  EXPECT_EQ(rounded_to(DType::kF32, values), values);
}

TEST(UploadGateUp, RowsTakeTurns) {
  const std::vector<float> gate{1, 2, 3, 4}, up{5, 6, 7, 8};
  const DeviceMatrix m = upload_gate_up(gate, up, 2, DType::kF32);
  EXPECT_EQ(m.rows, 4);
  std::vector<float> got(8);
  check(cudaMemcpy(got.data(), m.values.data(), 32, cudaMemcpyDeviceToHost));
  EXPECT_EQ(got, (std::vector<float>{1, 2, 5, 6, 3, 4, 7, 8}));
}

// Every third token only, by weights that come in two blocks.
std::string multiply(DType dtype, std::int64_t tokens) {
  constexpr std::int64_t kIn = 24, kOut = 7, kEvery = 3;
  Numbers numbers(6);
  const auto x = rounded_to(dtype, numbers.floats(static_cast<std::size_t>(tokens * kEvery * kIn)));
  const auto w = rounded_to(dtype, numbers.floats(kOut * kIn));
  const std::array<std::span<const float>, 2> blocks{std::span(w).first(2 * kIn),
                                                     std::span(w).subspan(2 * kIn)};
  const DeviceMatrix weights = upload_matrix(blocks, kIn, dtype);
  const std::array<std::span<const float>, 1> all_x{x};
  const DeviceMatrix rows = upload_matrix(all_x, kIn, dtype);
  DeviceArray<std::int32_t> group(std::vector<std::int32_t>{0, static_cast<std::int32_t>(tokens)});
  DeviceArray<float> y(static_cast<std::size_t>(tokens * kOut));
  linear({.weights = &weights,
          .x = rows.values.data(),
          .x_stride = kEvery * kIn,
          .tokens = tokens,
          .group = group,
          .y = y,
          .y_stride = kOut},
         stream());
  check(cudaStreamSynchronize(stream()));
  std::vector<float> picked;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const auto from = x.begin() + t * kEvery * kIn;
    picked.insert(picked.end(), from, from + kIn);
  }
  const auto want = simt::cuda_tests::product(picked, w, static_cast<int>(tokens), kOut, kIn,
                                              simt::cuda_tests::kFloatUnit,
                                              [](float v) { return static_cast<double>(v); });
  // Tensor cores may cut what f32 would round: twice the bound.
  auto bound = want.bound;
  for (double& b : bound) b *= dtype == DType::kF32 ? 1 : 2;
  return simt::cuda_tests::near(y.get(), want.value, bound);
}

TEST(Linear, InF32) {
  expect_right([] { return multiply(DType::kF32, 5); });
}
TEST(Linear, InBf16ForFewTokensAndMany) {
  expect_right([] { return multiply(DType::kBf16, 5); });
  expect_right([] { return multiply(DType::kBf16, 20); });
}

TEST(Sequences, CountRealTokensAndNoteTheFirst) {
  Sequences s(2, 5);
  const std::vector<std::int64_t> mask{0, 1, 1, 1, 0, 0};
  s.extend(6, mask);
  EXPECT_EQ(s.positions(), (std::vector<std::int32_t>{1, 0, 1, 0, 1, 1}));
  EXPECT_EQ(s.first_visible(), (std::vector<std::int32_t>{1, 0}));
  s.extend(2, {});
  EXPECT_EQ(s.past(), 3);
  EXPECT_EQ(s.positions(), (std::vector<std::int32_t>{2, 1}));
  EXPECT_EQ(s.visible(), (std::vector<std::uint8_t>{0, 1, 1, 1, 0, 1, 0, 0, 1, 0}));
  s.clear();
  s.extend(2, std::vector<std::int64_t>{0, 1});
  EXPECT_EQ(s.first_visible(), (std::vector<std::int32_t>{1, 0}));
}

}  // namespace
}  // namespace moe::cuda

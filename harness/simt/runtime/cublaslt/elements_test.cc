#include "harness/simt/runtime/cublaslt/elements.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>

namespace moe::simt::lt {
namespace {

template <class T>
T stored(cudaDataType type, double value) {
  T bits = 0;
  store(type, reinterpret_cast<std::byte*>(&bits), value);
  return bits;
}

TEST(Elements, AreRoundedOnceToNearestEven) {
  EXPECT_EQ(stored<std::uint16_t>(CUDA_R_16F, 1.0), 0x3c00);
  EXPECT_EQ(stored<std::uint16_t>(CUDA_R_16BF, 1.0), 0x3f80);
  // Half way between 1 and 1 + 2^-10, then a little more than float can tell.
  const double half_way = 1 + std::ldexp(1, -11);
  EXPECT_EQ(stored<std::uint16_t>(CUDA_R_16F, half_way), 0x3c00);
  EXPECT_EQ(stored<std::uint16_t>(CUDA_R_16F, half_way + std::ldexp(1, -40)), 0x3c01);
}

TEST(Elements, EightBitFloatsSaturate) {
  EXPECT_EQ(stored<std::uint8_t>(CUDA_R_8F_E4M3, 1e9), 0x7e);  // 448
  EXPECT_EQ(stored<std::uint8_t>(CUDA_R_8F_E4M3, -1e9), 0xfe);
  EXPECT_EQ(stored<std::uint8_t>(CUDA_R_8F_E5M2, 1e9), 0x7b);  // 57344
  EXPECT_EQ(stored<std::uint8_t>(CUDA_R_8F_E4M3, 1.0), 0x38);
}

TEST(Elements, IntegersSaturateAndRoundToEven) {
  EXPECT_EQ(stored<std::int8_t>(CUDA_R_8I, 200), 127);
  EXPECT_EQ(stored<std::int8_t>(CUDA_R_8I, -200), -128);
  EXPECT_EQ(stored<std::int8_t>(CUDA_R_8I, 2.5), 2);
  EXPECT_EQ(stored<std::int8_t>(CUDA_R_8I, 3.5), 4);
  EXPECT_EQ(stored<std::int32_t>(CUDA_R_32I, 1e20), std::numeric_limits<std::int32_t>::max());
}

TEST(Elements, ReadBackWhatTheirBitsSay) {
  const std::uint8_t e5m2 = 0x3c;     // 1
  const std::uint16_t bf16 = 0xc040;  // -3
  EXPECT_EQ(load(CUDA_R_8F_E5M2, reinterpret_cast<const std::byte*>(&e5m2)), 1.0);
  EXPECT_EQ(load(CUDA_R_16BF, reinterpret_cast<const std::byte*>(&bf16)), -3.0);
}

}  // namespace
}  // namespace moe::simt::lt

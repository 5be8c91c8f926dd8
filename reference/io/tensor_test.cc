#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"

namespace moe::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class T>
Tensor tensor(TensorType type, const std::vector<T>& values) {
  return make_tensor<T>(type, {static_cast<std::int64_t>(values.size())}, values);
}

std::string refusal(const auto& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Tensor, F32HoldsFloatsExactly) {
  const float smallest = std::numeric_limits<float>::denorm_min();
  const auto t = tensor<float>(TensorType::kF32, {0.1F, -3.5F, smallest});
  EXPECT_THAT(t.as<float>(), ElementsAre(0.1F, -3.5F, smallest));
  EXPECT_THAT(t.as<double>(), ElementsAre(double{0.1F}, -3.5, double{smallest}));
}
TEST(Tensor, F64HoldsDoublesExactlyAndReadsAsTheNearestFloat) {
  const auto t = tensor<double>(TensorType::kF64, {0.1, 1e300});
  EXPECT_THAT(t.as<double>(), ElementsAre(0.1, 1e300));
  EXPECT_THAT(t.as<float>(), ElementsAre(0.1F, std::numeric_limits<float>::infinity()));
}
TEST(Tensor, Bf16And16RoundWhatTheyStore) {
  EXPECT_THAT(tensor<float>(TensorType::kBf16, {1.00390625F, 1.01171875F}).as<float>(),
              ElementsAre(1.0F, 1.015625F));  // two ties, each to its even neighbour
  EXPECT_THAT(tensor<double>(TensorType::kF16, {1.0 + 0x1p-11, -2.5}).as<double>(),
              ElementsAre(1.0, -2.5));
}
TEST(Tensor, NarrowFloatsKeepInfinityAndNaN) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const auto type : {TensorType::kF16, TensorType::kBf16}) {
    const auto back = tensor<float>(type, {inf, -inf, std::nanf("")}).as<float>();
    EXPECT_EQ(back[0], inf);
    EXPECT_EQ(back[1], -inf);
    EXPECT_TRUE(std::isnan(back[2]));
  }
}
TEST(Tensor, I64HoldsItsExtremes) {
  const auto least = std::numeric_limits<std::int64_t>::min();
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(tensor<std::int64_t>(TensorType::kI64, {least, most}).as<std::int64_t>(),
              ElementsAre(least, most));
}
TEST(Tensor, I32U8AndBoolReadAsIntegersAndFloats) {
  const auto i32 = tensor<std::int32_t>(TensorType::kI32, {-7, 8});
  EXPECT_THAT(i32.as<std::int64_t>(), ElementsAre(-7, 8));
  EXPECT_THAT(i32.as<double>(), ElementsAre(-7, 8));
  EXPECT_THAT(tensor<std::int32_t>(TensorType::kU8, {0, 255}).as<std::int32_t>(),
              ElementsAre(0, 255));
  EXPECT_THAT(tensor<std::int64_t>(TensorType::kBool, {0, 1, 5}).as<std::int32_t>(),
              ElementsAre(0, 1, 1));
}
TEST(Tensor, IntegersStoreIntoFloatTypes) {
  EXPECT_THAT(tensor<std::int64_t>(TensorType::kBf16, {257, -3}).as<float>(),
              ElementsAre(256.0F, -3.0F));
}
TEST(Tensor, RefusesFloatsAskedForAsIntegers) {
  const auto t = make_tensor<float>(TensorType::kBf16, {1, 1}, std::vector<float>{1});
  EXPECT_THAT(refusal([&] { t.as<std::int32_t>(); }),
              HasSubstr("shape [1, 1] has type BF16, expected integers"));
}
TEST(Tensor, RefusesAnI64BeyondI32) {
  const auto t = tensor<std::int64_t>(TensorType::kI64, {std::int64_t{1} << 31});
  EXPECT_THAT(refusal([&] { t.as<std::int32_t>(); }), HasSubstr("holds 2147483648"));
}
TEST(Tensor, BytesThatDoNotFitTheShapeAreOurOwnFault) {
  const Tensor t{TensorType::kF32, {2}, std::vector<std::byte>(7)};
  EXPECT_THROW(t.as<float>(), std::logic_error);
}
TEST(MakeTensor, ValuesThatDoNotFillTheShapeAreOurOwnFault) {
  EXPECT_THROW(make_tensor<float>(TensorType::kF32, {2, 2}, std::vector<float>{1}),
               std::logic_error);
}
TEST(MakeTensor, AnIntegerTypeTakesNoFractionsAndNoOverflow) {
  EXPECT_THROW(tensor<float>(TensorType::kI32, {1}), std::logic_error);
  EXPECT_THROW(tensor<std::int32_t>(TensorType::kU8, {256}), std::logic_error);
}
TEST(Tensor, AScalarHasOneElementAndAnEmptyShapeEntryNone) {
  EXPECT_EQ((Tensor{TensorType::kF32, {}, {}}).elements(), 1);
  EXPECT_EQ((Tensor{TensorType::kF32, {3, 0}, {}}).elements(), 0);
  EXPECT_TRUE((Tensor{TensorType::kF32, {3, 0}, {}}).as<float>().empty());
}

}  // namespace
}  // namespace moe::reference

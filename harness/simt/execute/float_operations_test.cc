// The directed modes against the processor's own, set with fesetround: the same bits for random
// operands of every magnitude, and for pairs that cancel.
#include "harness/simt/execute/float_operations.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <random>

namespace moe::simt {
namespace {

constexpr int kPairs = 20000;

// Rounded by the processor. Volatile: nothing may be computed before the mode is set.
template <class Compute>
float by_processor(int mode, Compute compute) {
  std::fesetround(mode);
  const float result = compute();
  std::fesetround(FE_TONEAREST);
  return result;
}

bool same(float a, float b) {
  return (a != a && b != b) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

template <Rounding R>
void expect_as_processor(int mode) {
  std::mt19937 random(1);
  for (int i = 0; i < kPairs; ++i) {
    const auto any = [&] { return std::bit_cast<float>(static_cast<std::uint32_t>(random())); };
    volatile float a = any();
    volatile float b = any();
    volatile float c = any();
    if (i % 3 == 1) b = -a;
    if (i % 3 == 2) c = -(a * b);
    EXPECT_TRUE(same(FloatAdd<R>{}(a, b), by_processor(mode, [&] { return a + b; })))
        << a << " " << b;
    EXPECT_TRUE(same(FloatSub<R>{}(a, b), by_processor(mode, [&] { return a - b; })))
        << a << " " << b;
    EXPECT_TRUE(same(FloatMul<R>{}(a, b), by_processor(mode, [&] { return a * b; })))
        << a << " " << b;
    EXPECT_TRUE(same(FloatDiv<R>{}(a, b), by_processor(mode, [&] { return a / b; })))
        << a << " " << b;
    EXPECT_TRUE(same(FloatSqrt<R>{}(a), by_processor(mode, [&] { return std::sqrt(a); }))) << a;
    EXPECT_TRUE(same(FloatFma<R>{}(a, b, c), by_processor(mode, [&] { return std::fma(a, b, c); })))
        << a << " " << b << " " << c;
  }
}

TEST(DirectedRounding, IsTheProcessorsTowardsZero) {
  expect_as_processor<Rounding::kZero>(FE_TOWARDZERO);
}
TEST(DirectedRounding, IsTheProcessorsDownwards) {
  expect_as_processor<Rounding::kDown>(FE_DOWNWARD);
}
TEST(DirectedRounding, IsTheProcessorsUpwards) { expect_as_processor<Rounding::kUp>(FE_UPWARD); }
TEST(DirectedRounding, IsTheProcessorsToNearest) {
  expect_as_processor<Rounding::kNearest>(FE_TONEAREST);
}

}  // namespace
}  // namespace moe::simt

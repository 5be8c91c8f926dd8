#include "harness/simt/execute/warp_reduce.h"

#include <gtest/gtest.h>

#include <array>

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;
constexpr ptx::Type kU32{Kind::kUnsigned, 32};
constexpr ptx::Type kS32{Kind::kSigned, 32};
constexpr ptx::Type kB32{Kind::kBits, 32};
constexpr ptx::Type kF32{Kind::kFloat, 32};
constexpr std::uint32_t kNan = 0x7fffffff;

struct Vector {
  ReduceName name;
  ptx::Type type;
  FloatRule rule;
  std::array<std::uint32_t, 4> values;  // of lanes 0 to 3
  LaneMask group;
  std::uint32_t expected;
};

const Vector kVectors[] = {
    {ReduceName::kAdd, kU32, {}, {1, 2, 3, 4}, 0xf, 10},
    {ReduceName::kAdd, kU32, {}, {1, 2, 3, 4}, 0x5, 4},
    {ReduceName::kAdd, kS32, {}, {0xffffffff, 0xfffffffe, 0, 1}, 0xf, 0xfffffffe},
    {ReduceName::kAdd, kU32, {}, {0xffffffff, 2, 0, 0}, 0x3, 1},
    {ReduceName::kMin, kU32, {}, {0xffffffff, 7, 9, 8}, 0xf, 7},
    {ReduceName::kMin, kS32, {}, {0xffffffff, 7, 9, 8}, 0xf, 0xffffffff},
    {ReduceName::kMax, kU32, {}, {0x80000000, 7, 9, 8}, 0xf, 0x80000000},
    {ReduceName::kMax, kS32, {}, {0x80000000, 7, 9, 8}, 0xf, 9},
    {ReduceName::kMax, kS32, {}, {0x80000000, 7, 9, 8}, 0x1, 0x80000000},
    {ReduceName::kAnd, kB32, {}, {0xff, 0xf1, 0x1f, 0x91}, 0xf, 0x11},
    {ReduceName::kOr, kB32, {}, {1, 2, 4, 8}, 0xe, 14},
    {ReduceName::kXor, kB32, {}, {1, 3, 7, 15}, 0xf, 10},
    // -3, 2, -1, 0.5
    {ReduceName::kMin, kF32, {}, {0xc0400000, 0x40000000, 0xbf800000, 0x3f000000}, 0xf, 0xc0400000},
    {ReduceName::kMax, kF32, {}, {0xc0400000, 0x40000000, 0xbf800000, 0x3f000000}, 0xf, 0x40000000},
    {ReduceName::kMax,
     kF32,
     {true},
     {0xc0400000, 0x40000000, 0xbf800000, 0x3f000000},
     0xf,
     0x40400000},
    {ReduceName::kMin,
     kF32,
     {true},
     {0xc0400000, 0x40000000, 0xbf800000, 0x3f000000},
     0x7,
     0x3f800000},
    // of one lane alone the magnitude too
    {ReduceName::kMin, kF32, {true}, {0xc0400000, 0, 0, 0}, 0x1, 0x40400000},
    // +0 is above -0
    {ReduceName::kMin, kF32, {}, {0x00000000, 0x80000000, 0, 0}, 0x3, 0x80000000},
    {ReduceName::kMax, kF32, {}, {0x80000000, 0x00000000, 0, 0}, 0x3, 0x00000000},
    // NaN: left out, or contagious
    {ReduceName::kMin, kF32, {}, {0x7fc00000, 0x40000000, 0x7f800001, 0x3f000000}, 0xf, 0x3f000000},
    {ReduceName::kMin, kF32, {false, true}, {0x40000000, 0x3f000000, 0x7fc00000, 0}, 0xf, kNan},
    {ReduceName::kMax, kF32, {false, true}, {0x7fc12345, 0x3f000000, 0x3f000000, 0}, 0xf, kNan},
    {ReduceName::kMax, kF32, {}, {0x7fc12345, 0xffc00001, 0, 0}, 0x3, kNan},
    {ReduceName::kMax, kF32, {}, {0x7fc12345, 0, 0, 0}, 0x1, kNan},
    {ReduceName::kMax, kF32, {true, true}, {0xbf800000, 0xc0000000, 0, 0}, 0x3, 0x40000000},
};

TEST(Redux, GivesTheBitsWorkedByHand) {
  int at = 0;
  for (const Vector& vector : kVectors) {
    std::array<std::uint32_t, kLanes> values{};
    for (int lane = 0; lane < 4; ++lane) values[lane] = vector.values[lane];
    const ReduceFunction function = reduce_function(vector.name, vector.type, vector.rule);
    ASSERT_NE(function, nullptr) << "vector " << at;
    EXPECT_EQ(reduce(values.data(), vector.group, function, vector.type, vector.rule),
              vector.expected)
        << "vector " << at;
    ++at;
  }
}

TEST(Redux, KnowsNoOperationTheSyntaxLacks) {
  EXPECT_EQ(reduce_function(ReduceName::kAdd, kB32, {}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kAnd, kU32, {}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kXor, kS32, {}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kAdd, kF32, {}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kOr, kF32, {}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kMin, kU32, {.absolute = true}), nullptr);
  EXPECT_EQ(reduce_function(ReduceName::kMin, kS32, {.nan_propagates = true}), nullptr);
}

}  // namespace
}  // namespace moe::simt

#include "harness/simt/execute/atomic_operation.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;
constexpr ptx::Type kU32{Kind::kUnsigned, 32};
constexpr ptx::Type kS32{Kind::kSigned, 32};
constexpr ptx::Type kU64{Kind::kUnsigned, 64};
constexpr ptx::Type kS64{Kind::kSigned, 64};
constexpr ptx::Type kB32{Kind::kBits, 32};
constexpr ptx::Type kB64{Kind::kBits, 64};
constexpr ptx::Type kF16{Kind::kFloat, 16};
constexpr ptx::Type kF16x2{Kind::kFloat, 16, 2};
constexpr ptx::Type kF32{Kind::kFloat, 32};
constexpr ptx::Type kF64{Kind::kFloat, 64};
constexpr ptx::Type kBf16{Kind::kBfloat, 16};
constexpr ptx::Type kBf16x2{Kind::kBfloat, 16, 2};

struct Vector {
  AtomicName name;
  ptx::Type type;
  bool vector;
  std::uint64_t old, operand, expected;
};

// Bits worked by hand from the format definitions and the "Semantics" of atom.
const Vector kVectors[] = {
    {AtomicName::kAdd, kU32, false, 0xffffffff, 2, 1},
    {AtomicName::kAdd, kS32, false, 5, 0xfffffff8, 0xfffffffd},
    {AtomicName::kAdd, kU64, false, 0xffffffff, 1, 0x100000000},
    {AtomicName::kAdd, kU64, false, ~0ull, 1, 0},
    // inc(r, s) = r >= s ? 0 : r + 1
    {AtomicName::kInc, kU32, false, 3, 5, 4},
    {AtomicName::kInc, kU32, false, 5, 5, 0},
    {AtomicName::kInc, kU32, false, 9, 5, 0},
    {AtomicName::kInc, kU32, false, 0, 0, 0},
    {AtomicName::kInc, kU32, false, 0xfffffffe, 0xffffffff, 0xffffffff},
    // dec(r, s) = r == 0 || r > s ? s : r - 1
    {AtomicName::kDec, kU32, false, 3, 5, 2},
    {AtomicName::kDec, kU32, false, 0, 5, 5},
    {AtomicName::kDec, kU32, false, 6, 5, 5},
    {AtomicName::kDec, kU32, false, 5, 5, 4},
    {AtomicName::kMin, kU32, false, 0xffffffff, 1, 1},
    {AtomicName::kMin, kS32, false, 0xffffffff, 1, 0xffffffff},
    {AtomicName::kMax, kU32, false, 0x80000000, 0x7fffffff, 0x80000000},
    {AtomicName::kMax, kS32, false, 0x80000000, 0x7fffffff, 0x7fffffff},
    {AtomicName::kMin, kS64, false, 0x8000000000000000, 1, 0x8000000000000000},
    {AtomicName::kMax, kU64, false, 0x8000000000000000, 1, 0x8000000000000000},
    {AtomicName::kMax, kS64, false, 0x8000000000000000, 1, 1},
    {AtomicName::kAnd, kB32, false, 0xf0f0, 0xff00, 0xf000},
    {AtomicName::kOr, kB32, false, 0xf0f0, 0xff00, 0xfff0},
    {AtomicName::kXor, kB64, false, 0xf0f000000000, 0xff0000000001, 0x0ff000000001},
    // 1.5 + 2.25 = 3.75
    {AtomicName::kAdd, kF32, false, 0x3fc00000, 0x40100000, 0x40700000},
    // 2^24 + 1: a tie, to even, is 2^24
    {AtomicName::kAdd, kF32, false, 0x4b800000, 0x3f800000, 0x4b800000},
    // infinity - infinity is the canonical NaN
    {AtomicName::kAdd, kF32, false, 0x7f800000, 0xff800000, 0x7fffffff},
    // a subnormal is kept: 2^-149 + 2^-149 = 2^-148
    {AtomicName::kAdd, kF32, false, 1, 1, 2},
    {AtomicName::kAdd, kF64, false, 0x3ff8000000000000, 0x4002000000000000, 0x400e000000000000},
    // f16: 1 + 2^-11 is a tie, to even 1; 1 + 3 * 2^-11 is a tie, to even 1 + 2^-9
    {AtomicName::kAdd, kF16, false, 0x3c00, 0x1000, 0x3c00},
    {AtomicName::kAdd, kF16, false, 0x3c01, 0x1000, 0x3c02},
    // 65504 + 16 = 65520, halfway to 65536: overflows
    {AtomicName::kAdd, kF16, false, 0x7bff, 0x4c00, 0x7c00},
    // smallest subnormals: 2^-24 + 2^-24
    {AtomicName::kAdd, kF16, false, 1, 1, 2},
    // bf16: 1 + 2^-8 is a tie, to even 1; 1.0078125 + 2^-8 to even 1.015625
    {AtomicName::kAdd, kBf16, false, 0x3f80, 0x3b80, 0x3f80},
    {AtomicName::kAdd, kBf16, false, 0x3f81, 0x3b80, 0x3f82},
    // pairs: {1 + 1, 2 - 4}, no carry between the halves
    {AtomicName::kAdd, kF16x2, false, 0x40003c00, 0xc4003c00, 0xc0004000},
    {AtomicName::kAdd, kBf16x2, false, 0x40003f80, 0xc0803f80, 0xc0004000},
    // min and max of vector forms: the number beats NaN, -0 is below +0
    {AtomicName::kMin, kF16, true, 0x7e00, 0x3c00, 0x3c00},
    {AtomicName::kMax, kF16, true, 0x3c00, 0x7e00, 0x3c00},
    {AtomicName::kMin, kF16, true, 0x7e00, 0xfe00, 0x7fff},
    {AtomicName::kMin, kF16, true, 0x0000, 0x8000, 0x8000},
    {AtomicName::kMin, kF16, true, 0x8000, 0x0000, 0x8000},
    {AtomicName::kMax, kF16, true, 0x8000, 0x0000, 0x0000},
    {AtomicName::kMax, kF16, true, 0x0000, 0x8000, 0x0000},
    {AtomicName::kMax, kBf16x2, true, 0x3f80c000, 0x40003f80, 0x40003f80},
    {AtomicName::kMin, kBf16x2, true, 0x3f80c000, 0x40003f80, 0x3f80c000},
    {AtomicName::kAdd, kF32, true, 0x3f800000, 0x3f800000, 0x40000000},
};

TEST(AtomicOperation, GivesTheBitsWorkedByHand) {
  int at = 0;
  for (const Vector& vector : kVectors) {
    const AtomicFunction function = atomic_function(vector.name, vector.type, vector.vector);
    ASSERT_NE(function, nullptr) << "vector " << at;
    EXPECT_EQ(function(vector.old, vector.operand), vector.expected) << "vector " << at;
    ++at;
  }
}

// "atom.add.f32 flushes subnormal inputs and results to sign-preserving zero on global memory".
TEST(AtomicOperation, AddOfF32InGlobalMemoryFlushesSubnormals) {
  EXPECT_EQ(add_f32_flushing(1, 1), 0u);
  EXPECT_EQ(add_f32_flushing(0x80000001, 0x80000001), 0x80000000u);
  EXPECT_EQ(add_f32_flushing(0x007fffff, 0x3f800000), 0x3f800000u);
  // 1.5 * 2^-126 - 2^-126 = 2^-127, subnormal
  EXPECT_EQ(add_f32_flushing(0x00c00000, 0x80800000), 0u);
  EXPECT_EQ(add_f32_flushing(0x00800000, 0x00800000), 0x01000000u);
}

// The table "Atom Scalar Type Operations": what it does not have is refused.
TEST(AtomicOperation, KnowsNoOperationTheTablesLack) {
  const auto missing = [](AtomicName name, ptx::Type type, bool vector = false) {
    return atomic_function(name, type, vector) == nullptr;
  };
  EXPECT_TRUE(missing(AtomicName::kAdd, kS64));
  EXPECT_TRUE(missing(AtomicName::kAdd, kB32));
  EXPECT_TRUE(missing(AtomicName::kInc, kS32));
  EXPECT_TRUE(missing(AtomicName::kInc, kU64));
  EXPECT_TRUE(missing(AtomicName::kDec, kU64));
  EXPECT_TRUE(missing(AtomicName::kAnd, kU32));
  EXPECT_TRUE(missing(AtomicName::kOr, kS64));
  EXPECT_TRUE(missing(AtomicName::kMin, kB32));
  EXPECT_TRUE(missing(AtomicName::kMin, kF32));
  EXPECT_TRUE(missing(AtomicName::kMax, kF64));
  EXPECT_TRUE(missing(AtomicName::kMin, kF16));
  EXPECT_TRUE(missing(AtomicName::kMax, kBf16x2));
  EXPECT_TRUE(missing(AtomicName::kMin, kF32, true));
  EXPECT_TRUE(missing(AtomicName::kAdd, kF64, true));
  EXPECT_TRUE(missing(AtomicName::kAdd, kU32, true));
  EXPECT_TRUE(missing(AtomicName::kAnd, kB32, true));
}

}  // namespace
}  // namespace moe::simt

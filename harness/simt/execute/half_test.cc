// Vectors worked by hand from the rules of PTX ISA 9.0, "Half Precision Floating Point
// Instructions". f16: 1 = 3c00, 2 = 4000, 3 = 4200, 0.5 = 3800, its step at 1 is 2^-10. bf16: 1 =
// 3f80, 2 = 4000, 3 = 4040, its step at 1 is 2^-7.
#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr const char* kOne = "b16 -> b16";
constexpr const char* kTwo = "b16 b16 -> b16";
constexpr const char* kThree = "b16 b16 b16 -> b16";
constexpr const char* kPairs = "b32 b32 -> b32";
constexpr std::uint64_t kNan = 0x7fff;  // "the canonical NaN is 0x7fff"

TEST(HalfAdd, RoundsToNearestEven) {
  // 1 + 2^-11 is half way to the next number: to the even one; 1 + 3 * 2^-11 as well.
  expect_lanes("add.f16 %o, %a, %b;", kTwo,
               {{{0x3c00, 0x4000}, 0x4200},
                {{0x3c00, 0x1000}, 0x3c00},
                {{0x3c01, 0x1000}, 0x3c02},
                {{0x7bff, 0x7bff}, 0x7c00},
                {{0x7c00, 0xfc00}, kNan},
                {{1, 1}, 2}});
  expect_lanes("sub.f16 %o, %a, %b;", kTwo, {{{0x3c00, 0x4000}, 0xbc00}});
  expect_lanes("mul.f16 %o, %a, %b;", kTwo,
               {{{0x4000, 0x4200}, 0x4600}, {{0x0400, 0x3800}, 0x0200}});
  expect_lanes("mul.ftz.f16 %o, %a, %b;", kTwo,
               {{{0x0400, 0x3800}, 0}, {{0x8001, 0x4000}, 0x8000}});
  expect_lanes("add.sat.f16 %o, %a, %b;", kTwo,
               {{{0x3c00, 0x3c00}, 0x3c00}, {{0xbc00, 0}, 0}, {{kNan, 0x3c00}, 0}});
  expect_lanes(
      "add.bf16 %o, %a, %b;", kTwo,
      {{{0x3f80, 0x4000}, 0x4040}, {{0x3f80, 0x3b80}, 0x3f80}, {{0x3f81, 0x3b80}, 0x3f82}});
  expect_lanes("mul.bf16 %o, %a, %b;", kTwo,
               {{{0x4000, 0x4040}, 0x40c0}, {{0x7f7f, 0x7f7f}, 0x7f80}});
}

TEST(HalfPair, ComputesBothHalves) {
  expect_lanes("add.f16x2 %o, %a, %b;", kPairs, {{{0x3c004000, 0x3c003c00}, 0x40004200}});
  expect_lanes("mul.f16x2 %o, %a, %b;", kPairs, {{{0x4000c000, 0x42004200}, 0x4600c600}});
  expect_lanes("sub.bf16x2 %o, %a, %b;", kPairs, {{{0x40403f80, 0x3f803f80}, 0x40000000}});
  expect_lanes("fma.rn.bf16x2 %o, %a, %b, %c;", "b32 b32 b32 -> b32",
               {{{0x40003f80, 0x40403f80, 0x3f803f80}, 0x40e04000}});
  expect_lanes("neg.f16x2 %o, %a;", "b32 -> b32", {{{0x3c00bc00}, 0xbc003c00}});
  expect_lanes("abs.bf16x2 %o, %a;", "b32 -> b32", {{{0xbf803f80}, 0x3f803f80}});
  expect_lanes("max.bf16x2 %o, %a, %b;", kPairs, {{{0xbf804000, 0x3f803f80}, 0x3f804000}});
}

// One rounding. (1 + 2^-10) squared = 1 + 2^-9 + 2^-20, less 1 + 2^-9 leaves 2^-20 = 0x0010.
// 1 * 1 + 2^-11 + a bit: the bit below the half decides: (1 + 2^-10) * 2^-11 + 1.
TEST(HalfFma, RoundsOnce) {
  expect_lanes("fma.rn.f16 %o, %a, %b, %c;", kThree,
               {{{0x3c01, 0x3c01, 0xbc02}, 0x0010},
                {{0x3c01, 0x1000, 0x3c00}, 0x3c01},
                {{0x3c00, 0x1000, 0x3c00}, 0x3c00},
                {{0x7c00, 0, 0x3c00}, kNan}});
  // The tail is 2^-24 * 2^-24, far below any float that holds 1 + 2^-11 too: the rounding is still
  // up.
  expect_lanes("fma.rn.f16 %o, %a, %b, %c;", kThree, {{{0x0001, 0x0001, 0x3c00}, 0x3c00}});
  expect_lanes("fma.rn.relu.f16 %o, %a, %b, %c;", kThree,
               {{{0x3c00, 0xbc00, 0}, 0}, {{0x3c00, 0x4000, 0}, 0x4000}, {{kNan, 0, 0}, kNan}});
  expect_lanes("fma.rn.sat.f16 %o, %a, %b, %c;", kThree, {{{0x4000, 0x4000, 0}, 0x3c00}});
  expect_lanes("fma.rn.bf16 %o, %a, %b, %c;", kThree,
               {{{0x3f81, 0x3b80, 0x3f80}, 0x3f81},
                {{0x3f80, 0x3b80, 0x3f80}, 0x3f80},
                {{0x7f7f, 0x4000, 0xff7f}, 0x7f7f}});
  expect_lanes("fma.rn.relu.bf16 %o, %a, %b, %c;", kThree, {{{0x3f80, 0xbf80, 0}, 0}});
}

TEST(HalfExtremum, TreatsNanAndZeroAsWritten) {
  expect_lanes("min.f16 %o, %a, %b;", kTwo,
               {{{0x3c00, 0x4000}, 0x3c00},
                {{0, 0x8000}, 0x8000},
                {{0xfe00, 0x4000}, 0x4000},
                {{0xfe00, 0xfe01}, kNan}});
  expect_lanes("max.NaN.f16 %o, %a, %b;", kTwo, {{{0xfe00, 0x4000}, kNan}});
  expect_lanes("max.xorsign.abs.bf16 %o, %a, %b;", kTwo, {{{0xbf80, 0x4000}, 0xc000}});
  expect_lanes("max.ftz.f16 %o, %a, %b;", kTwo, {{{0x0001, 0x8000}, 0}});
}

TEST(HalfSign, ChangesTheSignBitOnly) {
  expect_lanes("neg.bf16 %o, %a;", kOne, {{{0x3f80}, 0xbf80}, {{0}, 0x8000}});
  expect_lanes("abs.f16 %o, %a;", kOne, {{{0xbc00}, 0x3c00}});
  expect_lanes("neg.ftz.f16 %o, %a;", kOne, {{{0x0001}, 0x8000}});
}

TEST(HalfApproximate, HitsExactValues) {
  expect_lanes("ex2.approx.f16 %o, %a;", kOne,
               {{{0x3c00}, 0x4000}, {{0xcc00}, 0x0100}, {{0xfc00}, 0}});  // 2^-16
  expect_lanes("ex2.approx.f16x2 %o, %a;", "b32 -> b32", {{{0x3c000000}, 0x40003c00}});
  expect_lanes("ex2.approx.ftz.bf16 %o, %a;", kOne,
               {{{0x4040}, 0x4100}, {{0xc302}, 0}});  // 8; 2^-130
  expect_lanes("tanh.approx.f16 %o, %a;", kOne, {{{0}, 0}, {{0x7c00}, 0x3c00}});
  expect_lanes("tanh.approx.bf16x2 %o, %a;", "b32 -> b32", {{{0xff800000}, 0xbf800000}});
}

TEST(Half, RefusesFormsThatPtxDoesNotHave) {
  expect_refused("add.ftz.bf16 %o, %a, %b;", kTwo, ".ftz");
  expect_refused("add.rz.f16 %o, %a, %b;", kTwo, ".rz");
  expect_refused("div.rn.f16 %o, %a, %b;", kTwo, "no form");
}

}  // namespace
}  // namespace moe::simt

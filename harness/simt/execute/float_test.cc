// Vectors worked by hand from the rules of PTX ISA 9.0, "Floating Point Instructions".
#include <cmath>

#include "harness/simt/execute/formats.h"
#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr const char* kOne = "b32 -> b32";
constexpr const char* kTwo = "b32 b32 -> b32";
constexpr const char* kThree = "b32 b32 b32 -> b32";
constexpr const char* kTwoDoubles = "b64 b64 -> b64";
constexpr std::uint64_t kNan = 0x7fffffff;  // "the canonical NaN is 0x7fffffff"
constexpr std::uint64_t kOtherNan = 0xffc12345;
constexpr std::uint64_t kInf = 0x7f800000;
constexpr std::uint64_t kMinusInf = 0xff800000;
constexpr std::uint64_t kMinusZero = 0x80000000;
constexpr std::uint64_t kSubnormal = 0x00000001;
constexpr std::uint64_t kSmallestNormal = 0x00800000;
constexpr std::uint64_t kOneUp = 0x3f800001;  // the successor of 1

TEST(FloatAdd, RoundsAsTheModeSays) {
  const std::uint64_t tiny = f32(0x1p-30f);
  expect_lanes("add.f32 %o, %a, %b;", kTwo,
               {{{f32(1), tiny}, f32(1)}, {{f32(1.5f), f32(2.25f)}, f32(3.75f)}});
  expect_lanes("add.rz.f32 %o, %a, %b;", kTwo,
               {{{f32(1), tiny}, f32(1)}, {{f32(-1), tiny}, 0xbf7fffff}});
  expect_lanes("add.rp.f32 %o, %a, %b;", kTwo, {{{f32(1), tiny}, kOneUp}, {{f32(1), f32(-1)}, 0}});
  // x + (-x) is +0 except downwards, where it is -0 (IEEE 754, 6.3).
  expect_lanes("add.rm.f32 %o, %a, %b;", kTwo,
               {{{f32(1), tiny}, f32(1)}, {{f32(1), f32(-1)}, kMinusZero}, {{0, 0}, 0}});
}

TEST(FloatAdd, GivesTheCanonicalNan) {
  expect_lanes("add.f32 %o, %a, %b;", kTwo,
               {{{kOtherNan, f32(1)}, kNan}, {{kInf, kMinusInf}, kNan}, {{kInf, f32(1)}, kInf}});
  expect_lanes("mul.f32 %o, %a, %b;", kTwo, {{{kInf, 0}, kNan}});
  expect_lanes("sub.f32 %o, %a, %b;", kTwo, {{{kInf, kInf}, kNan}, {{f32(3), f32(5)}, f32(-2)}});
}

// ".ftz: flushes subnormal inputs and results to sign-preserving zero".
TEST(FloatFtz, FlushesInputsAndResults) {
  expect_lanes("add.ftz.f32 %o, %a, %b;", kTwo,
               {{{kSubnormal, f32(1)}, f32(1)},
                {{0x80000001, 0x80000001}, kMinusZero},
                {{kSubnormal, kSubnormal}, 0}});
  expect_lanes("add.f32 %o, %a, %b;", kTwo, {{{kSubnormal, kSubnormal}, 2}});
  expect_lanes("mul.ftz.f32 %o, %a, %b;", kTwo,
               {{{kSmallestNormal, f32(0.5f)}, 0}, {{kSmallestNormal, f32(-0.5f)}, kMinusZero}});
  expect_lanes("mul.f32 %o, %a, %b;", kTwo, {{{kSmallestNormal, f32(0.5f)}, 0x00400000}});
  expect_lanes("sub.ftz.f32 %o, %a, %b;", kTwo, {{{0x00800001, kSmallestNormal}, 0}});
}

// ".sat clamps the result to [0.0, 1.0]. NaN results are flushed to +0.0f."
TEST(FloatSat, ClampsToZeroAndOne) {
  expect_lanes("add.sat.f32 %o, %a, %b;", kTwo,
               {{{f32(1), f32(1)}, f32(1)},
                {{f32(-1), f32(0.5f)}, 0},
                {{f32(0.25f), f32(0.5f)}, f32(0.75f)},
                {{kNan, f32(1)}, 0},
                {{kMinusZero, kMinusZero}, 0}});
  expect_lanes("fma.rn.sat.f32 %o, %a, %b, %c;", kThree,
               {{{f32(2), f32(2), f32(-3.5f)}, f32(0.5f)}});
}

// "fma ... infinite precision in the intermediate product".
TEST(FloatFma, RoundsOnce) {
  const std::uint64_t a = f32(1 + 0x1p-12f);  // squared: 1 + 2^-11 + 2^-24
  expect_lanes("fma.rn.f32 %o, %a, %b, %c;", kThree,
               {{{a, a, f32(-(1 + 0x1p-11f))}, f32(0x1p-24f)}, {{kInf, 0, f32(1)}, kNan}});
  expect_lanes("fma.rz.f32 %o, %a, %b, %c;", kThree, {{{a, a, 0}, f32(1 + 0x1p-11f)}});
  expect_lanes("fma.rp.f32 %o, %a, %b, %c;", kThree, {{{a, a, 0}, f32(1 + 0x1p-11f + 0x1p-23f)}});
  expect_lanes("fma.rm.f32 %o, %a, %b, %c;", kThree,
               {{{a, f32(-1 - 0x1p-12f), 0}, f32(-(1 + 0x1p-11f + 0x1p-23f))}});
  expect_lanes("mad.rn.f32 %o, %a, %b, %c;", kThree, {{{f32(2), f32(3), f32(4)}, f32(10)}});
}

TEST(FloatPair, ComputesBothHalves) {
  const auto pair = [](float low, float high) { return f32(high) << 32 | f32(low); };
  expect_lanes("add.rn.f32x2 %o, %a, %b;", kTwoDoubles, {{{pair(1, 2), pair(3, 5)}, pair(4, 7)}});
  expect_lanes("mul.rn.f32x2 %o, %a, %b;", kTwoDoubles,
               {{{pair(2, -3), pair(3, 5)}, pair(6, -15)}});
  expect_lanes("fma.rn.f32x2 %o, %a, %b, %c;", "b64 b64 b64 -> b64",
               {{{pair(2, -3), pair(3, 5), pair(1, 1)}, pair(7, -14)}});
}

// "add{.rnd}{.sat}.f32.atype d, a, c": a has the 16-bit type.
TEST(FloatMixed, WidensItsOperand) {
  expect_lanes("add.f32.f16 %o, %a, %b;", "b16 b32 -> b32", {{{0x3c00, f32(2)}, f32(3)}});
  expect_lanes("sub.f32.bf16 %o, %a, %b;", "b16 b32 -> b32", {{{0x3f80, f32(3)}, f32(-2)}});
  expect_lanes("fma.rn.f32.bf16 %o, %a, %b, %c;", "b16 b16 b32 -> b32",
               {{{0x4000, 0x4040, f32(1)}, f32(7)}});
}

TEST(FloatDiv, RoundsAsTheModeSays) {
  expect_lanes("div.rn.f32 %o, %a, %b;", kTwo,
               {{{f32(1), f32(3)}, 0x3eaaaaab},
                {{f32(1), 0}, kInf},
                {{0, 0}, kNan},
                {{f32(-1), 0}, kMinusInf}});
  expect_lanes("div.rz.f32 %o, %a, %b;", kTwo, {{{f32(1), f32(3)}, 0x3eaaaaaa}});
  expect_lanes("div.rp.f32 %o, %a, %b;", kTwo, {{{f32(-1), f32(3)}, 0xbeaaaaaa}});
  expect_lanes("div.rm.f32 %o, %a, %b;", kTwo, {{{f32(-1), f32(3)}, 0xbeaaaaab}});
  expect_lanes("div.full.f32 %o, %a, %b;", kTwo, {{{f32(6), f32(3)}, f32(2)}});
  // "For |b| in (2^126, 2^128) ... if a is infinity, div.approx.f32 delivers NaN, otherwise 0".
  expect_lanes(
      "div.approx.f32 %o, %a, %b;", kTwo,
      {{{f32(6), f32(3)}, f32(2)}, {{f32(1), f32(0x1p127f)}, 0}, {{kInf, f32(0x1p127f)}, kNan}});
}

TEST(FloatRoots, RoundAsTheModeSays) {
  expect_lanes(
      "rcp.rn.f32 %o, %a;", kOne,
      {{{f32(4)}, f32(0.25f)}, {{f32(3)}, 0x3eaaaaab}, {{kMinusZero}, kMinusInf}, {{kInf}, 0}});
  expect_lanes("rcp.rz.f32 %o, %a;", kOne, {{{f32(3)}, 0x3eaaaaaa}});
  expect_lanes("rcp.approx.ftz.f32 %o, %a;", kOne,
               {{{f32(2)}, f32(0.5f)}, {{kSubnormal}, kInf}, {{f32(0x1p127f)}, 0}});
  expect_lanes("sqrt.rn.f32 %o, %a;", kOne,
               {{{f32(2)}, 0x3fb504f3}, {{f32(-1)}, kNan}, {{kMinusZero}, kMinusZero}});
  expect_lanes("sqrt.rp.f32 %o, %a;", kOne, {{{f32(2)}, 0x3fb504f4}});
  expect_lanes("sqrt.approx.f32 %o, %a;", kOne, {{{f32(9)}, f32(3)}});
  expect_lanes("rsqrt.approx.f32 %o, %a;", kOne,
               {{{f32(4)}, f32(0.5f)},
                {{0}, kInf},
                {{kMinusZero}, kMinusInf},
                {{kInf}, 0},
                {{f32(-4)}, kNan}});
}

TEST(FloatApproximate, HitsExactValues) {
  expect_lanes("ex2.approx.f32 %o, %a;", kOne,
               {{{f32(3)}, f32(8)},
                {{f32(-1)}, f32(0.5f)},
                {{kMinusInf}, 0},
                {{kInf}, kInf},
                {{f32(-140)}, f32(0x1p-140f)}});
  expect_lanes("ex2.approx.ftz.f32 %o, %a;", kOne, {{{f32(-140)}, 0}, {{kSubnormal}, f32(1)}});
  expect_lanes(
      "lg2.approx.f32 %o, %a;", kOne,
      {{{f32(8)}, f32(3)}, {{0}, kMinusInf}, {{f32(-1)}, kNan}, {{f32(0x1p-140f)}, f32(-140)}});
  expect_lanes("lg2.approx.ftz.f32 %o, %a;", kOne, {{{f32(0x1p-140f)}, kMinusInf}});
  expect_lanes("sin.approx.f32 %o, %a;", kOne,
               {{{0}, 0}, {{kMinusZero}, kMinusZero}, {{kInf}, kNan}});
  expect_lanes("cos.approx.f32 %o, %a;", kOne, {{{0}, f32(1)}, {{kInf}, kNan}});
  expect_lanes("tanh.approx.f32 %o, %a;", kOne,
               {{{0}, 0}, {{kInf}, f32(1)}, {{kMinusInf}, f32(-1)}, {{kOtherNan}, kNan}});
}

// "-0.0 < +0.0"; "if one input is NaN, the result is the other; both: canonical NaN; .NaN: any".
TEST(FloatExtremum, TreatsNanAndZeroAsWritten) {
  expect_lanes("min.f32 %o, %a, %b;", kTwo,
               {{{f32(1), f32(2)}, f32(1)},
                {{0, kMinusZero}, kMinusZero},
                {{kMinusZero, 0}, kMinusZero},
                {{kOtherNan, f32(2)}, f32(2)},
                {{f32(2), kOtherNan}, f32(2)},
                {{kOtherNan, kOtherNan}, kNan}});
  expect_lanes("max.f32 %o, %a, %b;", kTwo,
               {{{f32(1), f32(2)}, f32(2)},
                {{0, kMinusZero}, 0},
                {{kMinusZero, 0}, 0},
                {{kOtherNan, f32(-2)}, f32(-2)}});
  expect_lanes(
      "max.NaN.f32 %o, %a, %b;", kTwo,
      {{{kOtherNan, f32(2)}, kNan}, {{f32(2), kOtherNan}, kNan}, {{f32(2), f32(3)}, f32(3)}});
  expect_lanes("min.ftz.f32 %o, %a, %b;", kTwo, {{{kSubnormal, f32(1)}, 0}});
  // "result sign is the xor of the signs; magnitude the min of the magnitudes".
  expect_lanes("min.xorsign.abs.f32 %o, %a, %b;", kTwo,
               {{{f32(-3), f32(2)}, f32(-2)}, {{f32(-3), f32(-2)}, f32(2)}});
  expect_lanes("max.xorsign.abs.f32 %o, %a, %b;", kTwo, {{{f32(-3), f32(2)}, f32(-3)}});
  expect_lanes("max.f32 %o, %a, %b, %c;", kThree,
               {{{f32(1), f32(5), f32(3)}, f32(5)}, {{kNan, f32(-5), f32(-3)}, f32(-3)}});
  expect_lanes("min.abs.f32 %o, %a, %b, %c;", kThree, {{{f32(-4), f32(-5), f32(7)}, f32(4)}});
  expect_lanes("min.NaN.f32 %o, %a, %b, %c;", kThree, {{{f32(-4), f32(-5), kOtherNan}, kNan}});
  expect_lanes("min.f64 %o, %a, %b;", kTwoDoubles,
               {{{f64(1), f64(-2)}, f64(-2)}, {{f64(0.0), f64(-0.0)}, f64(-0.0)}});
}

TEST(FloatSign, ChangesTheSignBitOnly) {
  expect_lanes("neg.f32 %o, %a;", kOne,
               {{{f32(1)}, f32(-1)}, {{0}, kMinusZero}, {{kSubnormal}, 0x80000001}});
  expect_lanes("neg.ftz.f32 %o, %a;", kOne, {{{kSubnormal}, kMinusZero}});
  expect_lanes("abs.f32 %o, %a;", kOne, {{{f32(-1)}, f32(1)}, {{kMinusZero}, 0}});
  expect_lanes("abs.f64 %o, %a;", "b64 -> b64", {{{f64(-3)}, f64(3)}});
  // "copysign: copies the sign of a into b".
  expect_lanes("copysign.f32 %o, %a, %b;", kTwo,
               {{{f32(-1), f32(3)}, f32(-3)}, {{f32(1), f32(-3)}, f32(3)}});
  expect_lanes("copysign.f64 %o, %a, %b;", kTwoDoubles, {{{f64(-1), f64(3)}, f64(-3)}});
}

TEST(FloatTest, TellsKindsOfNumbersApart) {
  const char* signature = "b32 -> pred";
  expect_lanes("testp.finite.f32 %o, %a;", signature, {{{f32(1)}, 1}, {{kInf}, 0}, {{kNan}, 0}});
  expect_lanes("testp.infinite.f32 %o, %a;", signature, {{{kMinusInf}, 1}, {{kNan}, 0}});
  expect_lanes("testp.number.f32 %o, %a;", signature, {{{kInf}, 1}, {{kNan}, 0}});
  expect_lanes("testp.notanumber.f32 %o, %a;", signature, {{{kOtherNan}, 1}, {{0}, 0}});
  expect_lanes("testp.normal.f32 %o, %a;", signature,
               {{{f32(1)}, 1}, {{kSubnormal}, 0}, {{kInf}, 0}, {{0}, 0}});
  expect_lanes("testp.subnormal.f32 %o, %a;", signature,
               {{{kSubnormal}, 1}, {{kSmallestNormal}, 0}, {{0}, 0}});
  expect_lanes("testp.subnormal.f64 %o, %a;", "b64 -> pred", {{{1}, 1}, {{f64(1)}, 0}});
}

TEST(Double, RoundsAsTheModeSays) {
  const std::uint64_t third =
      0x3fd5555555555555;  // 1/3 rounded down; the remainder is a third of a bit
  expect_lanes("div.rn.f64 %o, %a, %b;", kTwoDoubles, {{{f64(1), f64(3)}, third}});
  expect_lanes("div.rp.f64 %o, %a, %b;", kTwoDoubles, {{{f64(1), f64(3)}, third + 1}});
  expect_lanes("div.rm.f64 %o, %a, %b;", kTwoDoubles,
               {{{f64(-1), f64(3)}, (third + 1) | 1ull << 63}});
  expect_lanes("add.rz.f64 %o, %a, %b;", kTwoDoubles, {{{f64(-1), f64(0x1p-80)}, f64(-1) - 1}});
  expect_lanes("add.rp.f64 %o, %a, %b;", kTwoDoubles, {{{f64(1), f64(0x1p-80)}, f64(1) + 1}});
  expect_lanes("sub.f64 %o, %a, %b;", kTwoDoubles, {{{f64(5), f64(7)}, f64(-2)}});
  expect_lanes("mul.rm.f64 %o, %a, %b;", kTwoDoubles,
               {{{f64(1 + 0x1p-52), f64(1 + 0x1p-52)}, f64(1 + 0x1p-51)}});
  expect_lanes("mul.rp.f64 %o, %a, %b;", kTwoDoubles,
               {{{f64(1 + 0x1p-52), f64(1 + 0x1p-52)}, f64(1 + 0x1p-51) + 1}});
  expect_lanes("fma.rn.f64 %o, %a, %b, %c;", "b64 b64 b64 -> b64",
               {{{f64(1 + 0x1p-30), f64(1 + 0x1p-30), f64(-(1 + 0x1p-29))}, f64(0x1p-60)}});
  expect_lanes("sqrt.rn.f64 %o, %a;", "b64 -> b64", {{{f64(2)}, 0x3ff6a09e667f3bcd}});
  expect_lanes("sqrt.rz.f64 %o, %a;", "b64 -> b64", {{{f64(2)}, 0x3ff6a09e667f3bcc}});
  expect_lanes("rcp.rn.f64 %o, %a;", "b64 -> b64", {{{f64(4)}, f64(0.25)}});
  // "the lower 32 bits of the result are zero".
  expect_lanes("rcp.approx.ftz.f64 %o, %a;", "b64 -> b64",
               {{{f64(4)}, f64(0.25)}, {{f64(3)}, 0x3fd5555500000000}});
  expect_lanes("rsqrt.approx.f64 %o, %a;", "b64 -> b64", {{{f64(4)}, f64(0.5)}});
}

TEST(Float, RefusesFormsThatPtxDoesNotHave) {
  expect_refused("fma.rn.relu.f32 %o, %a, %b, %c;", kThree, ".relu");
  expect_refused("div.f32 %o, %a, %b;", kTwo, ".rn");
  expect_refused("sin.f32 %o, %a;", kOne, ".approx");
  expect_refused("add.ftz.f64 %o, %a, %b;", kTwoDoubles, ".ftz");
}

}  // namespace
}  // namespace moe::simt

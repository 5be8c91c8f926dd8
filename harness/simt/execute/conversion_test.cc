// Vectors worked by hand from the rules of PTX ISA 9.0, "cvt", "cvt.pack", "mov", "cvta",
// "isspacep".
#include <cmath>

#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr std::uint64_t kNan = 0x7fffffff;
constexpr std::uint64_t kInf = 0x7f800000;

TEST(ConvertIntegers, ExtendsAndCuts) {
  expect_lanes("cvt.u64.u32 %o, %a;", "b32 -> b64", {{{0xffffffff}, 0xffffffff}});
  expect_lanes("cvt.s64.s32 %o, %a;", "b32 -> b64", {{{0xffffffff}, ~0ull}, {{5}, 5}});
  expect_lanes("cvt.u32.u64 %o, %a;", "b64 -> b32", {{{0x123456789abcdef0}, 0x9abcdef0}});
  expect_lanes("cvt.u16.u32 %o, %a;", "b32 -> b16", {{{0x12345678}, 0x5678}});
  expect_lanes("cvt.s32.s16 %o, %a;", "b16 -> b32", {{{0x8000}, 0xffff8000}});
  expect_lanes("cvt.u32.u16 %o, %a;", "b16 -> b32", {{{0x8000}, 0x8000}});
  // An 8-bit source takes the low byte of its register.
  expect_lanes("cvt.s32.s8 %o, %a;", "b32 -> b32", {{{0x1280}, 0xffffff80}, {{0xff7f}, 0x7f}});
  expect_lanes("cvt.u32.u8 %o, %a;", "b16 -> b32", {{{0xff80}, 0x80}});
  expect_lanes("cvt.s16.s8 %o, %a;", "b16 -> b16", {{{0x0080}, 0xff80}});
}

// "Operand Size Exceeding Instruction-Type Size": a signed result is sign-extended to the register.
TEST(ConvertIntegers, FillsAWiderRegister) {
  expect_lanes("cvt.s8.s32 %o, %a;", "b32 -> b16", {{{0x80}, 0xff80}, {{0x17f}, 0x7f}});
  expect_lanes("cvt.s8.s32 %o, %a;", "b32 -> b32", {{{0x80}, 0xffffff80}});
  expect_lanes("cvt.u8.u32 %o, %a;", "b32 -> b32", {{{0x1280}, 0x80}});
  expect_lanes("cvt.s16.s32 %o, %a;", "b32 -> b64", {{{0x18000}, 0xffffffffffff8000}});
  expect_lanes("cvt.u32.u32 %o, %a;", "b64 -> b64", {{{0x123456789}, 0x23456789}});
  expect_lanes("cvt.s64.s8 %o, %a;", "b64 -> b64", {{{0x180}, 0xffffffffffffff80}});
}

TEST(ConvertIntegers, Saturates) {
  expect_lanes("cvt.sat.u8.s32 %o, %a;", "b32 -> b32", {{{0xffffffff}, 0}, {{300}, 255}, {{7}, 7}});
  expect_lanes("cvt.sat.s8.s32 %o, %a;", "b32 -> b16", {{{0xffffff00}, 0xff80}, {{300}, 0x7f}});
  expect_lanes("cvt.sat.u32.s64 %o, %a;", "b64 -> b32", {{{~0ull}, 0}, {{1ull << 40}, 0xffffffff}});
  expect_lanes("cvt.sat.s32.u32 %o, %a;", "b32 -> b32", {{{0xffffffff}, 0x7fffffff}});
}

// 2^24 + 1 lies half way between two floats, 2^24 + 3 too.
TEST(ConvertIntegerToFloat, RoundsAsTheModeSays) {
  const char* signature = "b32 -> b32";
  expect_lanes("cvt.rn.f32.u32 %o, %a;", signature,
               {{{0x1000001}, f32(0x1p24f)},
                {{0x1000003}, f32(0x1.000004p24f)},
                {{0xffffffff}, f32(0x1p32f)}});
  expect_lanes("cvt.rz.f32.u32 %o, %a;", signature, {{{0xffffffff}, f32(0x1.fffffep31f)}});
  expect_lanes("cvt.rp.f32.s32 %o, %a;", signature,
               {{{0x1000001}, f32(0x1.000002p24f)}, {{0xfeffffff}, f32(-0x1p24f)}});
  expect_lanes("cvt.rm.f32.s32 %o, %a;", signature,
               {{{0x1000001}, f32(0x1p24f)}, {{0xfeffffff}, f32(-0x1.000002p24f)}});
  expect_lanes("cvt.rn.f32.s64 %o, %a;", "b64 -> b32",
               {{{~0ull}, f32(-1)}, {{0x1000001000000001}, f32(0x1.000002p60f)}});
  expect_lanes("cvt.rz.f32.u64 %o, %a;", "b64 -> b32", {{{~0ull}, f32(0x1.fffffep63f)}});
  expect_lanes("cvt.rn.f64.s32 %o, %a;", "b32 -> b64", {{{0x80000000}, f64(-0x1p31)}});
  expect_lanes("cvt.rn.f64.u64 %o, %a;", "b64 -> b64",
               {{{~0ull}, f64(0x1p64)}, {{(1ull << 53) + 1}, f64(0x1p53)}});
  expect_lanes("cvt.rp.f64.u64 %o, %a;", "b64 -> b64", {{{(1ull << 53) + 1}, f64(0x1p53 + 2)}});
  expect_lanes("cvt.rz.f64.s64 %o, %a;", "b64 -> b64", {{{0 - ((1ull << 53) + 1)}, f64(-0x1p53)}});
  expect_lanes("cvt.rn.f16.s32 %o, %a;", "b32 -> b16",
               {{{2049}, 0x6800}, {{2051}, 0x6802}, {{70000}, 0x7c00}, {{0xffffffff}, 0xbc00}});
  expect_lanes("cvt.rn.bf16.u32 %o, %a;", "b32 -> b16", {{{257}, 0x4380}, {{3}, 0x4040}});
  expect_lanes("cvt.rn.f32.s8 %o, %a;", "b32 -> b32", {{{0x80}, f32(-128)}});
}

TEST(ConvertFloatToInteger, RoundsAsTheModeSays) {
  const char* signature = "b32 -> b32";
  expect_lanes("cvt.rni.s32.f32 %o, %a;", signature,
               {{{f32(2.5f)}, 2}, {{f32(3.5f)}, 4}, {{f32(-2.5f)}, 0xfffffffe}});
  expect_lanes("cvt.rzi.s32.f32 %o, %a;", signature,
               {{{f32(2.9f)}, 2}, {{f32(-2.9f)}, 0xfffffffe}});
  expect_lanes("cvt.rmi.s32.f32 %o, %a;", signature, {{{f32(-2.1f)}, 0xfffffffd}});
  expect_lanes("cvt.rpi.s32.f32 %o, %a;", signature, {{{f32(2.1f)}, 3}, {{1}, 1}});
  expect_lanes("cvt.rpi.ftz.s32.f32 %o, %a;", signature, {{{1}, 0}});  // a subnormal
}

// "clamped to the range of the destination"; NaN: "zero if source is not .f64 and destination is
// not .s64, nor .u64; otherwise 1 << (BitWidth(dst) - 1)".
TEST(ConvertFloatToInteger, ClampsAndGivesNanAValue) {
  const char* signature = "b32 -> b32";
  expect_lanes(
      "cvt.rzi.s32.f32 %o, %a;", signature,
      {{{f32(3e9f)}, 0x7fffffff}, {{f32(-3e9f)}, 0x80000000}, {{kInf}, 0x7fffffff}, {{kNan}, 0}});
  expect_lanes("cvt.rzi.u32.f32 %o, %a;", signature,
               {{{f32(-1)}, 0}, {{f32(5e9f)}, 0xffffffff}, {{f32(3e9f)}, 3000000000}, {{kNan}, 0}});
  expect_lanes("cvt.rzi.s8.f32 %o, %a;", "b32 -> b16", {{{f32(200)}, 0x7f}, {{f32(-200)}, 0xff80}});
  expect_lanes("cvt.rzi.u16.f32 %o, %a;", "b32 -> b16",
               {{{f32(70000)}, 0xffff}, {{f32(65535)}, 0xffff}});
  expect_lanes(
      "cvt.rzi.s64.f32 %o, %a;", "b32 -> b64",
      {{{kNan}, 1ull << 63}, {{f32(-0x1p40f)}, 0 - (1ull << 40)}, {{f32(0x1p63f)}, ~0ull >> 1}});
  expect_lanes("cvt.rzi.u64.f64 %o, %a;", "b64 -> b64",
               {{{f64(0x1.8p63)}, 3ull << 62}, {{f64(NAN)}, 1ull << 63}, {{f64(1e30)}, ~0ull}});
  expect_lanes("cvt.rzi.s32.f64 %o, %a;", "b64 -> b32",
               {{{f64(NAN)}, 0x80000000}, {{f64(-7.5)}, 0xfffffff9}, {{f64(1e10)}, 0x7fffffff}});
  expect_lanes("cvt.rni.s32.f16 %o, %a;", "b16 -> b32",
               {{{0xbe00}, 0xfffffffe}, {{0x7c00}, 0x7fffffff}});  // -1.5
  expect_lanes("cvt.rzi.u32.bf16 %o, %a;", "b16 -> b32", {{{0x4049}, 3}});
}

TEST(ConvertFloats, RoundsAndClamps) {
  const char* signature = "b32 -> b32";
  expect_lanes("cvt.rn.f32.f64 %o, %a;", "b64 -> b32",
               {{{f64(1 + 0x1p-24)}, f32(1)}, {{f64(1e300)}, kInf}, {{f64(NAN)}, kNan}});
  expect_lanes("cvt.rp.f32.f64 %o, %a;", "b64 -> b32", {{{f64(1 + 0x1p-50)}, 0x3f800001}});
  expect_lanes("cvt.f64.f32 %o, %a;", "b32 -> b64",
               {{{f32(-1.5f)}, f64(-1.5)}, {{1}, f64(0x1p-149)}});
  expect_lanes("cvt.ftz.f64.f32 %o, %a;", "b32 -> b64", {{{1}, 0}});
  expect_lanes("cvt.rni.f32.f32 %o, %a;", signature,
               {{{f32(2.5f)}, f32(2)}, {{f32(-0.25f)}, f32(-0.0f)}});
  expect_lanes("cvt.rpi.f32.f32 %o, %a;", signature, {{{f32(2.1f)}, f32(3)}});
  expect_lanes("cvt.rmi.f64.f64 %o, %a;", "b64 -> b64", {{{f64(-2.1)}, f64(-3)}});
  expect_lanes("cvt.sat.f32.f32 %o, %a;", signature,
               {{{f32(2)}, f32(1)}, {{f32(-2)}, 0}, {{kNan}, 0}});
  expect_lanes("cvt.f32.f16 %o, %a;", "b16 -> b32",
               {{{0x3c01}, f32(1 + 0x1p-10f)},
                {{0x0001}, f32(0x1p-24f)},
                {{0xfc00}, 0xff800000},
                {{0x7e00}, kNan}});
  expect_lanes("cvt.f32.bf16 %o, %a;", "b16 -> b32", {{{0x4049}, 0x40490000}, {{0xffff}, kNan}});
  expect_lanes("cvt.f64.f16 %o, %a;", "b16 -> b64", {{{0xc000}, f64(-2)}});
}

TEST(ConvertToHalf, RoundsOnce) {
  const char* signature = "b32 -> b16";
  expect_lanes("cvt.rn.f16.f32 %o, %a;", signature,
               {{{f32(1 + 0x1p-11f)}, 0x3c00},
                {{f32(1 + 0x3p-11f)}, 0x3c02},
                {{f32(65520)}, 0x7c00},
                {{f32(0x1p-25f)}, 0},
                {{f32(0x1.8p-25f)}, 1}});
  expect_lanes("cvt.rz.f16.f32 %o, %a;", signature,
               {{{f32(1e9f)}, 0x7bff}, {{f32(-1.9999f)}, 0xbfff}});
  expect_lanes("cvt.rn.satfinite.f16.f32 %o, %a;", signature,
               {{{f32(1e9f)}, 0x7bff}, {{0xff800000}, 0xfbff}, {{kNan}, 0x7fff}});
  expect_lanes("cvt.rn.relu.f16.f32 %o, %a;", signature,
               {{{f32(-1)}, 0}, {{f32(1)}, 0x3c00}, {{kNan}, 0x7fff}});
  expect_lanes(
      "cvt.rn.bf16.f32 %o, %a;", signature,
      {{{0x3f808000}, 0x3f80}, {{0x3f818000}, 0x3f82}, {{0x3f808001}, 0x3f81}, {{kNan}, 0x7fff}});
  expect_lanes("cvt.rz.bf16.f32 %o, %a;", signature, {{{0x3f81ffff}, 0x3f81}});
  // Twice rounded this would be the even 0x3c00: the double's tail decides.
  expect_lanes("cvt.rn.f16.f64 %o, %a;", "b64 -> b16", {{{f64(1 + 0x1p-11 + 0x1p-40)}, 0x3c01}});
  expect_lanes("cvt.rn.f16.bf16 %o, %a;", "b16 -> b16", {{{0x4040}, 0x4200}});
}

TEST(ConvertTf32, RoundsTiesAway) {
  const char* signature = "b32 -> b32";
  expect_lanes(
      "cvt.rna.tf32.f32 %o, %a;", signature,
      {{{0x3f801000}, 0x3f802000}, {{0x3f800fff}, 0x3f800000}, {{0xbf801000}, 0xbf802000}});
  expect_lanes("cvt.rn.tf32.f32 %o, %a;", signature,
               {{{0x3f801000}, 0x3f800000}, {{0x3f803000}, 0x3f804000}});
  expect_lanes("cvt.rz.relu.tf32.f32 %o, %a;", signature,
               {{{0x3f803fff}, 0x3f802000}, {{f32(-1)}, 0}});
}

// "For two inputs, the value from a goes to the upper half of d".
TEST(ConvertPacked, PutsTheFirstOperandAbove) {
  const char* signature = "b32 b32 -> b32";
  expect_lanes("cvt.rn.f16x2.f32 %o, %a, %b;", signature, {{{f32(1), f32(2)}, 0x3c004000}});
  expect_lanes("cvt.rn.bf16x2.f32 %o, %a, %b;", signature, {{{f32(1), f32(-2)}, 0x3f80c000}});
  expect_lanes("cvt.rn.relu.bf16x2.f32 %o, %a, %b;", signature, {{{f32(1), f32(-2)}, 0x3f800000}});
  expect_lanes("cvt.rz.satfinite.f16x2.f32 %o, %a, %b;", signature, {{{kInf, f32(2)}, 0x7bff4000}});
  expect_lanes("cvt.rn.satfinite.e4m3x2.f32 %o, %a, %b;", "b32 b32 -> b16",
               {{{f32(1), f32(1e9f)}, 0x387e}, {{f32(-2), kNan}, 0xc07f}});
  expect_lanes("cvt.rn.satfinite.relu.e5m2x2.f32 %o, %a, %b;", "b32 b32 -> b16",
               {{{f32(1), f32(-1)}, 0x3c00}});
  expect_lanes("cvt.rn.satfinite.e4m3x2.f16x2 %o, %a;", "b32 -> b16", {{{0x3c007bff}, 0x387e}});
  expect_lanes("cvt.rn.f16x2.e4m3x2 %o, %a;", "b16 -> b32",
               {{{0x38c0}, 0x3c00c000}, {{0x7f01}, 0x7fff1800}});
  expect_lanes("cvt.rn.relu.f16x2.e5m2x2 %o, %a;", "b16 -> b32", {{{0x3cbc}, 0x3c000000}});
  expect_lanes("cvt.pack.sat.s16.s32 %o, %a, %b;", signature, {{{100000, 0xfffffffe}, 0x7ffffffe}});
  expect_lanes("cvt.pack.sat.u8.s32.b32 %o, %a, %b, %c;", "b32 b32 b32 -> b32",
               {{{300, 0xffffffff, 0xaabbccdd}, 0xccddff00}});
}

TEST(Move, PacksAndUnpacks) {
  expect_lanes("mov.b64 %o, {%a, %b};", "b32 b32 -> b64",
               {{{0x11111111, 0x22222222}, 0x2222222211111111}});
  expect_lanes("mov.b64 {_, %o}, %a;", "b64 -> b32", {{{0x2222222211111111}, 0x22222222}});
  expect_lanes("mov.b64 {%t0, %t1}, %a; mov.b64 %o, {%t1, %t0};", "b64 -> b64",
               {{{0x0123456789abcdef}, 0x89abcdef01234567}});
  expect_lanes("mov.b32 {%h0, %h1}, %a; mov.b32 %o, {%h1, %h0};", "b32 -> b32",
               {{{0x12345678}, 0x56781234}});
  expect_lanes(
      "{ .reg .b16 %q<4>; mov.b64 {%q0, %q1, %q2, %q3}, %a; mov.b64 %o, {%q3, %q2, %q1, %q0}; }",
      "b64 -> b64", {{{0x0001000200030004}, 0x0004000300020001}});
  expect_lanes(
      "{ .reg .b128 %q; mov.b128 %q, {%a, %b}; .reg .b128 %r; mov.b128 %r, %q; mov.b128 {%u0, %o}, "
      "%r; }",
      "b64 b64 -> b64", {{{1, 0x123456789}, 0x123456789}});
  expect_lanes("mov.b32 %o, %laneid; and.b32 %o, %o, 0;", "b32 -> b32", {{{7}, 0}});
  expect_lanes("mov.b16 %o, 0xbeef;", "b32 -> b16", {{{7}, 0xbeef}});
  expect_lanes("mov.f32 %o, 0f3FC00000;", "b32 -> b32", {{{7}, f32(1.5f)}});
}

TEST(Address, GoesToGenericAndBack) {
  expect_lanes("cvta.shared.u64 %u0, %a; cvta.to.shared.u64 %o, %u0;", "b64 -> b64",
               {{{1040}, 1040}});
  expect_lanes("cvta.global.u64 %o, %a;", "b64 -> b64", {{{0x7f0012345678}, 0x7f0012345678}});
  const char* signature = "b64 -> pred";
  expect_lanes("cvta.shared.u64 %u0, %a; isspacep.shared %o, %u0;", signature, {{{1040}, 1}});
  expect_lanes("cvta.shared.u64 %u0, %a; isspacep.global %o, %u0;", signature, {{{1040}, 0}});
  expect_lanes("cvta.local.u64 %u0, %a; isspacep.local %o, %u0;", signature, {{{16}, 1}});
  expect_lanes("isspacep.global %o, %a;", signature, {{{0x7f0012345678}, 1}});
  expect_lanes("isspacep.shared::cluster %o, %a;", signature, {{{0x7f0012345678}, 0}});
}

TEST(Conversion, RefusesFormsThatPtxDoesNotHave) {
  expect_refused("cvt.s32.f32 %o, %a;", "b32 -> b32", "no such form");
  expect_refused("cvt.f32.s32 %o, %a;", "b32 -> b32", "no such form");
  expect_refused("cvt.f32.f64 %o, %a;", "b64 -> b32", "no such form");
  expect_refused("cvt.rn.e4m3x2.f32 %o, %a, %b;", "b32 b32 -> b16", ".satfinite");
  expect_refused("cvt.rs.f16x2.f32 %o, %a, %b, %c;", "b32 b32 b32 -> b32", "packed");
  expect_refused("mov.b64 %o, {%a, %b};", "b16 b16 -> b64", "size");
}

}  // namespace
}  // namespace moe::simt

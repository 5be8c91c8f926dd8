// Vectors worked by hand from the rules of PTX ISA 9.0, "Comparison and Select Instructions".
#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr const char* kTwo = "b32 b32 -> pred";
constexpr std::uint64_t kNan = 0x7fffffff;
constexpr std::uint64_t kMinusOne = 0xffffffff;

TEST(CompareIntegers, AsTheTypeSays) {
  expect_lanes("setp.lt.s32 %o, %a, %b;", kTwo, {{{kMinusOne, 1}, 1}, {{1, 1}, 0}});
  expect_lanes("setp.lt.u32 %o, %a, %b;", kTwo, {{{kMinusOne, 1}, 0}});
  expect_lanes("setp.lo.u32 %o, %a, %b;", kTwo, {{{1, kMinusOne}, 1}});
  expect_lanes("setp.ls.u32 %o, %a, %b;", kTwo, {{{2, 2}, 1}, {{3, 2}, 0}});
  expect_lanes("setp.hi.u32 %o, %a, %b;", kTwo, {{{kMinusOne, 1}, 1}});
  expect_lanes("setp.hs.u32 %o, %a, %b;", kTwo, {{{2, 2}, 1}, {{1, 2}, 0}});
  expect_lanes("setp.ge.s32 %o, %a, %b;", kTwo, {{{kMinusOne, 1}, 0}, {{1, 1}, 1}});
  expect_lanes("setp.ne.b32 %o, %a, %b;", kTwo, {{{1, 2}, 1}, {{2, 2}, 0}});
  expect_lanes("setp.eq.b64 %o, %a, %b;", "b64 b64 -> pred",
               {{{1ull << 40, 1ull << 40}, 1}, {{1ull << 40, 0}, 0}});
  expect_lanes("setp.gt.s64 %o, %a, %b;", "b64 b64 -> pred", {{{1, ~0ull}, 1}});
  expect_lanes("setp.le.s16 %o, %a, %b;", "b16 b16 -> pred", {{{0xffff, 1}, 1}});
  expect_lanes("setp.le.u16 %o, %a, %b;", "b16 b16 -> pred", {{{0xffff, 1}, 0}});
}

// "If either operand is NaN, the result of an ordered comparison is false, of an unordered one
// true."
TEST(CompareFloats, OrderedAndNot) {
  const std::vector<std::uint64_t> equal = {f32(2), f32(2)};
  const std::vector<std::uint64_t> less = {f32(1), f32(2)};
  const std::vector<std::uint64_t> nan = {kNan, f32(2)};
  expect_lanes("setp.eq.f32 %o, %a, %b;", kTwo,
               {{equal, 1}, {less, 0}, {nan, 0}, {{0, 0x80000000}, 1}});
  expect_lanes("setp.ne.f32 %o, %a, %b;", kTwo, {{equal, 0}, {less, 1}, {nan, 0}});
  expect_lanes("setp.lt.f32 %o, %a, %b;", kTwo, {{equal, 0}, {less, 1}, {nan, 0}});
  expect_lanes("setp.ge.f32 %o, %a, %b;", kTwo, {{equal, 1}, {less, 0}, {nan, 0}});
  expect_lanes("setp.equ.f32 %o, %a, %b;", kTwo, {{equal, 1}, {less, 0}, {nan, 1}});
  expect_lanes("setp.neu.f32 %o, %a, %b;", kTwo, {{equal, 0}, {less, 1}, {nan, 1}});
  expect_lanes("setp.ltu.f32 %o, %a, %b;", kTwo, {{equal, 0}, {less, 1}, {nan, 1}});
  expect_lanes("setp.leu.f32 %o, %a, %b;", kTwo, {{equal, 1}, {less, 1}, {nan, 1}});
  expect_lanes("setp.gtu.f32 %o, %a, %b;", kTwo, {{equal, 0}, {less, 0}, {nan, 1}});
  expect_lanes("setp.geu.f32 %o, %a, %b;", kTwo, {{equal, 1}, {less, 0}, {nan, 1}});
  expect_lanes("setp.num.f32 %o, %a, %b;", kTwo, {{equal, 1}, {nan, 0}, {{f32(1), kNan}, 0}});
  expect_lanes("setp.nan.f32 %o, %a, %b;", kTwo, {{equal, 0}, {nan, 1}, {{f32(1), kNan}, 1}});
  // ".ftz: subnormal inputs are flushed".
  expect_lanes("setp.eq.ftz.f32 %o, %a, %b;", kTwo, {{{1, 2}, 1}});
  expect_lanes("setp.eq.f32 %o, %a, %b;", kTwo, {{{1, 2}, 0}});
  expect_lanes("setp.lt.f64 %o, %a, %b;", "b64 b64 -> pred", {{{f64(-1), f64(1)}, 1}});
  expect_lanes("setp.gt.f16 %o, %a, %b;", "b16 b16 -> pred",
               {{{0x4000, 0x3c00}, 1}, {{0xc000, 0x3c00}, 0}});
  expect_lanes("setp.lt.bf16 %o, %a, %b;", "b16 b16 -> pred", {{{0xbf80, 0x3f80}, 1}});
}

// "p = BoolOp(t, c); q = BoolOp(!t, c)" with t the comparison.
TEST(SetPredicate, CombinesAndSetsTwo) {
  const char* signature = "b32 b32 pred -> pred";
  expect_lanes("setp.eq.and.s32 %o, %a, %b, %c;", signature,
               {{{1, 1, 1}, 1}, {{1, 1, 0}, 0}, {{1, 2, 1}, 0}});
  expect_lanes("setp.eq.or.s32 %o, %a, %b, !%c;", signature, {{{1, 2, 0}, 1}, {{1, 2, 1}, 0}});
  expect_lanes("setp.eq.xor.s32 %o, %a, %b, %c;", signature, {{{1, 1, 1}, 0}, {{1, 2, 1}, 1}});
  expect_lanes("setp.eq.and.s32 %p0|%o, %a, %b, %c;", signature,
               {{{1, 1, 1}, 0}, {{1, 2, 1}, 1}, {{1, 2, 0}, 0}});
  expect_lanes("setp.eq.s32 %o|%p0, %a, %b;", kTwo, {{{1, 1}, 1}, {{1, 2}, 0}});
  expect_lanes("setp.eq.s32 _|%o, %a, %b;", kTwo, {{{1, 1}, 0}, {{1, 2}, 1}});
  // Packed: p of the lower halves, q of the upper ones.
  expect_lanes("setp.lt.f16x2 %o|%p0, %a, %b;", kTwo, {{{0x40003c00, 0x3c004000}, 1}});
  expect_lanes("setp.lt.f16x2 %p0|%o, %a, %b;", kTwo, {{{0x40003c00, 0x3c004000}, 0}});
  expect_lanes("setp.gt.bf16x2 %p0|%o, %a, %b;", kTwo, {{{0x40003f80, 0x3f804000}, 1}});
}

// "set: 1.0f or 0xffffffff for true".
TEST(SetValue, WritesTheTypesTrue) {
  const char* signature = "b32 b32 -> b32";
  expect_lanes("set.lt.u32.s32 %o, %a, %b;", signature,
               {{{kMinusOne, 1}, 0xffffffff}, {{1, 1}, 0}});
  expect_lanes("set.lt.f32.f32 %o, %a, %b;", signature,
               {{{f32(1), f32(2)}, f32(1)}, {{kNan, f32(2)}, 0}});
  expect_lanes("set.eq.or.u32.u32 %o, %a, %b, %c;", "b32 b32 pred -> b32",
               {{{1, 2, 1}, 0xffffffff}, {{1, 2, 0}, 0}});
  expect_lanes("set.gt.f16x2.f16x2 %o, %a, %b;", signature,
               {{{0x40003c00, 0x3c004000}, 0x3c000000}});
  expect_lanes("set.gt.u32.bf16x2 %o, %a, %b;", signature,
               {{{0x40003f80, 0x3f804000}, 0xffff0000}});
  expect_lanes("set.ge.bf16.bf16 %o, %a, %b;", "b16 b16 -> b16", {{{0x4000, 0x4000}, 0x3f80}});
}

TEST(Select, TakesOneOfTwo) {
  expect_lanes("selp.b32 %o, %a, %b, %c;", "b32 b32 pred -> b32", {{{1, 2, 1}, 1}, {{1, 2, 0}, 2}});
  expect_lanes("selp.f64 %o, %a, %b, %c;", "b64 b64 pred -> b64", {{{f64(1), f64(2), 0}, f64(2)}});
  expect_lanes("selp.b16 %o, %a, %b, !%c;", "b16 b16 pred -> b16", {{{1, 2, 1}, 2}});
  // "slct: c >= 0 ? a : b"; "for .f32, -0.0 equals 0; NaN selects b".
  expect_lanes("slct.u32.s32 %o, %a, %b, %c;", "b32 b32 b32 -> b32",
               {{{1, 2, 0}, 1}, {{1, 2, kMinusOne}, 2}});
  expect_lanes("slct.f32.f32 %o, %a, %b, %c;", "b32 b32 b32 -> b32",
               {{{1, 2, 0x80000000}, 1}, {{1, 2, kNan}, 2}, {{1, 2, 0x80000001}, 2}});
  expect_lanes("slct.ftz.f32.f32 %o, %a, %b, %c;", "b32 b32 b32 -> b32", {{{1, 2, 0x80000001}, 1}});
  expect_lanes("slct.b64.s32 %o, %a, %b, %c;", "b64 b64 b32 -> b64",
               {{{1ull << 40, 2, 5}, 1ull << 40}});
}

TEST(Compare, RefusesFormsThatPtxDoesNotHave) {
  expect_refused("setp.lt.b32 %o, %a, %b;", kTwo, "comparison");
  expect_refused("setp.ltu.s32 %o, %a, %b;", kTwo, "comparison");
  expect_refused("setp.u32 %o, %a, %b;", kTwo, "comparison");
}

}  // namespace
}  // namespace moe::simt

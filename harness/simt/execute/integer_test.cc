// Vectors worked by hand from the rules of PTX ISA 9.0, "Integer Arithmetic Instructions" and
// "Extended-Precision Integer Arithmetic Instructions". The rule stands above each.
#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr const char* kTwo16 = "b16 b16 -> b16";
constexpr const char* kTwo32 = "b32 b32 -> b32";
constexpr const char* kTwo64 = "b64 b64 -> b64";
constexpr const char* kThree32 = "b32 b32 b32 -> b32";

// "d = a + b", modulo the width.
TEST(IntegerAdd, Wraps) {
  expect_lanes("add.u32 %o, %a, %b;", kTwo32, {{{0xffffffff, 1}, 0}, {{7, 8}, 15}});
  expect_lanes("add.s32 %o, %a, %b;", kTwo32, {{{0x7fffffff, 1}, 0x80000000}});
  expect_lanes("add.u16 %o, %a, %b;", kTwo16, {{{0xffff, 2}, 1}, {{0x7fff, 1}, 0x8000}});
  expect_lanes("add.s64 %o, %a, %b;", kTwo64, {{{~0ull, 2}, 1}, {{1ull << 63, 1ull << 63}, 0}});
}

// ".sat limits result to MININT..MAXINT (no overflow)".
TEST(IntegerAdd, SaturatesSigned) {
  expect_lanes("add.sat.s32 %o, %a, %b;", kTwo32,
               {{{0x7fffffff, 1}, 0x7fffffff},
                {{0x80000000, 0xffffffff}, 0x80000000},
                {{5, 0xfffffffd}, 2}});
  expect_lanes("sub.sat.s32 %o, %a, %b;", kTwo32,
               {{{0x80000000, 1}, 0x80000000}, {{0x7fffffff, 0xffffffff}, 0x7fffffff}});
}

// "For .u16x2, .s16x2 ... input vectors are formed from half word values ... added in parallel".
TEST(IntegerAdd, AddsHalvesApart) {
  expect_lanes("add.u16x2 %o, %a, %b;", kTwo32, {{{0x0001ffff, 0x00010001}, 0x00020000}});
  expect_lanes("add.s16x2 %o, %a, %b;", kTwo32, {{{0x7fff8000, 0x0001ffff}, 0x80007fff}});
}

TEST(IntegerSub, Wraps) {
  expect_lanes("sub.u32 %o, %a, %b;", kTwo32, {{{0, 1}, 0xffffffff}});
  expect_lanes("sub.s16 %o, %a, %b;", kTwo16, {{{0, 1}, 0xffff}});
  expect_lanes("sub.u64 %o, %a, %b;", kTwo64, {{{0x100000000, 1}, 0xffffffff}});
}

// ".lo" keeps the low half of the product, ".hi" the upper, ".wide" all of it.
TEST(IntegerMul, KeepsTheHalfAskedFor) {
  expect_lanes("mul.lo.s32 %o, %a, %b;", kTwo32,
               {{{0x10000, 0x10000}, 0}, {{0xffffffff, 5}, 0xfffffffb}});
  expect_lanes("mul.hi.u32 %o, %a, %b;", kTwo32,
               {{{0x10000, 0x10000}, 1}, {{~0u, ~0u}, 0xfffffffe}});
  expect_lanes("mul.hi.s32 %o, %a, %b;", kTwo32, {{{0xffffffff, 5}, 0xffffffff}, {{~0u, ~0u}, 0}});
  expect_lanes("mul.lo.u16 %o, %a, %b;", kTwo16, {{{0x101, 0x101}, 0x0201}, {{0xffff, 0xffff}, 1}});
  expect_lanes("mul.hi.s16 %o, %a, %b;", kTwo16, {{{0x8000, 2}, 0xffff}});
  expect_lanes("mul.hi.u16 %o, %a, %b;", kTwo16, {{{0x8000, 2}, 1}});
  expect_lanes("mul.hi.u64 %o, %a, %b;", kTwo64, {{{~0ull, ~0ull}, ~0ull - 1}});
  expect_lanes("mul.hi.s64 %o, %a, %b;", kTwo64, {{{~0ull, 3}, ~0ull}});
  expect_lanes("mul.lo.s64 %o, %a, %b;", kTwo64, {{{0x100000001, 0x100000001}, 0x200000001}});
  expect_lanes("mul.wide.u32 %o, %a, %b;", "b32 b32 -> b64", {{{~0u, ~0u}, 0xfffffffe00000001}});
  expect_lanes("mul.wide.s32 %o, %a, %b;", "b32 b32 -> b64", {{{~0u, 2}, 0xfffffffffffffffe}});
  expect_lanes("mul.wide.u16 %o, %a, %b;", "b16 b16 -> b32", {{{0xffff, 0xffff}, 0xfffe0001}});
  expect_lanes("mul.wide.s16 %o, %a, %b;", "b16 b16 -> b32", {{{0x8000, 0x8000}, 0x40000000}});
}

TEST(IntegerMad, AddsToTheHalfAskedFor) {
  expect_lanes("mad.lo.u32 %o, %a, %b, %c;", kThree32, {{{3, 4, 5}, 17}, {{~0u, 2, 3}, 1}});
  expect_lanes("mad.hi.u32 %o, %a, %b, %c;", kThree32, {{{0x80000000, 2, 5}, 6}});
  // ".sat ... applies only to .s32 type in .hi mode": 0x3fffffff + 0x7fffffff overflows.
  expect_lanes("mad.hi.sat.s32 %o, %a, %b, %c;", kThree32,
               {{{0x7fffffff, 0x7fffffff, 0x7fffffff}, 0x7fffffff}});
  expect_lanes("mad.wide.u32 %o, %a, %b, %c;", "b32 b32 b64 -> b64", {{{~0u, 1, 1}, 0x100000000}});
  expect_lanes("mad.wide.s32 %o, %a, %b, %c;", "b32 b32 b64 -> b64", {{{~0u, 1, 1}, 0}});
  expect_lanes("mad.lo.s16 %o, %a, %b, %c;", "b16 b16 b16 -> b16", {{{0xffff, 3, 1}, 0xfffe}});
  expect_lanes("mad.lo.s64 %o, %a, %b, %c;", "b64 b64 b64 -> b64", {{{~0ull, 3, 1}, ~0ull - 1}});
}

// "mul24.hi: 32 most significant bits of the 48-bit result; mul24.lo: 32 least significant".
TEST(Integer24, MultipliesTheLow24Bits) {
  expect_lanes("mul24.lo.u32 %o, %a, %b;", kTwo32,
               {{{0xff000003, 5}, 15}, {{0xffffff, 0xffffff}, 0xfe000001}});
  expect_lanes("mul24.hi.u32 %o, %a, %b;", kTwo32, {{{0xffffff, 0xffffff}, 0xfffffe00}});
  expect_lanes("mul24.lo.s32 %o, %a, %b;", kTwo32, {{{0x00ffffff, 5}, 0xfffffffb}});
  expect_lanes("mul24.hi.s32 %o, %a, %b;", kTwo32, {{{0x00ffffff, 5}, 0xffffffff}});
  expect_lanes("mad24.lo.u32 %o, %a, %b, %c;", kThree32, {{{0xff000003, 5, 1}, 16}});
  // -2^23 squared is 2^46: its upper 32 of 48 bits are 2^30; 2^30 + MAXINT overflows.
  expect_lanes("mad24.hi.sat.s32 %o, %a, %b, %c;", kThree32,
               {{{0x800000, 0x800000, 0x7fffffff}, 0x7fffffff}});
}

TEST(IntegerDotProduct, SumsBytes) {
  // 1*1 + 2*2 + 3*3 + 4*4 = 30.
  expect_lanes("dp4a.u32.u32 %o, %a, %b, %c;", kThree32, {{{0x04030201, 0x04030201, 100}, 130}});
  // -1 four times 255, plus 0.
  expect_lanes("dp4a.s32.u32 %o, %a, %b, %c;", kThree32, {{{~0u, ~0u, 0}, 0xfffffc04}});
  expect_lanes("dp4a.s32.s32 %o, %a, %b, %c;", kThree32, {{{~0u, ~0u, 0}, 4}});
  // Halves 2, 1; bytes 4 3 2 1: lo 2*2 + 1*1, hi 2*4 + 1*3.
  expect_lanes("dp2a.lo.u32.u32 %o, %a, %b, %c;", kThree32, {{{0x00020001, 0x04030201, 0}, 5}});
  expect_lanes("dp2a.hi.u32.u32 %o, %a, %b, %c;", kThree32, {{{0x00020001, 0x04030201, 0}, 11}});
  expect_lanes("dp2a.lo.s32.s32 %o, %a, %b, %c;", kThree32,
               {{{0xffff0001, 0x000002ff, 0}, 0xfffffffd}});
}

// "d = c + ((a < b) ? b - a : a - b)".
TEST(IntegerSad, AddsTheDistance) {
  expect_lanes("sad.u32 %o, %a, %b, %c;", kThree32, {{{3, 10, 1}, 8}, {{0xffffffff, 0, 1}, 0}});
  expect_lanes("sad.s32 %o, %a, %b, %c;", kThree32, {{{0xffffffff, 2, 1}, 4}});
  expect_lanes("sad.s16 %o, %a, %b, %c;", "b16 b16 b16 -> b16", {{{0xffff, 2, 1}, 4}});
}

// Truncation towards zero; the sign of the remainder is the dividend's.
TEST(IntegerDiv, TruncatesTowardsZero) {
  expect_lanes("div.s32 %o, %a, %b;", kTwo32,
               {{{0xfffffff9, 2}, 0xfffffffd},
                {{7, 0xfffffffe}, 0xfffffffd},
                {{0x80000000, ~0u}, 0x80000000}});
  expect_lanes("div.u32 %o, %a, %b;", kTwo32, {{{0xfffffff9, 2}, 0x7ffffffc}});
  expect_lanes("rem.s32 %o, %a, %b;", kTwo32,
               {{{0xfffffff9, 2}, 0xffffffff}, {{7, 0xfffffffe}, 1}, {{0x80000000, ~0u}, 0}});
  expect_lanes("rem.u64 %o, %a, %b;", kTwo64, {{{0x10000000000, 7}, 2}});  // 2^40 = 2^(3*13+1)
  expect_lanes("div.s64 %o, %a, %b;", kTwo64, {{{~0ull - 6, 2}, ~0ull - 2}});
  expect_lanes("div.s16 %o, %a, %b;", kTwo16, {{{0xfff9, 2}, 0xfffd}});
}

TEST(IntegerSign, NegatesAndTakesMagnitudes) {
  expect_lanes("neg.s32 %o, %a;", "b32 -> b32", {{{5}, 0xfffffffb}, {{0x80000000}, 0x80000000}});
  expect_lanes("neg.s16 %o, %a;", "b16 -> b16", {{{1}, 0xffff}});
  expect_lanes("abs.s32 %o, %a;", "b32 -> b32", {{{0xfffffffb}, 5}, {{6}, 6}});
  expect_lanes("abs.s64 %o, %a;", "b64 -> b64", {{{~0ull}, 1}});
  expect_lanes("abs.s16 %o, %a;", "b16 -> b16", {{{0xffff}, 1}});
}

TEST(IntegerExtremum, ComparesAsTheTypeSays) {
  expect_lanes("min.s32 %o, %a, %b;", kTwo32, {{{0xffffffff, 1}, 0xffffffff}});
  expect_lanes("min.u32 %o, %a, %b;", kTwo32, {{{0xffffffff, 1}, 1}});
  expect_lanes("max.s16 %o, %a, %b;", kTwo16, {{{0xffff, 1}, 1}});
  expect_lanes("max.u64 %o, %a, %b;", kTwo64, {{{~0ull, 1}, ~0ull}});
  // ".relu ... clamps the result to 0 if negative".
  expect_lanes("max.relu.s32 %o, %a, %b;", kTwo32,
               {{{0xfffffffe, 0xffffffff}, 0}, {{3, 0xffffffff}, 3}});
  expect_lanes("min.s16x2 %o, %a, %b;", kTwo32, {{{0xffff0005, 0x00010003}, 0xffff0003}});
  expect_lanes("max.u16x2 %o, %a, %b;", kTwo32, {{{0xffff0005, 0x00010003}, 0xffff0005}});
  expect_lanes("min.relu.s16x2 %o, %a, %b;", kTwo32, {{{0xffff0005, 0x00010003}, 0x00000003}});
}

// "add.cc writes the carry-out to CC.CF"; "addc adds it"; borrow likewise for subtraction.
TEST(IntegerCarry, LinksWords) {
  expect_lanes(
      "{ .reg .b32 %x, %y, %v, %w; mov.b64 {%x, %y}, %a; mov.b64 {%v, %w}, %b;\n"
      "add.cc.u32 %x, %x, %v; addc.u32 %y, %y, %w; mov.b64 %o, {%x, %y}; }",
      kTwo64,
      {{{0xffffffff, 1}, 0x100000000}, {{0x1ffffffff, 0x2ffffffff}, 0x4fffffffe}, {{1, 2}, 3}});
  expect_lanes(
      "{ .reg .b32 %x, %y, %v, %w; mov.b64 {%x, %y}, %a; mov.b64 {%v, %w}, %b;\n"
      "sub.cc.u32 %x, %x, %v; subc.u32 %y, %y, %w; mov.b64 %o, {%x, %y}; }",
      kTwo64, {{{0x100000000, 1}, 0xffffffff}, {{0, 1}, ~0ull}, {{5, 2}, 3}});
  // The carry of three words, each addc.cc handing on: ~0 + ~0 + carry.
  expect_lanes("add.cc.u32 %t0, %a, %b; addc.cc.u32 %t1, %a, %b; addc.u32 %o, 0, 0;", kTwo32,
               {{{~0u, ~0u}, 1}, {{~0u, 0}, 0}, {{~0u, 1}, 1}});
  // mad.lo.cc: (2^32-1)*1 + 1 carries; madc.hi adds it to the upper half, 0.
  expect_lanes("mad.lo.cc.u32 %t0, %a, %b, %c; madc.hi.u32 %o, %a, %b, 0;", kThree32,
               {{{~0u, 1, 1}, 1}, {{~0u, 2, 0}, 1}, {{~0u, 2, 2}, 2}});
  expect_lanes("add.cc.u64 %u0, %a, %b; addc.u64 %o, 0, 0;", kTwo64,
               {{{~0ull, 1}, 1}, {{1, 1}, 0}});
}

TEST(IntegerArithmetic, RefusesFormsThatPtxDoesNotHave) {
  expect_refused("add.sat.u32 %o, %a, %b;", kTwo32, ".sat");
  expect_refused("mul.u32 %o, %a, %b;", kTwo32, ".lo");
  expect_refused("add.b32 %o, %a, %b;", kTwo32, "no such form");
  expect_refused("vadd.s32.s32.s32 %o, %a, %b;", kTwo32, "unknown");
  expect_refused("add.rn.u32 %o, %a, %b;", kTwo32, ".rn");
  expect_refused("add.u32 %o, %a;", kTwo32, "operands");
}

}  // namespace
}  // namespace moe::simt

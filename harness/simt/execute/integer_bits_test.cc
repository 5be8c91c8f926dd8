// Vectors worked by hand from the "Semantics" of PTX ISA 9.0: "Logic and Shift Instructions", and
// bit field instructions.
#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

constexpr const char* kOne32 = "b32 -> b32";
constexpr const char* kTwo32 = "b32 b32 -> b32";
constexpr const char* kThree32 = "b32 b32 b32 -> b32";
constexpr const char* kPredicates = "pred pred -> pred";

TEST(Logic, CombinesBits) {
  expect_lanes("and.b32 %o, %a, %b;", kTwo32, {{{0xff00ff00, 0x0ff00ff0}, 0x0f000f00}});
  expect_lanes("or.b64 %o, %a, %b;", "b64 b64 -> b64", {{{1ull << 63, 1}, 0x8000000000000001}});
  expect_lanes("xor.b16 %o, %a, %b;", "b16 b16 -> b16", {{{0xff00, 0x0ff0}, 0xf0f0}});
  expect_lanes("not.b16 %o, %a;", "b16 -> b16", {{{0x00ff}, 0xff00}});
  expect_lanes("not.b32 %o, %a;", kOne32, {{{0}, 0xffffffff}});
  // "cnot: d = (a == 0) ? 1 : 0".
  expect_lanes("cnot.b32 %o, %a;", kOne32, {{{0}, 1}, {{7}, 0}});
}

TEST(Logic, CombinesPredicates) {
  expect_lanes("and.pred %o, %a, %b;", kPredicates, {{{1, 1}, 1}, {{1, 0}, 0}, {{0, 0}, 0}});
  expect_lanes("or.pred %o, %a, %b;", kPredicates, {{{1, 0}, 1}, {{0, 0}, 0}});
  expect_lanes("xor.pred %o, %a, %b;", kPredicates, {{{1, 0}, 1}, {{1, 1}, 0}});
  expect_lanes("not.pred %o, %a;", "pred -> pred", {{{1}, 0}, {{0}, 1}});
  expect_lanes("mov.pred %o, %a;", "pred -> pred", {{{1}, 1}, {{0}, 0}});
}

// "immLut = F(0xF0, 0xCC, 0xAA)" for the function F of a, b, c.
TEST(Lop3, TakesAnyFunction) {
  const std::vector<std::uint64_t> in = {0xff00ff00, 0xf0f0f0f0, 0xcccccccc};
  expect_lanes("lop3.b32 %o, %a, %b, %c, 0x80;", kThree32,
               {{in, 0xff00ff00 & 0xf0f0f0f0 & 0xcccccccc}});
  expect_lanes("lop3.b32 %o, %a, %b, %c, 0x96;", kThree32,
               {{in, 0xff00ff00 ^ 0xf0f0f0f0 ^ 0xcccccccc}});
  expect_lanes("lop3.b32 %o, %a, %b, %c, 0xfe;", kThree32,
               {{in, 0xff00ff00 | 0xf0f0f0f0 | 0xcccccccc}});
  // (a & b) | (~a & c): (0xF0 & 0xCC) | (0x0F & 0xAA) = 0xCA.
  expect_lanes("lop3.b32 %o, %a, %b, %c, 0xca;", kThree32, {{in, 0xf0ccf0cc}});
  expect_lanes("lop3.b32 %o, %a, %b, %c, 0x1e;", kThree32, {{in, 0xff00ff00 ^ 0xfcfcfcfc}});
}

// "p = (d != 0) BoolOp q".
TEST(Lop3, TestsItsResult) {
  const char* signature = "b32 b32 pred -> pred";
  expect_lanes("lop3.or.b32 %t0|%o, %a, %b, 0, 0xc0, %c;", signature,
               {{{1, 2, 0}, 0}, {{1, 3, 0}, 1}, {{1, 2, 1}, 1}});
  expect_lanes("lop3.and.b32 _|%o, %a, %b, 0, 0xc0, %c;", signature,
               {{{1, 3, 0}, 0}, {{1, 3, 1}, 1}, {{1, 2, 1}, 0}});
}

// "Shift amounts greater than the register width N are clamped to N."
TEST(Shift, ClampsItsAmount) {
  expect_lanes("shl.b32 %o, %a, %b;", kTwo32,
               {{{1, 31}, 0x80000000}, {{1, 32}, 0}, {{1, 0xffffffff}, 0}, {{5, 0}, 5}});
  expect_lanes("shl.b16 %o, %a, %b;", "b16 b32 -> b16",
               {{{0xffff, 8}, 0xff00}, {{1, 16}, 0}, {{1, 33}, 0}});
  expect_lanes("shl.b64 %o, %a, %b;", "b64 b32 -> b64", {{{1, 63}, 1ull << 63}, {{1, 64}, 0}});
  expect_lanes("shr.u32 %o, %a, %b;", kTwo32, {{{0x80000000, 31}, 1}, {{0x80000000, 32}, 0}});
  expect_lanes(
      "shr.s32 %o, %a, %b;", kTwo32,
      {{{0x80000000, 31}, 0xffffffff}, {{0x80000000, 99}, 0xffffffff}, {{0x40000000, 32}, 0}});
  expect_lanes("shr.b32 %o, %a, %b;", kTwo32, {{{0x80000000, 4}, 0x08000000}});
  expect_lanes("shr.s16 %o, %a, %b;", "b16 b32 -> b16",
               {{{0x8000, 3}, 0xf000}, {{0x8000, 16}, 0xffff}});
  expect_lanes("shr.u16 %o, %a, %b;", "b16 b32 -> b16", {{{0x8000, 15}, 1}, {{0x8000, 16}, 0}});
  expect_lanes("shr.s64 %o, %a, %b;", "b64 b32 -> b64",
               {{{1ull << 63, 62}, ~1ull}, {{1ull << 63, 64}, ~0ull}});
}

// "shf.l: d = (b << n) | (a >> (32-n)); shf.r: d = (b << (32-n)) | (a >> n)"; n clamped or wrapped.
TEST(FunnelShift, ShiftsTwoWords) {
  expect_lanes("shf.l.clamp.b32 %o, %a, %b, %c;", kThree32,
               {{{0x80000000, 1, 1}, 3}, {{7, 9, 32}, 7}, {{7, 9, 40}, 7}, {{7, 9, 0}, 9}});
  expect_lanes("shf.l.wrap.b32 %o, %a, %b, %c;", kThree32,
               {{{7, 9, 32}, 9}, {{0x80000000, 1, 33}, 3}});
  expect_lanes("shf.r.clamp.b32 %o, %a, %b, %c;", kThree32,
               {{{2, 1, 1}, 0x80000001}, {{7, 9, 50}, 9}, {{7, 9, 0}, 7}});
  expect_lanes("shf.r.wrap.b32 %o, %a, %b, %c;", kThree32,
               {{{7, 9, 32}, 7}, {{2, 1, 33}, 0x80000001}});
}

TEST(BitCount, CountsAndReverses) {
  expect_lanes("brev.b32 %o, %a;", kOne32, {{{1}, 0x80000000}, {{0x12345678}, 0x1e6a2c48}});
  expect_lanes("brev.b64 %o, %a;", "b64 -> b64", {{{1}, 1ull << 63}, {{0x6}, 0x6000000000000000}});
  expect_lanes("popc.b32 %o, %a;", kOne32, {{{0xffffffff}, 32}, {{0}, 0}, {{0x101}, 2}});
  expect_lanes("popc.b64 %o, %a;", "b64 -> b32", {{{~0ull}, 64}, {{0x8000000000000001}, 2}});
  expect_lanes("clz.b32 %o, %a;", kOne32, {{{0}, 32}, {{1}, 31}, {{0x80000000}, 0}});
  expect_lanes("clz.b64 %o, %a;", "b64 -> b32", {{{0}, 64}, {{1}, 63}});
}

TEST(FindHighest, SkipsTheSign) {
  expect_lanes("bfind.u32 %o, %a;", kOne32,
               {{{0}, ~0u}, {{1}, 0}, {{0xffffffff}, 31}, {{0x500}, 10}});
  expect_lanes("bfind.s32 %o, %a;", kOne32,
               {{{0xffffffff}, ~0u}, {{0xfffffffe}, 0}, {{5}, 2}, {{0}, ~0u}});
  expect_lanes("bfind.shiftamt.u32 %o, %a;", kOne32, {{{1}, 31}, {{0}, ~0u}});
  expect_lanes("bfind.u64 %o, %a;", "b64 -> b32", {{{1ull << 40}, 40}});
  expect_lanes("bfind.shiftamt.s64 %o, %a;", "b64 -> b32",
               {{{~0ull << 8}, 56}});  // highest 0: bit 7
}

TEST(BitField, Extracts) {
  expect_lanes("bfe.u32 %o, %a, %b, %c;", kThree32,
               {{{0x12345678, 8, 8}, 0x56},
                {{0xffffffff, 4, 0}, 0},
                {{0xf0000000, 28, 8}, 0xf},
                {{5, 32, 4}, 0},
                {{0xabcd, 0, 255}, 0xabcd}});
  expect_lanes("bfe.s32 %o, %a, %b, %c;", kThree32,
               {{{0x0000f000, 12, 4}, 0xffffffff},
                {{0x00007000, 12, 4}, 7},
                {{0x80000000, 40, 4}, 0xffffffff},
                {{0xf0000000, 28, 8}, 0xffffffff},
                {{0xffffffff, 3, 0}, 0}});
  expect_lanes("bfe.u64 %o, %a, %b, %c;", "b64 b32 b32 -> b64",
               {{{0x123456789abcdef0, 32, 16}, 0x5678}});
  expect_lanes("bfe.s64 %o, %a, %b, %c;", "b64 b32 b32 -> b64",
               {{{0x8000000000, 36, 4}, 0xfffffffffffffff8}});
}

TEST(BitField, Inserts) {
  const char* signature = "b32 b32 b32 b32 -> b32";
  expect_lanes("bfi.b32 %o, %a, %b, %c, %d;", signature,
               {{{0xab, 0xffffffff, 8, 8}, 0xffffabff},
                {{0xab, 0x11, 8, 0}, 0x11},
                {{0xab, 0x11, 32, 8}, 0x11},
                {{0xff, 0, 28, 8}, 0xf0000000},
                {{0x1ff, 0, 0, 8}, 0xff},
                {{0x12345678, 0, 0, 32}, 0x12345678}});
  expect_lanes("bfi.b64 %o, %a, %b, %c, %d;", "b64 b64 b32 b32 -> b64",
               {{{0xff, 0, 60, 8}, 0xf000000000000000}});
}

// The examples of the ISA.
TEST(FindNth, CountsFromTheBase) {
  expect_lanes("fns.b32 %o, %a, %b, %c;", kThree32,
               {{{0xaaaaaaaa, 3, 1}, 3},
                {{0xaaaaaaaa, 3, ~0u}, 3},
                {{0xaaaaaaaa, 2, 1}, 3},
                {{0xaaaaaaaa, 2, ~0u}, 1},
                {{0xaaaaaaaa, 3, 0}, 3},
                {{0xaaaaaaaa, 2, 0}, ~0u},
                {{0xaaaaaaaa, 0, 3}, 5},
                {{0x8, 4, 1}, ~0u}});
}

TEST(BitMask, StartsAtItsPosition) {
  expect_lanes("bmsk.wrap.b32 %o, %a, %b;", kTwo32,
               {{{1, 2}, 6}, {{33, 34}, 6}, {{0, 32}, 0}, {{28, 8}, 0xf0000000}});
  expect_lanes("bmsk.clamp.b32 %o, %a, %b;", kTwo32,
               {{{1, 2}, 6}, {{32, 1}, 0}, {{4, 32}, 0xfffffff0}, {{0, 0}, 0}});
}

TEST(ExtendLow, KeepsTheLowBits) {
  expect_lanes(
      "szext.clamp.s32 %o, %a, %b;", kTwo32,
      {{{0xf8, 4}, 0xfffffff8}, {{0xf7, 4}, 7}, {{0x80000001, 32}, 0x80000001}, {{5, 0}, 0}});
  expect_lanes("szext.wrap.u32 %o, %a, %b;", kTwo32,
               {{{0xffffffff, 0}, 0}, {{0xffffffff, 36}, 0xf}});
  expect_lanes("szext.wrap.s32 %o, %a, %b;", kTwo32, {{{0xf8, 36}, 0xfffffff8}, {{0xf8, 32}, 0}});
}

// The table "prmt" of the ISA: bytes 0..3 are a's, 4..7 b's.
TEST(PermuteBytes, FollowsTheTable) {
  const std::uint64_t a = 0x83828180;
  const std::uint64_t b = 0x07060504;
  expect_lanes("prmt.b32 %o, %a, %b, %c;", kThree32,
               {{{a, b, 0x3210}, a},
                {{a, b, 0x7654}, b},
                {{a, b, 0x0426}, 0x80048206},
                {{a, b, 0x8cb9}, 0xff00ffff},
                {{a, b, 0xffff0000 | 0x3210}, a}});
  expect_lanes("prmt.b32.f4e %o, %a, %b, %c;", kThree32,
               {{{a, b, 0}, a}, {{a, b, 1}, 0x04838281}, {{a, b, 3}, 0x06050483}});
  expect_lanes("prmt.b32.b4e %o, %a, %b, %c;", kThree32,
               {{{a, b, 0}, 0x05060780}, {{a, b, 3}, 0x80818283}});
  expect_lanes("prmt.b32.rc8 %o, %a, %b, %c;", kThree32, {{{a, b, 2}, 0x82828282}});
  expect_lanes("prmt.b32.ecl %o, %a, %b, %c;", kThree32,
               {{{a, b, 1}, 0x83828181}, {{a, b, 3}, 0x83838383}});
  expect_lanes("prmt.b32.ecr %o, %a, %b, %c;", kThree32,
               {{{a, b, 1}, 0x81818180}, {{a, b, 0}, 0x80808080}});
  expect_lanes("prmt.b32.rc16 %o, %a, %b, %c;", kThree32,
               {{{a, b, 0}, 0x81808180}, {{a, b, 3}, 0x83828382}});
}

}  // namespace
}  // namespace moe::simt

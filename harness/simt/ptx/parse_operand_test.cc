// Operands of instructions. Source: PTX ISA 9.0, "Instruction Operands".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

using Kind = Operand::Kind;
using testing::ElementsAre;

std::vector<int> registers_of(const Operand& operand) {
  std::vector<int> registers;
  for (const Operand& part : operand.parts) registers.push_back(part.reg);
  return registers;
}

TEST(Operand, RegisterIsItsIndex) {
  const Instruction add = instruction("add.s32 %r1, %r2, %r3;");
  ASSERT_EQ(add.operands.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(add.operands[i].kind, Kind::kRegister);
    EXPECT_EQ(add.operands[i].reg, kR0 + 1 + i);
    EXPECT_FALSE(add.operands[i].negated);
  }
}

TEST(Operand, PredicateMayBeNegated) {
  const Instruction setp = instruction("setp.eq.and.s32 %p1, %r1, 0, !%p2;");
  EXPECT_EQ(setp.operands[3].reg, kP0 + 2);
  EXPECT_TRUE(setp.operands[3].negated);
  EXPECT_FALSE(setp.operands[0].negated);
}

TEST(Operand, UnderscoreIsASink) {
  EXPECT_EQ(instruction("atom.global.add.u32 _, [%rd1], %r1;").operands[0].kind, Kind::kSink);
}

TEST(Operand, SpecialRegisterKeepsItsComponent) {
  for (const char* name : {"%tid.x",
                           "%ntid.y",
                           "%ctaid.z",
                           "%nctaid.w",
                           "%laneid",
                           "%warpid",
                           "%nwarpid",
                           "%smid",
                           "%lanemask_lt",
                           "%clock",
                           "%clock_hi",
                           "%clock64",
                           "%globaltimer",
                           "%globaltimer_lo",
                           "%cluster_ctaid.x",
                           "%cluster_nctarank",
                           "%is_explicit_cluster",
                           "%envreg31",
                           "%pm7",
                           "%pm0_64",
                           "%dynamic_smem_size",
                           "%total_smem_size",
                           "%gridid",
                           "WARP_SZ",
                           "%tid"}) {
    const Operand operand = instruction(fmt::format("mov.u32 %r1, {};", name)).operands[1];
    EXPECT_EQ(operand.kind, Kind::kSpecial) << name;
    EXPECT_EQ(operand.name, name);
  }
}

TEST(Operand, UnknownSpecialRegisterIsRefused) {
  for (const char* name : {"%tid.q", "%laneid.x", "%envreg32", "%pm8", "%pm8_64", "%envreg",
                           "%envreg01", "%tid.x.y"}) {
    EXPECT_NE(body_error(fmt::format("mov.u32 %r1, {};", name)), "") << name;
  }
  EXPECT_EQ(body_error("mov.u32 %r1, %tid.q;"),
            "t.ptx:2: register %tid.q is not declared, mov.u32 %r1, %tid.q;");
}

TEST(Operand, SymbolMayHaveAnOffset) {
  const Function function = body_of(".shared .b32 s[4]; mov.u32 %r1, s; mov.u32 %r1, s+8;");
  EXPECT_EQ(function.body[0].operands[1].kind, Kind::kSymbol);
  EXPECT_EQ(function.body[0].operands[1].name, "s");
  EXPECT_EQ(function.body[0].operands[1].offset, 0);
  EXPECT_EQ(function.body[1].operands[1].offset, 8);
}

TEST(Operand, AddressIsABaseAndAnOffset) {
  const Operand plain = instruction("ld.global.u32 %r1, [%rd2];").operands[1];
  EXPECT_EQ(plain.kind, Kind::kAddress);
  EXPECT_EQ(plain.parts.at(0).reg, kRd0 + 2);
  EXPECT_EQ(plain.offset, 0);
  EXPECT_EQ(instruction("ld.global.u32 %r1, [%rd2+16];").operands[1].offset, 16);
  EXPECT_EQ(instruction("ld.global.u32 %r1, [ %rd2 + 0x10 ];").operands[1].offset, 16);
  EXPECT_EQ(instruction("ld.global.u32 %r1, [%rd2+-8];").operands[1].offset, -8);
}

TEST(Operand, AddressOfAParameterHasTheOffsetToo) {
  const Operand address = instruction("ld.param.u32 %r1, [a+4];").operands[1];
  EXPECT_EQ(address.parts.at(0).kind, Kind::kSymbol);
  EXPECT_EQ(address.parts.at(0).name, "a");
  EXPECT_EQ(address.parts.at(0).offset, 0);
  EXPECT_EQ(address.offset, 4);
}

TEST(Operand, AddressMayBeANumber) {
  const Operand address = instruction("ld.shared.u32 %r1, [16];").operands[1];
  EXPECT_EQ(address.parts.at(0).kind, Kind::kImmediate);
  EXPECT_EQ(address.parts.at(0).bits, 16u);
}

TEST(Operand, TensorAddressHasCoordinates) {
  const Operand address =
      instruction("cp.async.bulk.tensor.2d.x [%r1], [%rd1, {%r2, %r3}], [%r4];").operands[1];
  ASSERT_EQ(address.parts.size(), 2u);
  EXPECT_EQ(address.parts[0].reg, kRd0 + 1);
  EXPECT_EQ(address.parts[1].kind, Kind::kVector);
  EXPECT_THAT(registers_of(address.parts[1]), ElementsAre(kR0 + 2, kR0 + 3));
}

TEST(Operand, AddressMayHaveTwoBases) {
  const Operand address = instruction("x.y [%r1+4, %r2], 1;").operands[0];
  ASSERT_EQ(address.parts.size(), 2u);
  EXPECT_EQ(address.parts[1].reg, kR0 + 2);
  EXPECT_EQ(address.offset, 4);
}

TEST(Operand, VectorHasRegistersImmediatesAndSinks) {
  const Operand vector = instruction("mov.b64 {%r1, _}, %rd1;").operands[0];
  EXPECT_EQ(vector.kind, Kind::kVector);
  EXPECT_EQ(vector.parts.at(0).reg, kR0 + 1);
  EXPECT_EQ(vector.parts.at(1).kind, Kind::kSink);
  EXPECT_EQ(instruction("st.v2.u32 [%rd1], {%r1,-1};").operands[1].parts.at(1).bits, UINT64_MAX);
}

TEST(Operand, PairIsTwoDestinations) {
  const Operand pair = instruction("shfl.sync.up.b32 %r0|%p1, %r1, 1, 0, -1;").operands[0];
  EXPECT_EQ(pair.kind, Kind::kPair);
  EXPECT_THAT(registers_of(pair), ElementsAre(kR0, kP0 + 1));
  EXPECT_EQ(instruction("setp.eq.s32 _|%p1, %r1, 1;").operands[0].parts[0].kind, Kind::kSink);
}

TEST(Operand, CallHasGroups) {
  const Function function = body_of(
      "{ .param .b32 x; .param .b32 y; .param .b32 z; call.uni (z), k, (x, y); call k, (); }");
  const Instruction& call = function.body[0];
  ASSERT_EQ(call.operands.size(), 3u);
  EXPECT_EQ(call.operands[0].kind, Kind::kGroup);
  EXPECT_EQ(call.operands[0].parts.at(0).name, "z");
  EXPECT_EQ(call.operands[1].kind, Kind::kSymbol);
  EXPECT_EQ(call.operands[1].name, "k");
  EXPECT_EQ(call.operands[2].parts.at(0).name, "x");
  EXPECT_EQ(call.operands[2].parts.at(1).name, "y");
  EXPECT_TRUE(function.body[1].operands[1].parts.empty());
}

TEST(Operand, UndeclaredRegisterIsRefused) {
  EXPECT_EQ(body_error("add.s32 %r1, %r8, 1;"),
            "t.ptx:2: register %r8 is not declared, add.s32 %r1, %r8, 1;");
}

TEST(Operand, WhatPtxHasNotIsRefused) {
  EXPECT_EQ(body_error("add.s32 %r1, %r2, !%r3;"),
            "t.ptx:2: expected a predicate behind !, add.s32 %r1, %r2, !%r3;");
  EXPECT_EQ(body_error("ld.u32 %r1, [%rd1-8];"),
            "t.ptx:2: expected ], found -, ld.u32 %r1, [%rd1-8];");
  EXPECT_EQ(body_error("ld.u32 %r1, [%rd1+%r2];"),
            "t.ptx:2: expected a number, found %r2, ld.u32 %r1, [%rd1+%r2];");
  EXPECT_EQ(body_error("ld.u32 %r1, [%rd1+1.5];"),
            "t.ptx:2: expected an integer offset, ld.u32 %r1, [%rd1+1.5];");
  EXPECT_EQ(body_error("mov.b64 {}, %rd1;"),
            "t.ptx:2: expected an operand, found }, mov.b64 {}, %rd1;");
  EXPECT_EQ(body_error("mov.b64 {{%r1}}, %rd1;"),
            "t.ptx:2: expected an operand, found {, mov.b64 {{%r1}}, %rd1;");
  EXPECT_EQ(body_error("add.s32 %r1, , 1;"),
            "t.ptx:2: expected an operand, found ,, add.s32 %r1, , 1;");
  EXPECT_EQ(body_error("mov.u32 %r1, 1+2;"), "t.ptx:2: expected ;, found +, mov.u32 %r1, 1+2;");
  EXPECT_EQ(body_error("mov.u32 %r1, %r2.b0;"),
            "t.ptx:2: register %r2.b0 is not declared, mov.u32 %r1, %r2.b0;");
  EXPECT_EQ(body_error("mov.u32 %r1, a.x;"), "t.ptx:2: unknown name a.x, mov.u32 %r1, a.x;");
}

}  // namespace
}  // namespace moe::simt::ptx
